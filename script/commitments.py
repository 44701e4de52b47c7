#!/usr/bin/env python3
"""Writes test/fixtures/commitments: points of a reference string whose secret is told, and commitments under them.

Calculated from docs/instances.md with integers alone, for the implementations in Rust and JavaScript to agree with.
"""
import json
import struct
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root / "tests/packed"))
from verifier import R, ROOT, keccak, multiply  # noqa: E402

GENERATOR = (1, 2)
SECRET = int.from_bytes(keccak(b"zkverdict commitments under test: everybody knows this"), "big") % R
STRING = keccak(b"a string of its own")
TAG = b"zkverdict committed input v1" + bytes(3)
BITS = {"int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "float32": 32}


def word(value):
    return f"0x{value:064x}"


def point(coordinates):
    return [word(coordinate) for coordinate in coordinates]


def lagrange(size, row):
    """L_row(τ) = ω^row·(τ^M − 1) / (M·(τ − ω^row))"""
    rows = 1 << size
    at = pow(pow(ROOT, 1 << (28 - size), R), row, R)
    return at * (pow(SECRET, rows, R) - 1) * pow(rows * (SECRET - at), -1, R) % R


def code_of(code, value):
    if code == "float32":
        bits = struct.unpack(">I", struct.pack(">f", value))[0]
        return ~bits & 0xFFFFFFFF if bits >> 31 else bits | 1 << 31
    return value + (1 << (BITS[code] - 1)) if code.startswith("int") else value


def pack(code, values):
    bits = BITS[code]
    held = 248 // bits
    codes = [code_of(code, value) for value in values]
    return [sum(c << bits * i for i, c in enumerate(codes[at : at + held])) for at in range(0, len(codes), held)]


def commitment(code, shape, values, blinding):
    words = pack(code, values)
    size = next(size for size in range(6, 29) if len(words) <= (1 << size) - 17)
    scalar = blinding * lagrange(size, (1 << size) - 1)
    scalar += sum(value * lagrange(size, 1 + i) for i, value in enumerate(words))
    where = multiply(GENERATOR, scalar)
    name = keccak(TAG + bytes([size]) + b"".join(c.to_bytes(32, "big") for c in where))[:31]
    return {
        "code": code,
        "shape": shape,
        "values": values,
        "blinding": word(blinding),
        "class": size,
        "words": [word(value) for value in words],
        "point": point(where),
        "name": "0x00" + name.hex(),
    }


def points(size, rows):
    return {
        "format": "zkverdict commitment points",
        "version": 1,
        "string": "0x" + STRING.hex(),
        "class": size,
        "points": [point(multiply(GENERATOR, lagrange(size, 1 + row))) for row in range(rows)],
        "blinding": point(multiply(GENERATOR, lagrange(size, (1 << size) - 1))),
    }


def number(seed):
    return int.from_bytes(keccak(f"number {seed}".encode()), "big")


def values(code, count):
    if code == "float32":
        some = [0.0, -0.0, 1.5, -1.5, 3.4028234663852886e38, -1e-45, 0.10000000149011612]
        return [struct.unpack(">f", struct.pack(">f", some[i % len(some)]))[0] for i in range(count)]
    smallest = -(1 << (BITS[code] - 1)) if code.startswith("int") else 0
    ends = [smallest, smallest + (1 << BITS[code]) - 1]
    return (ends + [smallest + number(i) % (1 << BITS[code]) for i in range(count)])[:count]


vectors = [
    commitment("uint8", [1], [0], 1),
    commitment("int8", [], [-128], R - 1),
    commitment("int8", [2, 31], values("int8", 62), number("a") % R),
    # One word more than the smallest class holds, and as many.
    commitment("uint8", [48, 31], values("uint8", 48 * 31), number("b") % R),
    commitment("uint8", [47, 31], values("uint8", 47 * 31), number("c") % R),
    commitment("int16", [16], values("int16", 16), number("d") % R),
    commitment("uint16", [3, 5], values("uint16", 15), number("e") % R),
    commitment("int32", [8], values("int32", 8), number("f") % R),
    commitment("uint32", [1], values("uint32", 1), number("g") % R),
    commitment("float32", [9], values("float32", 9), number("h") % R),
]
out = root / "test/fixtures/commitments"
out.mkdir(parents=True, exist_ok=True)
for name, document in [
    ("points6", points(6, 47)),
    ("points7", points(7, 48)),
    ("vectors", {"secret": word(SECRET), "commitments": vectors}),
]:
    (out / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")).replace("},{", "},\n{") + "\n")
