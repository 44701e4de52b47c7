#!/usr/bin/env python3
"""A slow verifier of packed proofs, written from docs/protocol.md alone, with nothing but Python's standard library.

    verifier.py FILE        one case a line: VERDICT KEY PROOF [INSTANCE …], all but the verdict in hexadecimal

Compares each verdict with its own; prints those that differ, and exits with 1 if any does.
"""
import sys

Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47
R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001
ROOT = 0x03ddb9f5166d18b798865ea93dd31f743215cf6dd39329c8d34f1ed960c37c9c


class Refused(Exception):
    """Why a proof is refused."""


class Damaged(Exception):
    """Why bytes are no key."""


def demand(condition, why, kind=Damaged):
    if not condition:
        raise kind(why)


# Keccak-256, with the padding that came before SHA-3's.

MASK = (1 << 64) - 1


def round_constants():
    state = 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if state & 1:
                constant |= 1 << ((1 << j) - 1)
            state <<= 1
            if state & 0x100:
                state ^= 0x171
        yield constant


CONSTANTS = list(round_constants())


def permute(lanes):
    rotate = lambda lane, by: ((lane << by) | (lane >> (64 - by))) & MASK if by else lane
    for constant in CONSTANTS:
        parity = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        change = [parity[x - 1] ^ rotate(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ change[i % 5] for i, lane in enumerate(lanes)]
        x, y, current = 1, 0, lanes[1]
        moved = lanes[:]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, moved[x + 5 * y] = lanes[x + 5 * y], rotate(current, (t + 1) * (t + 2) // 2 % 64)
        lanes = [
            moved[i] ^ (~moved[i - i % 5 + (i + 1) % 5] & moved[i - i % 5 + (i + 2) % 5] & MASK) for i in range(25)
        ]
        lanes[0] ^= constant
    return lanes


def keccak(data):
    rate = 136
    padded = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % rate)
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), rate):
        for i in range(rate // 8):
            lanes[i] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        lanes = permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


# G1; None is infinity.


def on_curve(x, y):
    return x < Q and y < Q and (y * y - x * x * x - 3) % Q == 0


def add(a, b):
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % Q == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, Q)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, Q)
    x = (slope * slope - a[0] - b[0]) % Q
    return x, (slope * (a[0] - x) - a[1]) % Q


def multiply(point, scalar):
    total = None
    for bit in bin(scalar % R)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


# F_q² = F_q[u]/(u² + 1) as pairs, and F_q¹² = F_q[w]/(w¹² − 18·w⁶ + 82) as lists: w⁶ = 9 + u.


def mul2(a, b):
    return (a[0] * b[0] - a[1] * b[1]) % Q, (a[0] * b[1] + a[1] * b[0]) % Q


def sub2(a, b):
    return (a[0] - b[0]) % Q, (a[1] - b[1]) % Q


def inverse2(a):
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, Q)
    return a[0] * norm % Q, -a[1] * norm % Q


TWIST_B = mul2((3, 0), inverse2((9, 1)))


def add_on_twist(a, b):
    """The sum, and the slope of the line through both. Neither is infinity, nor is the sum."""
    if a == b:
        square = mul2(a[0], a[0])
        slope = mul2((3 * square[0], 3 * square[1]), inverse2((2 * a[1][0], 2 * a[1][1])))
    else:
        slope = mul2(sub2(b[1], a[1]), inverse2(sub2(b[0], a[0])))
    x = sub2(sub2(mul2(slope, slope), a[0]), b[0])
    return (x, sub2(mul2(slope, sub2(a[0], x)), a[1])), slope


def in_group(point):
    x, y = point
    right = mul2(mul2(x, x), x)
    if mul2(y, y) != ((right[0] + TWIST_B[0]) % Q, (right[1] + TWIST_B[1]) % Q):
        return False
    # r·P = 0: (r − 1)·P is −P.
    total = point
    for bit in bin(R - 1)[3:]:
        if total[1] == (0, 0):
            return False
        total, _ = add_on_twist(total, total)
        if bit == "1":
            if total[0] == point[0]:
                return False
            total, _ = add_on_twist(total, point)
    return total == (x, (-y[0] % Q, -y[1] % Q))


def mul12(a, b):
    product = [0] * 23
    for i, x in enumerate(a):
        if x:
            for j, y in enumerate(b):
                product[i + j] += x * y
    for i in range(22, 11, -1):
        product[i - 6] += 18 * product[i]
        product[i - 12] -= 82 * product[i]
    return [value % Q for value in product[:12]]


def power12(a, exponent):
    result = a
    for bit in bin(exponent)[3:]:
        result = mul12(result, result)
        if bit == "1":
            result = mul12(result, a)
    return result


BN_X = 4965661367192848881
LOOP = 6 * BN_X * BN_X
HARD = (Q**4 - Q**2 + 1) // R
# w^(q² − 1), which lies in F_q.
FROBENIUS = power12([0, 1] + [0] * 10, Q * Q - 1)
assert LOOP % R == Q % R and FROBENIUS[1:] == [0] * 11 and pow(FROBENIUS[0], 6, Q) == 1


def miller_loop(pairs):
    """Π f_Q(P) of the ate pairing; denominators are left out, as the final power takes them to 1."""
    pairs = [(p, q) for p, q in pairs if p is not None]
    result = [1] + [0] * 11
    points = [q for _, q in pairs]

    def step(others):
        nonlocal result
        for i, ((x, y), _) in enumerate(pairs):
            here = points[i]
            points[i], slope = add_on_twist(here, others[i])
            # y − slope·x·w + (slope·x' − y')·w³, for the line through (x'·w², y'·w³).
            constant = sub2(mul2(slope, here[0]), here[1])
            line = [0] * 12
            line[0] = y
            line[1], line[7] = -x * (slope[0] - 9 * slope[1]) % Q, -x * slope[1] % Q
            line[3], line[9] = constant[0] - 9 * constant[1], constant[1]
            result = mul12(line, result)

    for bit in bin(LOOP)[3:]:
        result = mul12(result, result)
        step(points[:])
        if bit == "1":
            step([q for _, q in pairs])
    return result


def pairings_cancel(pairs):
    """Whether Π e(P, Q) = 1."""
    f = miller_loop(pairs)
    raised = mul12([value * pow(FROBENIUS[0], i, Q) % Q for i, value in enumerate(f)], f)
    # f^((q¹² − 1)/r) = 1 if this is its own conjugate over F_q⁶, as (q⁶ − 1) is the rest of the exponent.
    return not any(power12(raised, HARD)[1::2])


# The key.


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        demand(self.at + count <= len(self.data), "the key ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def u32(self):
        return int.from_bytes(self.take(4), "big")

    def rotation(self):
        rotation = int.from_bytes(self.take(4), "big", signed=True)
        demand(abs(rotation) <= 1 << 28, "a rotation is out of range")
        return rotation

    def word(self, modulus):
        word = int.from_bytes(self.take(32), "big")
        demand(word < modulus, "a number is not below its modulus")
        return word

    def g1(self):
        x, y = self.word(Q), self.word(Q)
        if x == y == 0:
            return None
        demand(on_curve(x, y), "a point is not on the curve")
        return x, y

    def g2(self):
        words = [self.word(Q) for _ in range(4)]
        point = (words[1], words[0]), (words[3], words[2])
        demand(in_group(point), "a point of G2 is not in the group")
        return point

    def list(self, item):
        return [item() for _ in range(self.u32())]

    def pack(self):
        width = self.u32()
        slots = self.list(lambda: (self.u32(), self.rotation()))
        rotations = self.list(self.rotation)
        demand(0 < len(slots) <= width <= 4096, "a pack has more columns than slots")
        demand(rotations and all(a < b for a, b in zip(rotations, rotations[1:])), "points do not ascend")
        return width, slots, rotations

    def sum(self):
        """A challenge's number; column, first instance, factor, number of the point."""
        challenge = self.u32()
        return challenge, (self.u32(), self.u32(), self.word(R), self.u32())

    def link(self):
        """Advice column, class, instance column, number of the name."""
        return self.u32(), self.u32(), self.u32(), self.u32()

    def operation(self):
        code = self.take(1)[0]
        demand(code < 8, "a gate has an unknown operation")
        if code == 0:
            return code, self.word(R), 0
        if code < 4:
            return code, self.u32(), self.rotation()
        return code, self.u32() if code == 4 else 0, 0


class Key:
    def __init__(self, data):
        reader = Reader(data)
        start = reader.take(22)
        demand(start in (b"zkverdict packed key 3", b"zkverdict packed key 4"), "the key begins with something else")
        self.k = reader.u32()
        demand(1 <= self.k <= 28, "k is out of range")
        self.g1, self.g2, self.tau = reader.g1(), reader.g2(), reader.g2()
        demand(self.g1 is not None, "a generator is at infinity")
        self.instances = reader.list(reader.u32)
        self.phases = reader.list(lambda: (reader.list(reader.pack), reader.list(reader.u32)))
        self.sums = reader.list(reader.sum)
        self.links = reader.list(reader.link)
        key = reader.list(lambda: (reader.pack(), reader.g1()))
        self.named, self.name = [], None
        if start[-1:] == b"4":
            self.name = reader.u32(), reader.u32()
            self.named = reader.list(reader.pack)
        self.gates = reader.list(lambda: reader.list(reader.operation))
        demand(reader.at == len(data), "bytes are left over")
        self.advice = [pack for packs, _ in self.phases for pack in packs]
        self.packs = self.advice + [pack for pack, _ in key] + self.named
        self.commitments = [commitment for _, commitment in key]
        self.digest = keccak(data)
        # Where each value is among the evaluations.
        self.places, place = {}, 0
        for index, (_, slots, rotations) in enumerate(self.packs):
            of_key = index >= len(self.advice)
            demand(not of_key or rotations == [0], "a pack of the key is not opened at x alone")
            for rotation in rotations:
                for column, shift in slots:
                    demand(of_key or shift == 0, "advice is rotated")
                    name = (1, column, shift) if of_key else (2, column, rotation)
                    demand(name not in self.places, "a column is packed twice")
                    self.places[name] = place
                    place += 1
        columns = [column for _, slots, _ in self.advice for column, _ in slots]
        demand(len(set(columns)) == len(columns), "a column is packed twice")
        self.evaluations = place
        named = {column for _, slots, _ in self.named for column, _ in slots}
        demand(not named & {column for (_, slots, _), _ in key for column, _ in slots}, "a named column is in the key")
        demand(all(shift == 0 for _, slots, _ in self.named for _, shift in slots), "a named column is rotated")
        if self.name:
            instance_column, number = self.name
            demand(named, "there are no named columns")
            there = instance_column < len(self.instances) and number < self.instances[instance_column]
            demand(there, "the name of columns is not there")
        drawn = {challenge for _, drawn in self.phases for challenge in drawn}
        for _, (column, first_value, _, point) in self.sums:
            there = column < len(self.instances) and first_value <= self.instances[column]
            demand(there and point in drawn, "a sum is of what is not there")
        challenges = [challenge for _, drawn in self.phases for challenge in drawn]
        challenges = sorted(challenges + [challenge for challenge, _ in self.sums])
        demand(challenges == list(range(len(challenges))), "challenges are not numbered")
        first = {column for packs, _ in self.phases[:1] for _, slots, _ in packs for column, _ in slots}
        for column, size, instance_column, number in self.links:
            demand(6 <= size <= self.k, "a link's class is too small or too large")
            demand(column in first and (2, column, 0) in self.places, "a link is of no column that is opened at x")
            there = instance_column < len(self.instances) and number < self.instances[instance_column]
            demand(there, "a link's name is not there")
        demand(all(count <= 1 << self.k for count in self.instances), "more instances than rows")
        demand(self.gates, "there are no gates")
        for gate in self.gates:
            height = 0
            for code, argument, rotation in gate:
                if code in (1, 2):
                    demand((code, argument, rotation) in self.places, "a gate looks at what is not opened")
                demand(code != 3 or argument < len(self.instances), "there is no such instance column")
                demand(code != 4 or argument < len(challenges), "there is no such challenge")
                height -= {5: 1, 6: 2, 7: 2}.get(code, 0)
                demand(height >= 0, "a gate takes values that are not there")
                height += 1
            demand(height == 1, "a gate leaves more than one value")


# Verdicts.


class Transcript:
    def __init__(self, digest):
        self.buffer = digest

    def absorb(self, data):
        self.buffer += data

    def draw(self):
        self.buffer = keccak(self.buffer + (b"\x01" if len(self.buffer) == 32 else b""))
        return int.from_bytes(self.buffer, "big") % R


def invert(value):
    demand(value % R, "ChallengeInDomain", Refused)
    return pow(value, -1, R)


def name(size, point):
    tag = b"zkverdict committed input v1" + bytes(3) + bytes([size])
    return int.from_bytes(keccak(tag + point), "big") >> 8


def name_of_columns(digest, points):
    tag = b"zkverdict committed columns v1" + bytes(2)
    return int.from_bytes(keccak(tag + digest + points), "big") >> 8


def verify(key, proof, instances):
    length = 64 * (len(key.advice) + 3) + 32 * key.evaluations
    of_links = 64 * (len(key.links) + 1) if key.links else 0
    length += of_links + 2 * 64 * len(key.named)
    demand(len(instances) == sum(key.instances), "InstanceCount", Refused)
    demand(len(proof) == length, "ProofLength", Refused)
    words = [int.from_bytes(proof[i : i + 32], "big") for i in range(0, length, 32)]
    first = 2 * (len(key.advice) + 1)
    last = first + key.evaluations
    for index, value in enumerate(instances):
        demand(value < R, f"ScalarOutOfRange({index})", Refused)
    points = []

    def read_points(words):
        for x, y in zip(words[::2], words[1::2]):
            demand(on_curve(x, y), f"PointNotOnCurve({len(points)})", Refused)
            points.append((x, y))

    read_points(words[:first])
    values = words[first:last]
    for index, value in enumerate(values):
        demand(value < R, f"ScalarOutOfRange({len(instances) + index})", Refused)
    read_points(words[last:])
    # Behind W and W'.
    ends = 32 * last + 128
    commitments = [proof[ends + 64 * i : ends + 64 * (i + 1)] for i in range(len(key.links))]
    difference = proof[ends + 64 * len(key.links) : ends + of_links]
    columns = proof[ends + of_links :]
    for index, (_, size, instance_column, number) in enumerate(key.links):
        named = instances[sum(key.instances[:instance_column]) + number]
        demand(named == name(size, commitments[index]), f"WrongName({index})", Refused)
    if key.name:
        instance_column, number = key.name
        named = instances[sum(key.instances[:instance_column]) + number]
        expected = name_of_columns(key.digest, columns[: 64 * len(key.named)])
        demand(named == expected, f"WrongName({len(key.links)})", Refused)

    transcript = Transcript(key.digest)
    transcript.absorb(b"".join(value.to_bytes(32, "big") for value in instances))
    transcript.absorb(b"".join(commitments) + columns)
    at, challenges = 0, {}
    for packs, drawn in key.phases:
        transcript.absorb(proof[at : at + 64 * len(packs)])
        at += 64 * len(packs)
        for challenge in drawn:
            challenges[challenge] = transcript.draw()
    for challenge, (column, first_value, factor, point) in key.sums:
        start = sum(key.instances[:column])
        values_of_sum = instances[start + first_value : start + key.instances[column]]
        powers = (pow(factor * challenges[point], i, R) for i in range(len(values_of_sum)))
        challenges[challenge] = sum(a * b for a, b in zip(values_of_sum, powers)) % R
    y = transcript.draw()
    transcript.absorb(proof[at : at + 64] + difference)
    x = transcript.draw()
    transcript.absorb(proof[32 * first : 32 * last])
    gamma = transcript.draw()
    transcript.absorb(proof[32 * last : 32 * last + 64])
    z = transcript.draw()

    n = 1 << key.k
    omega = pow(ROOT, 1 << (28 - key.k), R)
    rotated = lambda rotation: x * pow(omega, rotation, R) % R
    vanishing = pow(x, n, R) - 1
    inverse_of_vanishing = invert(vanishing)

    def instance(column, rotation):
        start = sum(key.instances[:column])
        point, row, total = rotated(rotation), 1, 0
        for value in instances[start : start + key.instances[column]]:
            total += value * row * pow(point - row, -1, R)
            row = row * omega % R
        return total * vanishing * pow(n, -1, R) % R

    h = 0
    for gate in key.gates:
        stack = []
        for code, argument, rotation in gate:
            if code == 0:
                stack.append(argument)
            elif code in (1, 2):
                stack.append(values[key.places[code, argument, rotation]])
            elif code == 3:
                stack.append(instance(argument, rotation))
            elif code == 4:
                stack.append(challenges[argument])
            elif code == 5:
                stack.append(-stack.pop() % R)
            else:
                a, b = stack.pop(), stack.pop()
                stack.append((a + b if code == 6 else a * b) % R)
        h = (h * y + stack[0]) % R
    h = h * inverse_of_vanishing % R

    scalars, value, power, place = [], 0, 1, 0
    for width, slots, rotations in key.packs:
        scalar = 0
        for rotation in rotations:
            of_term = values[place : place + len(slots)]
            place += len(slots)
            s = power * invert(pow(z, width, R) - rotated(rotation)) % R
            scalar += s
            value += s * sum(y_i * pow(z, i, R) for i, y_i in enumerate(of_term))
            power = power * gamma % R
        scalars.append(scalar)
    s = power * invert(z - x) % R
    value += s * h

    packs = len(key.advice)
    quotient, w, w_last, *of_links = points[packs:]
    of_named = of_links[len(of_links) - 2 * len(key.named) :]
    # Z(x), for C + Z(x)·D in place of a pack of the key.
    free = 1
    for row in range(n - 3, n):
        free = free * (x - pow(omega, row, R)) % R
    z_of_x = vanishing * invert(free)
    of_named = [add(c, multiply(d, z_of_x)) for c, d in zip(of_named, of_named[len(key.named) :])]
    left = None
    for point, scalar in zip(points[:packs] + key.commitments + of_named, scalars):
        left = add(left, multiply(point, scalar))
    s_link = s * gamma % R
    for index, (column, size, _, _) in enumerate(key.links):
        root = pow(ROOT, 1 << (28 - size), R)
        free = [1] + [pow(root, row, R) for row in range((1 << size) - 16, 1 << size)]
        scalar = s_link * pow(y, index, R) * invert(pow(x, 1 << size, R) - 1)
        for point in free:
            scalar = scalar * (x - point) % R
        value += scalar * values[key.places[2, column, 0]]
        left = add(left, multiply(of_links[index], scalar))
    if key.links:
        left = add(left, multiply(of_links[len(key.links)], s_link))
    for point, scalar in (quotient, s), (w, -1), (w_last, z), (key.g1, -value):
        left = add(left, multiply(point, scalar))
    minus_last = w_last[0], -w_last[1] % Q
    demand(pairings_cancel([(left, key.g2), (minus_last, key.tau)]), "InvalidProof", Refused)


KEYS = {}


def verdict(key, proof, instances):
    try:
        if key not in KEYS:
            KEYS[key] = Key(bytes.fromhex(key))
        verify(KEYS[key], bytes.fromhex(proof), [int(word, 16) for word in instances])
        return "accepted"
    except Damaged:
        return "damaged"
    except Refused as refused:
        return str(refused)


def main():
    differ = count = 0
    with open(sys.argv[1], encoding="ascii") as cases:
        for number, line in enumerate(cases, 1):
            expected, key, proof, *instances = line.split()
            found = verdict(key, "" if proof == "-" else proof, instances)
            count += 1
            if found != expected:
                differ += 1
                print(f"{sys.argv[1]}:{number}: expected {expected}, found {found}")
    print(f"{count - differ} of {count} verdicts agree")
    return 1 if differ or not count else 0


if __name__ == "__main__":
    sys.exit(main())
