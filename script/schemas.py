#!/usr/bin/env python3
"""Writes test/fixtures/schemas: schemas and data in their units, with the integers that they are, or why they are refused.

Calculated from docs/attestations.md with fractions, for the implementations in Rust and JavaScript to agree with.
"""
import json
import random
import sys
from fractions import Fraction
from pathlib import Path

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root / "tests/packed"))
from verifier import keccak  # noqa: E402

ENDS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-(2**15), 2**15 - 1), "uint16": (0, 2**16 - 1)}
ENDS |= {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1)}

documents, data = [], []


def field(name="x", step="1", range=("0", "10"), **more):
    return {"name": name, "unit": "pieces", "step": step, "range": list(range)} | more


def document(*fields, error=None, text=None, **changes):
    """A document as it is written, whose bytes are what is hashed."""
    shape = [1, sum(own.get("count") or 1 for own in fields) if "shape" not in changes else 0]
    head = {"format": "zkverdict schema", "version": 1, "title": "of a test", "code": "int8", "shape": shape}
    whole = {name: value for name, value in (head | {"fields": list(fields)} | changes).items() if value is not ...}
    text = json.dumps(whole, ensure_ascii=False) if text is None else text(json.dumps(whole))
    documents.append({"text": text, "hash": "0x" + keccak(text.encode()).hex(), "error": error})
    return len(documents) - 1


def given(number, text, **expected):
    text = text if isinstance(text, str) else json.dumps(text)
    data.append({"document": number, "text": text} | expected)


def integer(own, value):
    """What a decimal is committed to as; the name of the refusal where it is none."""
    low, high = (Fraction(end) for end in own["range"])
    if not low <= value <= high:
        return "OutOfRange"
    steps = (value - Fraction(own.get("offset", "0"))) / Fraction(own["step"])
    if own.get("rounding", "exact") == "exact" and steps.denominator != 1:
        return "OffStep"
    return round(steps)  # of two the even one


def counted(number, own, texts):
    """A field of one element, whose values are given one after the other, as numbers and as texts."""
    for text in texts:
        found = integer(own, Fraction(text))
        expected = {"error": found, "field": own["name"]} if isinstance(found, str) else {"integers": [found]}
        for written in (text, f'"{text}"'):
            given(number, f'{{"{own["name"]}": {written}}}', **expected)


def refused():
    """Documents that are none."""
    for error, changes in [
        ("Malformed", {"format": "zkverdict commitment"}),
        ("Malformed", {"format": ...}),
        ("Malformed", {"version": "1"}),
        ("Malformed", {"version": 1.5}),
        ("Malformed", {"version": -1}),
        ("OtherVersion", {"version": 2}),
        ("OtherVersion", {"version": 0, "unknown": True}),
        ("Malformed", {"title": ...}),
        ("Malformed", {"title": None}),
        ("Text", {"title": ""}),
        ("Text", {"title": "é" * 257}),
        (None, {"title": "é" * 256}),
        (None, {"title": "𝟙" * 256}),
        ("Malformed", {"code": "int64"}),
        ("Malformed", {"code": {"int8": None}}),
        ("NotIntegers", {"code": "float32"}),
        ("Malformed", {"unknown": 1}),
        ("Malformed", {"shape": "1"}),
        ("Malformed", {"shape": [1.0]}),
        ("Malformed", {"shape": [-1]}),
        ("Malformed", {"shape": [2**64]}),
        ("Shape", {"shape": [2**64 - 1]}),
        ("Shape", {"shape": [0]}),
        ("Shape", {"shape": [0, 2**63]}),
        ("Shape", {"shape": [2**32, 2**32]}),
        ("Shape", {"shape": [2]}),
        (None, {"shape": []}),
        (None, {"shape": [1, 1, 1]}),
        ("Malformed", {"fields": {}}),
        ("Malformed", {"fields": [["x", "pieces", 1, "1", "0", ["0", "10"], "exact", 5]]}),
        ("Shape", {"fields": []}),
    ]:
        document(field(), error=error, **changes)
    for error, changes in [
        ("Malformed", {"name": None}),
        ("Text", {"name": ""}),
        ("Text", {"unit": ""}),
        ("Text", {"unit": "x" * 257}),
        ("Malformed", {"unknown": 1}),
        ("Malformed", {"count": None}),
        ("Malformed", {"count": "1"}),
        ("Malformed", {"count": 1.0}),
        ("Malformed", {"count": -1}),
        ("Shape", {"count": 0}),
        ("Shape", {"count": 2**24 + 1}),
        ("Shape", {"count": 2**64 - 1}),
        ("Shape", {"count": 2}),
        (None, {"count": 1}),
        ("Malformed", {"step": 1}),
        ("Step", {"step": "0"}),
        ("Step", {"step": "-0.0"}),
        ("Step", {"step": "-1"}),
        ("Malformed", {"offset": None}),
        ("Malformed", {"range": ["0"]}),
        ("Malformed", {"range": ["0", "1", "2"]}),
        ("Malformed", {"range": [0, 1]}),
        ("Range", {"range": ["1", "0"]}),
        (None, {"range": ["3", "3"]}),
        ("Range", {"range": ["0.5", "1"]}),
        ("Range", {"range": ["0", "1.5"]}),
        (None, {"range": ["0.5", "1.5"], "rounding": "nearest"}),
        (None, {"range": ["0", "1.5"], "offset": "0.5", "step": "0.25"}),
        ("Range", {"range": ["0", "128"]}),
        ("Range", {"range": ["-129", "0"]}),
        (None, {"range": ["-128", "127"]}),
        # 127.5 rounds to 128, −128.5 to −128.
        ("Range", {"range": ["0", "127.5"], "rounding": "nearest"}),
        (None, {"range": ["-128.5", "127.4"], "rounding": "nearest"}),
        ("Range", {"range": ["0", "9e17"], "step": "1e-18"}),
        ("Malformed", {"rounding": "up"}),
        ("Malformed", {"rounding": None}),
        ("Malformed", {"rounding": {"exact": None}}),
        ("Malformed", {"missing": None}),
        ("Malformed", {"missing": "5"}),
        ("Malformed", {"missing": 5.0}),
        ("Malformed", {"missing": 2**63}),
        ("Missing", {"missing": 128}),
        ("Missing", {"missing": -129}),
        (None, {"missing": -128}),
        (None, {"missing": 5}),
    ]:
        document(field(**changes), error=error, shape=[1, 1])
    for text in ["", " 1", "1 ", "+1", ".5", "5.", "01", "-", "1e", "1e+", "0e", "0e+-1", "0x10", "1_0", "١", "NaN", "1e400", "1e-400", "1e18", "1e-19"]:
        document(field(step=text), error="NoDecimal")
        document(field(offset=text), error="NoDecimal")
        document(field(range=("0", text)), error="NoDecimal")
    for text in ["1.0", "10e-1", "0.1e1", "0.10E+1", "1." + 20 * "0", "1e-0", "100e-2"]:
        document(field(step=text))
    document(field(step="1." + 63 * "0"), error="NoDecimal")
    document(field(step="0e400"), error="Step")
    document(error="Shape", shape=[0])
    document(field("x", count=0), field("y"), error="Shape", shape=[1])
    document(field("x", count=2**24), field("y", count=2**24), error="Shape")
    document(field(), field(), error="SameName")
    document(field("x"), field("X"))
    for error, change in [
        ("Malformed", lambda text: ""),
        ("Malformed", lambda text: "[]"),
        ("Malformed", lambda text: text[:-1]),
        ("Malformed", lambda text: text + "}"),
        ("Malformed", lambda text: "\ufeff" + text),
        ("Malformed", lambda text: text.replace('"code"', '"code": "int8", "code"')),
        ("Malformed", lambda text: text.replace('"step"', '"step": "1", "step"')),
        ("Malformed", lambda text: text.replace('"10"]', '"10"],')),
        ("Malformed", lambda text: text.replace("of a test", "of\na test")),
        ("Malformed", lambda text: text.replace("of a test", "\\ud800")),
        ("Malformed", lambda text: text.replace("of a test", "\\x41")),
        ("Malformed", lambda text: text.replace('"version": 1', '"version": 01')),
        ("Malformed", lambda text: text.replace('"of a test"', "[" * 200 + "]" * 200)),
        (None, lambda text: "\t\r\n " + text + "\n"),
        (None, lambda text: text.replace("of a test", "\\ud83d\\ude00 \\u0000")),
    ]:
        document(field(), error=error, text=change)


def values():
    """Data of one field, two, and many alike."""
    ties = field(step="2", range=("-20", "20"), rounding="nearest")
    counted(document(ties), ties, ["1", "3", "-1", "-3", "5", "0.999999999999999999", "1.000000000000000001", "20", "20.5", "-20", "-21"])
    cents = field("paid", "0.01", ("-100", "200.05"), offset="99.99")
    number = document(cents, code="int16")
    counted(number, cents, ["99.99", "100", "0", "-0", "-100", "200.05", "200.051", "2e2", "1E+2", "-1e-2", "0.005", "200.06", "-100.01", "0e400"])
    half = field(step="1", range=("-127.5", "126.5"), offset="0.5", rounding="nearest", missing=-128)
    number = document(half)
    counted(number, half, ["0", "1", "-1", "0.5", "1.5", "-127.5", "126.5", "1.49999999999999999", "-0.000000000000000001"])
    given(number, {"x": None}, integers=[-128])
    wide = field(step="0.000000000000000001", range=("999999999.999999999", "999999999.999999999000001"), offset="999999999.999999999")
    counted(document(wide, code="int32"), wide, ["999999999.999999999", "999999999.999999999000001", "999999999.999999999000000123", "1e9"])
    large = field(step="1", range=("0", "4294967295"))
    counted(document(large, code="uint32"), large, ["4294967295", "4294967296", "4294967294.0", "42949.67295e5"])

    plain = field()
    number = document(plain)
    for text in ["+1", "0x1", "", " 1", "1 ", "01", "1.", ".1", "1e", "NaN", "Infinity", "null", "1e400", "-1e400", "1e-400", "1" * 65, "١"]:
        given(number, {"x": text}, error="NoNumber", field="x")
    for text in ["1e400", "1e999999999999999999999", "1e-19", "1" * 19, "true", "false", "{}"]:
        given(number, f'{{"x": {text}}}', error="NoNumber", field="x")
    for text in ["+1", "0x1", "01", "1.", ".1", "NaN", "-", "'1'", "\"\\ud800\"", "1 2", ""]:
        given(number, f'{{"x": {text}}}', error="MalformedData")
    for text in ["", "1", "null", "[1]", '{"x": 1', '{"x": 1,}', '{"x": 1} {}', "\ufeff{}"]:
        given(number, text, error="MalformedData")
    given(number, {"x": None}, error="NoValue", field="x")
    given(number, {"x": [1]}, error="Count", field="x")
    given(number, {}, error="AbsentField", field="x")
    given(number, {"x": 1, "y": 1}, error="UnknownField", field="y")
    given(number, '{"x": 1, "x": 1}', error="DoubledField", field="x")
    given(number, '{"x": 1, "\\u0078": 1}', error="DoubledField", field="x")
    given(number, '{"\\u0078": 1}', integers=[1])
    given(number, '\n{ "x"\t:\r1 }\n', integers=[1])

    number = document(field("__proto__"), field("constructor"), field("größe", count=3, missing=10), shape=[5])
    given(number, {"größe": [1, None, "3"], "constructor": 4, "__proto__": 5}, integers=[5, 4, 1, 10, 3])
    given(number, {"größe": [1, None, "3"], "constructor": 4}, error="AbsentField", field="__proto__")
    given(number, {"größe": [1, 2, 11], "constructor": 4, "__proto__": 5}, error="OutOfRange", field="größe", element=2)
    given(number, {"größe": [1, 0.5, 3], "constructor": 4, "__proto__": 5}, error="OffStep", field="größe", element=1)
    given(number, {"größe": [[1], 2, 3], "constructor": 4, "__proto__": 5}, error="NoNumber", field="größe", element=0)
    for wrong in [[], [1, 2], [1, 2, 3, 4], 1, "123", None, {}]:
        given(number, {"größe": wrong, "constructor": 4, "__proto__": 5}, error="Count", field="größe")
    number = document(field("pixels", count=784, range=("0", "255"), offset="128"), shape=[1, 28, 28])
    given(number, {"pixels": [i % 256 for i in range(784)]}, integers=[i % 256 - 128 for i in range(784)])


def scattered(count):
    """Fields and values of many kinds, the same in every run."""
    rng = random.Random(20)
    for _ in range(count):
        code = rng.choice(list(ENDS))
        digits = rng.randrange(0, 10)
        step = Fraction(rng.choice([1, 2, 5, 25, 3, 7, rng.randrange(1, 1000)]), 10**digits)
        offset = Fraction(rng.randrange(-1000, 1000), 10 ** rng.randrange(0, digits + 1))
        low, high = sorted(rng.randrange(*ENDS[code]) for _ in range(2))
        own = field("v", decimal(step), [decimal(offset + step * end) for end in (low, high)], offset=decimal(offset))
        own |= {"rounding": rng.choice(["exact", "nearest"])}
        number = document(own, code=code)
        near = [rng.randrange(low, high + 1) for _ in range(3)] + [low, high, low - 1, high + 1]
        shift = [Fraction(0), Fraction(1, 2), Fraction(rng.randrange(-99, 100), 100)]
        counted(number, own, [decimal(offset + step * (place + rng.choice(shift))) for place in near])


def decimal(value):
    """As short as it is exact."""
    places = next(places for places in range(40) if (value * 10**places).denominator == 1)
    digits = str(abs(value * 10**places).numerator).rjust(places + 1, "0")
    return ("-" if value < 0 else "") + (digits[: len(digits) - places] + "." + digits[len(digits) - places :]).rstrip(".")


refused()
values()
scattered(60)
folder = root / "test/fixtures/schemas"
folder.mkdir(exist_ok=True)
lines = [",\n".join(json.dumps(one) for one in each) for each in (documents, data)]
(folder / "vectors.json").write_text('{"documents": [\n%s\n], "data": [\n%s\n]}\n' % tuple(lines))
print(f"{len(documents)} documents, {len(data)} data")
