#!/usr/bin/env python3
"""Trains the models of `init --template`, quantizes them, and writes them with inputs for them to templates/project.

    python3 -m pip install -r script/requirements.txt
    python3 script/use_cases.py

All data are synthetic but the digits of scikit-learn. Models take and give 8-bit integers. What those mean that somebody signs, a
schema beside the inputs says, and the inputs are in its units. The same versions write the same files.
"""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

PROJECT = Path(__file__).resolve().parent.parent / "templates" / "project"
warnings.simplefilter("ignore", ConvergenceWarning)


class Graph:
    """A quantized graph under construction: between two operators stand QuantizeLinear and DequantizeLinear."""

    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs, self.count = [], [], [], [], 0
        self.layers = []

    def constant(self, array):
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, operator, *inputs, output=None, **attributes):
        self.count += 1
        output = output or f"t{self.count}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def input(self, name, shape, scale, zero_point):
        element = np.asarray(zero_point).dtype
        kind = helper.np_dtype_to_tensor_dtype(element)
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return self.dequantized(name, scale, zero_point)

    def dequantized(self, name, scale, zero_point):
        return self.node("DequantizeLinear", name, self.constant(np.float32(scale)), self.constant(zero_point))

    def quantized(self, name, scale, zero_point, output=None):
        constants = self.constant(np.float32(scale)), self.constant(zero_point)
        return self.node("QuantizeLinear", name, *constants, output=output)

    def requantized(self, name, scale, zero_point):
        return self.dequantized(self.quantized(name, scale, zero_point), scale, zero_point)

    def output(self, name, shape, source, scale, zero_point):
        kind = helper.np_dtype_to_tensor_dtype(np.asarray(zero_point).dtype)
        self.quantized(source, scale, zero_point, output=name)
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def dense(self, source, source_scale, weights, bias):
        """source · weights + bias, with weights of 8 bits."""
        scale = np.float32(np.abs(weights).max() / 127)
        bias_scale = np.float32(source_scale) * scale
        parts = []
        for integers, part_scale in zip(self.integers(weights, scale, bias, bias_scale), (scale, bias_scale)):
            name = self.constant(integers)
            parts.append((name, self.dequantized(name, part_scale, integers.dtype.type(0))))
        self.layers.append(([name for name, _ in parts], scale, bias_scale))
        return self.node("Gemm", source, *[part for _, part in parts])

    @staticmethod
    def integers(weights, scale, bias, bias_scale):
        weights = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
        return weights, np.rint(np.asarray(bias, np.float64) / bias_scale).astype(np.int32)

    def retrain(self, net):
        """The weights of another net of the same shape, at the scales that there are."""
        for (names, scale, bias_scale), weights, bias in zip(self.layers, net.coefs_, net.intercepts_):
            for name, integers in zip(names, self.integers(weights, scale, bias, bias_scale)):
                at = next(at for at, constant in enumerate(self.constants) if constant.name == name)
                self.constants[at] = numpy_helper.from_array(integers, name)

    def save(self, path):
        graph = helper.make_graph(self.nodes, path.parent.name, self.inputs, self.outputs, self.constants)
        opsets = [helper.make_opsetid("", 13)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="script/use_cases.py")
        onnx.checker.check_model(model)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(model.SerializeToString(deterministic=True))


def run(path, **inputs):
    """The integers that onnxruntime gives for rows of integers."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]
    rows = len(inputs[names[0]])
    one = lambda row: {name: inputs[name][row : row + 1] for name in names}
    return np.concatenate([session.run(None, one(row))[0] for row in range(rows)])


def write(case, name, values):
    text = json.dumps(values if isinstance(values, dict) else np.asarray(values).astype(int).tolist())
    (PROJECT / case / name).write_text(text + "\n")


def field(name, unit, step, largest, **more):
    """A field of a schema from 0 on."""
    return {"name": name, "unit": unit, "step": str(step), "range": ["0", str(largest)]} | more


def schema(case, title, shape, fields):
    """What the 8-bit integers of a model's input mean."""
    head = {"format": "zkverdict schema", "version": 1, "title": title, "code": "int8", "shape": shape}
    text = json.dumps(head | {"fields": fields}, indent=2)
    # Short lists on a line.
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: "[" + re.sub(r"\s+", " ", found[1]) + "]", text)
    (PROJECT / case / "schema.json").write_text(text + "\n")


def spread(values):
    """The scale at which a tensor's largest value is that of 8 signed bits."""
    return np.float32(np.abs(values).max() / 127)


def mlp(case, source, net, calibration, source_scale, source_zero, output, sigmoid=False, retrained=None):
    """A trained net of one hidden layer; its logits, or the probability that they give. Beside it goes a retrained one, which
    has the same scales."""
    graph = Graph()
    width = net.coefs_[0].shape[0]
    zero = np.asarray(source_zero)
    x = graph.input(source, [1, width], source_scale, source_zero)
    reals = (calibration.astype(np.float64) - float(zero)) * float(source_scale)
    hidden = np.maximum(reals @ net.coefs_[0] + net.intercepts_[0], 0)
    logits = hidden @ net.coefs_[1] + net.intercepts_[1]
    hidden_scale = np.float32(hidden.max() / 255)
    y = graph.node("Relu", graph.dense(x, source_scale, net.coefs_[0], net.intercepts_[0]))
    y = graph.requantized(y, hidden_scale, np.int8(-128))
    y = graph.dense(y, hidden_scale, net.coefs_[1], net.intercepts_[1])
    if sigmoid:
        y = graph.node("Sigmoid", graph.requantized(y, spread(logits), np.int8(0)))
        graph.output(output, [1, logits.shape[1]], y, 1 / 255, np.int8(-128))
    elif zero.dtype == np.uint8:
        graph.output(output, [1, logits.shape[1]], y, 1, np.uint8(0))
    else:
        graph.output(output, [1, logits.shape[1]], y, spread(logits), np.int8(0))
    path = PROJECT / case / "model.onnx"
    graph.save(path)
    if retrained:
        graph.retrain(retrained)
        graph.save(path.with_name("retrained.onnx"))
    return path


def classifier(x, y, hidden, seed=0):
    net = MLPClassifier(hidden_layer_sizes=(hidden,), alpha=1e-3, max_iter=300, random_state=seed)
    net.fit(x, y)
    return net


def report(case, path, **figures):
    print(f"{case:10} {path.stat().st_size:6} bytes  " + "  ".join(f"{k} {v:.3f}" for k, v in figures.items()))


def credit():
    """Whether somebody pays a loan back, from seven figures that a bank knows."""
    rng = np.random.default_rng(1)
    count = 6000
    income = np.clip(rng.gamma(4, 8, count), 5, 127)
    fixed = np.clip(income * rng.uniform(0.1, 0.8, count), 0, 127)
    debt = np.clip(rng.gamma(1.2, 18, count), 0, 127)
    late = np.clip(rng.gamma(0.4, 25, count), 0, 127)
    employed = np.clip(rng.gamma(1.5, 25, count), 0, 127)
    age = rng.uniform(18, 80, count)
    used = np.clip(rng.normal(45, 28, count), 0, 100)
    x = np.rint(np.stack([income, fixed, debt, late, employed, age, used], 1))
    free = x[:, 0] - x[:, 1]
    risk = -0.07 * free + 0.03 * x[:, 2] + 0.055 * x[:, 3] - 0.012 * x[:, 4] + 0.02 * x[:, 6] - 0.5
    risk += 0.0006 * np.maximum(x[:, 2] - 2 * free, 0) ** 1.5
    repaid = rng.random(count) > 1 / (1 + np.exp(-risk))
    train, test = slice(0, 5000), slice(5000, None)
    net, retrained = classifier(x[train] / 32, repaid[train], 8), classifier(x[1000:5000] / 32, repaid[1000:5000], 8)
    for trained in net, retrained:
        trained.coefs_[0] = trained.coefs_[0] / 32
    path = mlp("credit", "features", net, x[train], 1, np.int8(0), "score", sigmoid=True, retrained=retrained)
    score = run(path, features=x[test].astype(np.int8))[:, 0].astype(int) + 128
    rounded = {"rounding": "nearest"}
    fields = [
        field("income", "EUR net a month", 100, 12700, **rounded),
        field("fixed_costs", "EUR a month, rent and the like", 100, 12700, **rounded),
        field("debts", "EUR", 1000, 127000, **rounded),
        field("arrears", "days in the last two years", 5, 635, **rounded),
        field("employed", "months in the present employment", 3, 381, **rounded),
        field("age", "years", 1, 127),
        field("credit_used", "percent of all credit lines", 1, 100, **rounded),
    ]
    title = "What a bank knows of a borrower; the largest value of a range stands for more, too"
    schema("credit", title, [1, len(fields)], fields)
    good, poor = [48, 14, 6, 0, 60, 41, 22], [17, 12, 70, 45, 4, 24, 92]
    for name, integers in ("sound", good), ("strained", poor):
        values = {own["name"]: int(own["step"]) * integer for own, integer in zip(fields, integers)}
        write("credit", f"{name}.json", values)
    ends = run(path, features=np.array([good, poor], np.int8))[:, 0].astype(int) + 128
    right = ((score >= 128) == repaid[test]).mean()
    report("credit", path, accuracy=right, sound=ends[0] / 255, strained=ends[1] / 255)
    path = path.with_name("retrained.onnx")
    score = run(path, features=x[test].astype(np.int8))[:, 0].astype(int) + 128
    ends = run(path, features=np.array([good, poor], np.int8))[:, 0].astype(int) + 128
    right = ((score >= 128) == repaid[test]).mean()
    report("credit", path, accuracy=right, sound=ends[0] / 255, strained=ends[1] / 255)


def scans(rng, count):
    """Scans of 12 × 12 pixels: nothing, a round spot, or a bright one with an irregular edge."""
    rows, columns = np.mgrid[0:12, 0:12]
    kinds = rng.integers(0, 3, count)
    images = rng.normal(60, 12, (count, 12, 12))
    for image, kind in zip(images, kinds):
        if kind == 0:
            continue
        row, column = rng.uniform(3, 8, 2)
        angle = np.arctan2(rows - row, columns - column)
        radius = rng.uniform(1.8, 2.6) if kind == 1 else rng.uniform(2.4, 3.6)
        edge = radius * (1 + (0 if kind == 1 else 0.35) * np.sin(rng.integers(3, 6) * angle + rng.uniform(0, 6)))
        inside = np.hypot(rows - row, columns - column) < edge
        image += inside * (rng.uniform(45, 70) if kind == 1 else rng.uniform(85, 130))
    return np.clip(np.rint(images), 0, 255).reshape(count, 144), kinds


def medical():
    """What a scan shows."""
    rng = np.random.default_rng(2)
    images, kinds = scans(rng, 6000)
    x = images - 128
    train, test = slice(0, 5000), slice(5000, None)
    net = classifier(x[train] / 64, kinds[train], 12)
    net.coefs_[0] = net.coefs_[0] / 64
    path = mlp("medical", "scan", net, x[train], 1, np.int8(0), "findings")
    found = run(path, scan=x[test].astype(np.int8)).argmax(1)
    right = found == kinds[test]
    pixels = field("brightness", "from 0, black, to 255, white, of 12 by 12 pixels, row by row", 1, 255, offset="128", count=144)
    schema("medical", "What an imaging centre sees in a scan", [1, 144], [pixels])
    for name, kind in ("suspicious", 2), ("clear", 0):
        write("medical", f"{name}.json", {"brightness": (x[test][right & (found == kind)][0] + 128).astype(int).tolist()})
    report("medical", path, accuracy=right.mean())


def content():
    """Draws digits: which one, and in which of six directions of style."""
    data = load_digits()
    images = data.data * 255 / 16
    means = np.stack([images[data.target == digit].mean(0) for digit in range(10)])
    _, _, directions = np.linalg.svd(images - means[data.target], full_matrices=False)
    style = (images - means[data.target]) @ directions[:6].T
    style = np.clip(128 + 40 * style / style.std(0), 0, 255)
    x = np.concatenate([255 * np.eye(10)[data.target], style], 1)
    net = MLPRegressor(hidden_layer_sizes=(24,), max_iter=600, random_state=0).fit(x / 64, images / 64)
    net.coefs_ = [net.coefs_[0] / 64, net.coefs_[1] * 64]
    net.intercepts_[1] = net.intercepts_[1] * 64
    path = mlp("content", "prompt", net, x, 1, np.uint8(0), "image")
    drawn = run(path, prompt=np.rint(x[:500]).astype(np.uint8)).astype(float)
    write("content", "prompt.json", [0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 140, 96, 128, 128, 160, 128])
    report("content", path, error=np.abs(drawn - images[:500]).mean() / 255, of=np.abs(images - images.mean(0)).mean() / 255)


class Board:
    """Four in a row on eight columns: a stone in row r of column c is bit 9·c + r, as `GameAgent` has it."""

    def __init__(self):
        self.stones = [0, 0]

    def drop(self, column):
        taken = self.stones[0] | self.stones[1]
        bits = (1 << (9 * column + row) for row in range(8))
        return next((bit for bit in bits if not taken & bit), 0)

    @staticmethod
    def has_four(stones):
        pairs = [(stones & stones >> step, step) for step in (1, 8, 9, 10)]
        return any(pair & pair >> 2 * step for pair, step in pairs)

    def cells(self, house):
        """The model's input: 64 for the house's stones, -64 for the player's."""
        value = lambda bit: 64 * ((self.stones[house] >> bit & 1) - (self.stones[1 - house] >> bit & 1))
        return [value(9 * column + row) for column in range(8) for row in range(8)]

    def best(self, side):
        """Wins if it can, else does not lose at once, else makes threes towards the middle."""
        scores = []
        for column in range(8):
            stone = self.drop(column)
            if not stone:
                scores.append(-1e9)
                continue
            own, other = self.stones[side] | stone, self.stones[1 - side]
            score = 3 - abs(column - 3.5)
            score += 1e4 * self.has_four(own) + 1e3 * self.has_four(other | stone)
            score += 6 * self.threats(own, other) - 4 * self.threats(other, own)
            above = stone << 1
            if stone.bit_length() % 9 != 8 and self.has_four(other | above):
                score -= 500
            scores.append(score)
        return int(np.argmax(scores))

    def threats(self, own, other):
        free = (bit for c in range(8) for r in range(8) if not (own | other) >> (bit := 9 * c + r) & 1)
        return sum(self.has_four(own | 1 << bit) for bit in free)


def game():
    """Plays four in a row for the house, which answers the player's moves."""
    rng = np.random.default_rng(3)
    boards, moves = [], []
    while len(boards) < 24000:
        board, side = Board(), 0
        care = rng.random() * 0.9
        while not any(map(board.has_four, board.stones)):
            legal = [column for column in range(8) if board.drop(column)]
            if not legal:
                break
            best = board.best(side)
            if side == 1:
                boards.append(board.cells(1))
                moves.append(best)
            move = best if rng.random() < care else int(rng.choice(legal))
            board.stones[side] |= board.drop(move)
            side = 1 - side
    x, y = np.array(boards), np.array(moves)
    mirrored = x.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)
    x, y = np.concatenate([x, mirrored]), np.concatenate([y, 7 - y])
    net = classifier(x / 64, y, 48)
    path = mlp("game", "board", net, x, 1 / 64, np.int8(0), "columns")
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def answer(board):
        values = session.run(None, {"board": np.array([board.cells(1)], np.int8)})[0][0]
        legal = [int(value) if board.drop(column) else -999 for column, value in enumerate(values)]
        return int(np.argmax(legal))

    def play(columns):
        """Who wins a game in which the player drops stones into these columns."""
        board, answers = Board(), []
        for column in columns:
            stone = board.drop(column)
            if not stone:
                return None, answers
            board.stones[0] |= stone
            if board.has_four(board.stones[0]):
                return 0, answers
            answers.append(answer(board))
            board.stones[1] |= board.drop(answers[-1])
            if board.has_four(board.stones[1]):
                return 1, answers
        return None, answers

    wins = [0, 0, 0]
    for _ in range(200):
        winner, _ = play(rng.integers(0, 8, 30).tolist())
        wins[2 if winner is None else winner] += 1
    lost = next(columns for n in range(4, 8) for columns in rng.integers(0, 8, (2000, n)).tolist() if play(columns)[0] == 1 and len(play(columns)[1]) == n)
    first = Board()
    first.stones[0] = 1
    write("game", "board.json", first.cells(1))
    print("the house wins against", lost, "with", play(lost)[1])
    agreement = (run(path, board=x[:2000].astype(np.int8)).argmax(1) == y[:2000]).mean()
    report("game", path, agreement=agreement, wins=wins[1] / 200)


def faces(rng, people, each, noise):
    """Scans of 8 × 8 pixels: smooth patterns of a person, shifted, dimmed and noisy each time."""
    waves = np.stack([np.cos(np.pi * (np.arange(10) + 0.5) * k / 10) for k in range(6)])
    patterns = np.einsum("pij,ia,jb->pab", rng.normal(0, 1, (people, 6, 6)), waves, waves)
    patterns /= patterns.std((1, 2), keepdims=True)
    taken = []
    for pattern in patterns:
        for _ in range(each):
            row, column = rng.choice([0, 1, 1, 1, 1, 1, 1, 1, 1, 2], 2)
            image = pattern[row : row + 8, column : column + 8] * rng.uniform(0.85, 1.15)
            taken.append(image + rng.normal(0, noise, (8, 8)))
    x = np.clip(np.rint(40 * np.stack(taken)), -128, 127).reshape(-1, 64)
    return x, np.repeat(np.arange(people), each)


def biometric():
    """How far a scan is from an enrolled template; and a better model, for the same templates."""
    rng = np.random.default_rng(4)
    x, who = faces(rng, 300, 20, 0.35)
    lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1, n_components=16).fit(x, who)
    embed = lda.scalings_[:, :16]
    embed = embed / (x @ embed).std() * 32
    offset = -(x @ embed).mean(0)
    # The better one takes noisier scans to where clean ones of the same person lie.
    centres = np.stack([(x[who == person] @ embed + offset).mean(0) for person in range(300)])
    noisy = np.clip(np.rint(x + rng.normal(0, 30, x.shape)), -128, 127)
    rows = np.concatenate([x, noisy])
    design = np.hstack([rows, np.ones((len(rows), 1))])
    fitted, *_ = np.linalg.lstsq(design.T @ design + 3e4 * np.eye(65), design.T @ np.concatenate([centres[who]] * 2), rcond=None)
    versions = {"model": (embed, offset), "upgrade": (fitted[:64], fitted[64])}
    for name, (weights, bias) in versions.items():
        graph = Graph()
        template = graph.input("template", [1, 16], 1, np.int8(0))
        scan = graph.input("scan", [1, 64], 1, np.int8(0))
        embedding = graph.requantized(graph.dense(scan, 1, weights, bias), 1, np.int8(0))
        difference = graph.requantized(graph.node("Sub", embedding, template), 1, np.int8(0))
        turned = graph.node("Transpose", difference, perm=[1, 0])
        graph.output("distance", [1, 1], graph.node("MatMul", difference, turned), 100, np.int8(-128))
        graph.save(PROJECT / "biometric" / f"{name}.onnx")
    graph = Graph()
    scan = graph.input("scan", [1, 64], 1, np.int8(0))
    graph.output("embedding", [1, 16], graph.dense(scan, 1, embed, offset), 1, np.int8(0))
    enrol = PROJECT / "biometric" / "embed.onnx"
    graph.save(enrol)
    people, _ = faces(rng, 40, 6, 0.35)
    people = people.astype(np.int8)
    templates = run(enrol, scan=people[::6])
    others, _ = faces(np.random.default_rng(99), 200, 6, 0.35)
    others = others.astype(np.int8)
    own = np.repeat(run(enrol, scan=others[::6]), 5, 0)
    scans = others.reshape(200, 6, 64)[:, 1:].reshape(-1, 64)
    for name in versions:
        path = PROJECT / "biometric" / f"{name}.onnx"
        distance = lambda templates: (run(path, template=templates, scan=scans)[:, 0].astype(int) + 128) * 100
        limit = 12000
        kept_out, let_in = (distance(own) >= limit).mean(), (distance(np.roll(own, 5, 0)) < limit).mean()
        report("biometric", path, kept_out=kept_out, let_in=let_in)
    write("biometric", "enrolled.json", people[0])
    write("biometric", "again.json", people[1])
    write("biometric", "somebody_else.json", people[6])
    write("biometric", "proved.json", {"template": templates[0].astype(int).tolist(), "scan": people[1].astype(int).tolist()})


def dao():
    """Whether a proposal goes to the vote, to the council, or nowhere."""
    rng = np.random.default_rng(5)
    count = 8000
    share = np.clip(rng.gamma(0.7, 22, count), 0, 100)
    known, data, contract = (100 * (rng.random(count) < p) for p in (0.5, 0.5, 0.6))
    passed, refused, pending = (np.minimum(100, 20 * rng.poisson(mean, count)) for mean in (1, 0.6, 0.8))
    length = np.clip(rng.gamma(2, 12, count), 0, 100)
    x = np.rint(np.stack([share, known, passed, refused, data, contract, length, pending], 1))
    spam = 0.04 * x[:, 3] + 0.03 * x[:, 7] - 0.05 * x[:, 6] - 0.03 * x[:, 2] - 0.5 + rng.normal(0, 0.3, count)
    risky = 0.05 * x[:, 0] - 0.02 * x[:, 1] + 0.012 * x[:, 4] - 0.01 * x[:, 2] - 0.6 + rng.normal(0, 0.3, count)
    verdict = np.where(spam > 0, 2, np.where(risky > 0, 1, 0))
    train, test = slice(0, 7000), slice(7000, None)
    net = classifier(x[train] / 32, verdict[train], 10)
    net.coefs_[0] = net.coefs_[0] / 32
    path = mlp("dao", "proposal", net, x[train], 1, np.int8(0), "verdict")
    found = run(path, proposal=x[test].astype(np.int8)).argmax(1)
    # As the contract sees them: a small payment, and the whole treasury to somebody unknown.
    small, drain, spam = [2, 0, 0, 0, 0, 0, 12, 0], [100, 0, 0, 0, 0, 0, 3, 20], [1, 0, 0, 0, 0, 0, 0, 60]
    write("dao", "proposal.json", small)
    print("verdicts", run(path, proposal=np.array([small, drain, spam], np.int8)).argmax(1))
    report("dao", path, accuracy=(found == verdict[test]).mean())


def trading():
    """Whether a price goes down or up, from its last thirty returns: momentum, and what returns after a jump."""
    rng = np.random.default_rng(6)
    count = 9000
    noise = rng.normal(0, 12, (count, 32))
    drift = rng.normal(0, 9, (count, 1)) + np.zeros((count, 32))
    returns = np.clip(np.rint(drift + noise), -128, 127)
    x = returns[:, :30]
    up = drift[:, 0] + 0.3 * (x[:, -5:].mean(1)) - 0.4 * (x[:, -1] - x[:, -5:].mean(1)) + rng.normal(0, 4, count) > 0
    train, test = slice(0, 8000), slice(8000, None)
    nets = []
    for part in train, slice(2000, 8000):
        net = MLPRegressor(hidden_layer_sizes=(8,), alpha=1e-2, max_iter=300, random_state=0)
        net.fit(x[part] / 32, np.stack([~up[part], up[part]], 1) * 2.0 - 1)
        net.coefs_[0] = net.coefs_[0] / 32
        nets.append(net)
    path = mlp("trading", "returns", nets[0], x[train], 1, np.int8(0), "signal", retrained=nets[1])
    rising = [20] * 30
    write("trading", "returns.json", rising)
    for path in path, path.with_name("retrained.onnx"):
        found = run(path, returns=x[test].astype(np.int8))
        ends = run(path, returns=np.array([rising, [-20] * 30, [0] * 30], np.int8))
        print("rising, falling, flat:", ends.tolist())
        report("trading", path, accuracy=(found.argmax(1) == up[test]).mean())


if __name__ == "__main__":
    for case in [credit, medical, content, game, biometric, dao, trading]:
        case()
