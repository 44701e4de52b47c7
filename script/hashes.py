#!/usr/bin/env python3
"""Writes test/fixtures/commitments/hashes.json: hashes of inputs.

Calculated from docs/instances.md and from the description of Poseidon with integers alone, for the implementations in Rust
and JavaScript to agree with.
"""
import json
from pathlib import Path

R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
WIDTH, FULL, PARTIAL = 4, 8, 56
BITS = {"int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32}


def word(value):
    return f"0x{value:064x}"


def pack(code, values):
    bits = BITS[code]
    held = 248 // bits
    lifted = 1 << (bits - 1) if code.startswith("int") else 0
    parts = [values[at : at + held] for at in range(0, len(values), held)]
    return [sum((value + lifted) << bits * i for i, value in enumerate(part)) for part in parts]


def generator():
    """The reference's: a register of 80 bits that begins with the parameters."""
    fields = [(1, 2), (0, 4), (254, 12), (WIDTH, 12), (FULL, 10), (PARTIAL, 10), ((1 << 30) - 1, 30)]
    register = [int(bit) for value, bits in fields for bit in f"{value:0{bits}b}"]

    def step():
        bit = 0
        for tap in (62, 51, 38, 23, 13, 0):
            bit ^= register[tap]
        register.append(bit)
        register.pop(0)
        return bit

    for _ in range(160):
        step()
    while True:
        number = 0
        for _ in range(254):
            while not step():
                step()
            number = 2 * number + step()
        yield number


def parameters():
    numbers = generator()
    constants = []
    while len(constants) < WIDTH * (FULL + PARTIAL):
        number = next(numbers)
        if number < R:
            constants.append(number)
    corners = [next(numbers) % R for _ in range(2 * WIDTH)]
    rows, columns = corners[:WIDTH], corners[WIDTH:]
    return constants, [[pow(row + column, -1, R) for column in columns] for row in rows]


CONSTANTS, MATRIX = parameters()


def poseidon(*inputs):
    state = [0, *inputs]
    for number in range(FULL + PARTIAL):
        state = [(value + CONSTANTS[WIDTH * number + i]) % R for i, value in enumerate(state)]
        is_full = not FULL // 2 <= number < FULL // 2 + PARTIAL
        state = [pow(value, 5, R) if is_full or i == 0 else value for i, value in enumerate(state)]
        state = [sum(m * value for m, value in zip(row, state)) % R for row in MATRIX]
    return state[0]


def hashed(code, values, blinding):
    taken = [blinding, *pack(code, values)]
    taken += [0] * (len(taken) % 2)
    result = int.from_bytes(b"zkverdict", "big") << 64 | len(values) * BITS[code] // 8
    for at in range(0, len(taken), 2):
        result = poseidon(result, *taken[at : at + 2])
    return {"code": code, "values": values, "blinding": word(blinding), "hash": word(result)}


def main():
    assert poseidon(1, 2, 3) == 6542985608222806190361240322586112750744169038454362455181422643027100751666
    step = lambda at: pow(7, 1000 + at, R)  # noqa: E731
    signed = [(37 * i) % 256 - 128 for i in range(93)]
    vectors = [
        hashed("uint8", [0], 1),
        hashed("int8", [-128], R - 1),
        hashed("int8", signed[:31], step(1)),
        hashed("int8", signed[:32], step(2)),
        hashed("int8", signed, step(3)),
        hashed("uint8", [(91 * i) % 256 for i in range(784)], step(4)),
        hashed("int16", [-(1 << 15), 0, (1 << 15) - 1] * 6, step(5)),
        hashed("uint32", [(1 << 32) - 1] * 8, step(6)),
    ]
    lines = ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors)
    path = Path(__file__).resolve().parent.parent / "test/fixtures/commitments/hashes.json"
    path.write_text(f"[{lines}]\n")


if __name__ == "__main__":
    main()
