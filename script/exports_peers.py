"""Graphs of the kinds that another prover's public examples have, written anew here (for `script/exports.py --peers`).

From single operators to recurrent nets, transformers, generators and ensembles of trees as tensor operations, by
PyTorch's older exporter and an older operator set, as such examples are exported.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as f

from exports_classic import THREE, TWO, X
from exports_torch import EXAMPLES, Function, exported, first, warmed

BOOL, IDS = "bool", "ids"
OPSET = 15
HYPERBOLIC = ["angle_sinh", "angle_cosh", "angle_asinh", "angle_atanh_acosh"]


def dense(*widths, between=nn.ReLU):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [between()] * bool(layers) + [nn.Linear(inputs, outputs)]
    return nn.Sequential(*layers)


def of(function, *parts):
    """A module of a function of its parts and the inputs."""
    return lambda: Function(function, *(part() for part in parts))


class Products(nn.Module):
    """A forest as three products of matrices: of features, of paths, of leaves."""

    def __init__(self, estimators, x):
        super().__init__()
        nodes = [(tree.tree_, index) for tree in estimators for index in range(tree.tree_.node_count)]
        inner = {key: at for at, key in enumerate((t, i) for t, i in nodes if t.children_left[i] >= 0)}
        leaves = [(t, i) for t, i in nodes if t.children_left[i] < 0]
        picks, paths = np.zeros((x.shape[1], len(inner))), np.zeros((len(inner), len(leaves)))
        thresholds, rights = np.zeros(len(inner)), np.zeros(len(leaves))
        for (t, i), at in inner.items():
            picks[t.feature[i], at], thresholds[at] = 1, t.threshold[i]
        for column, (t, leaf) in enumerate(leaves):
            parents = {int(c): (i, s) for i in range(t.node_count) for c, s in [(t.children_left[i], 1), (t.children_right[i], -1)] if c >= 0}
            while leaf in parents:
                leaf, sign = parents[leaf]
                paths[inner[t, leaf], column] = sign
                rights[column] += sign > 0
        values = np.stack([t.value[i].ravel() / max(t.value[i].sum(), 1) if t.n_classes[0] > 1 else t.value[i].ravel() for t, i in leaves])
        for name, value in {"picks": picks, "thresholds": thresholds, "paths": paths, "rights": rights, "values": values}.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))

    def forward(self, x):
        left = (x @ self.picks <= self.thresholds).float()
        return (left @ self.paths == self.rights).float() @ self.values


class Walk(nn.Module):
    """A tree of full depth, walked by reading the features and thresholds of the node that was reached."""

    def __init__(self, depth, features):
        super().__init__()
        rng = np.random.default_rng(3)
        self.depth = depth
        self.register_buffer("features", torch.tensor(rng.integers(0, features, 2**depth - 1)))
        self.register_buffer("thresholds", torch.tensor(rng.normal(size=2**depth - 1).astype(np.float32)))
        self.register_buffer("values", torch.tensor(rng.normal(size=2**depth).astype(np.float32)))

    def forward(self, x):
        at = torch.zeros(1, 1, dtype=torch.int64)
        for _ in range(self.depth):
            value = torch.gather(x, 1, self.features[at])
            at = 2 * at + 1 + (value > self.thresholds[at]).long()
        return self.values[at - 2**self.depth + 1]


def forest(kind, **options):
    def build():
        from sklearn import ensemble, tree

        estimator = getattr(tree if "Decision" in kind else ensemble, kind)(random_state=1, **options).fit(X, THREE)
        return Products(np.ravel(getattr(estimator, "estimators_", [estimator])), X)

    return build


def boosted():
    from sklearn.ensemble import GradientBoostingClassifier

    fitted = GradientBoostingClassifier(n_estimators=12, max_depth=3, random_state=1).fit(X, TWO)
    return nn.Sequential(Products(np.ravel(fitted.estimators_), X), nn.Sigmoid())


def attention(width, heads, causal=False, tokens=6):
    def forward(qkv, out, x):
        q, k, v = (part.view(1, tokens, heads, width // heads).transpose(1, 2) for part in qkv(x).chunk(3, -1))
        scores = q @ k.transpose(-2, -1) / (width // heads) ** 0.5
        if causal:
            scores = scores.masked_fill(torch.tril(torch.ones(tokens, tokens)) == 0, float("-inf"))
        return out((f.softmax(scores, -1) @ v).transpose(1, 2).reshape(1, tokens, width))

    return Function(forward, nn.Linear(width, 3 * width), nn.Linear(width, width))


def block(width, heads, causal):
    parts = [nn.LayerNorm(width), attention(width, heads, causal), nn.LayerNorm(width), dense(width, 2 * width, width, between=nn.GELU)]
    return Function(lambda a, b, c, d, x: (y := x + b(a(x))) + d(c(y)), *parts)


def nano_gpt():
    width, tokens = 16, 6
    parts = [nn.Embedding(20, width), block(width, 2, True), block(width, 2, True), nn.LayerNorm(width), nn.Linear(width, 20, bias=False)]
    places = 0.1 * torch.randn(1, tokens, width)
    return Function(lambda e, a, b, c, d, ids: d(c(b(a(e(ids) + places)))), *parts)


def generator():
    return nn.Sequential(
        nn.Linear(8, 32), nn.Unflatten(1, (8, 2, 2)), nn.BatchNorm2d(8), nn.LeakyReLU(0.2), nn.ConvTranspose2d(8, 4, 4, 2, 1),
        nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def inverted(inputs, hidden, outputs, stride):
    layers = [nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
    layers += [nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
    body = nn.Sequential(*layers, nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
    return Function(lambda own, x: x + own(x) if inputs == outputs and stride == 1 else own(x), body)


def mobile_net():
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)]
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU6(), inverted(4, 8, 4, 1), inverted(4, 8, 8, 2), *head)


def linear_forecast():
    smooth = nn.AvgPool1d(5, 1)

    def forward(season, trend, x):
        x = x.transpose(1, 2)
        own = smooth(torch.cat([x[:, :, :1].repeat(1, 1, 2), x, x[:, :, -1:].repeat(1, 1, 2)], 2))
        return (season(x - own) + trend(own)).transpose(1, 2)

    return Function(forward, nn.Linear(12, 4), nn.Linear(12, 4))


def fake_quantized():
    grid = lambda x: torch.fake_quantize_per_tensor_affine(x, 0.05, 3, -128, 127)  # noqa: E731
    return Function(lambda own, x: grid(own(grid(x))), nn.Linear(41, 1))


def scattered(x, source):
    return x.index_put((torch.zeros(2, dtype=torch.int64), torch.tensor([3, 1])), source)


def window(size):
    place = torch.arange(size) * (2 * np.pi / size)
    return (0.42 - 0.5 * torch.cos(place) + 0.08 * torch.cos(2 * place)).float()


def normalized(dim):
    return lambda x: (x - x.mean(dim, keepdim=True)) / torch.sqrt(x.var(dim, keepdim=True, unbiased=False) + 1e-5)


ROW, IMAGE, SMALL = [1, 8], [1, 3, 8, 8], [1, 3, 2, 2]
ANGLES = [torch.sin, torch.cos, torch.tan, torch.sinh, torch.cosh, torch.tanh, torch.atan, torch.asinh]
# By name: the module, and the inputs' shapes: floats, or (shape, what else).
MODULES = {
    "one_average": (of(lambda p, x: p(x), lambda: nn.AvgPool2d(2, 1)), IMAGE),
    "one_batch_norm": (lambda: nn.BatchNorm2d(3), SMALL),
    "one_concat": (of(lambda x, y: torch.cat([x, y], 1)), SMALL, SMALL),
    "one_conv": (lambda: nn.Conv2d(1, 3, 2), [1, 1, 3, 3]),
    "one_conv_of_sequences": (lambda: nn.Conv1d(3, 4, 3), [1, 3, 10]),
    "one_transposed_conv": (lambda: nn.ConvTranspose2d(3, 2, 3, 2, 1), SMALL),
    "one_division": (of(lambda x: x / 10), ROW),
    "tiny_division": (of(lambda x: x / 10000), ROW),
    "division_of_two": (of(lambda x, y: x / (y.abs() + 1)), ROW, ROW),
    "integer_division": (of(lambda x: torch.div(x, 2, rounding_mode="floor")), ROW),
    "downsample": (of(lambda x: x[..., ::2, ::2]), IMAGE),
    "elu": (lambda: nn.ELU(), ROW),
    "erf": (of(torch.erf), ROW),
    "flatten": (lambda: nn.Flatten(), SMALL),
    "gelu": (lambda: nn.GELU(), ROW),
    "gelu_by_tanh": (lambda: nn.GELU(approximate="tanh"), ROW),
    "identity": (lambda: nn.Identity(), ROW),
    "instance_norm": (lambda: nn.InstanceNorm2d(3), IMAGE),
    "leaky_relu": (lambda: nn.LeakyReLU(), ROW),
    "one_linear": (lambda: nn.Linear(8, 1), ROW),
    "root_of_pooled_squares": (lambda: nn.LPPool2d(2, (3, 2)), IMAGE),
    "product_of_two": (of(lambda x, y: x @ y.transpose(-2, -1)), [1, 4, 6], [1, 3, 6]),
    "max_pool": (lambda: nn.MaxPool2d(2), IMAGE),
    "mean": (of(lambda x: x.mean((2, 3))), IMAGE),
    "mean_of_all": (of(lambda x: x.mean()), SMALL),
    "mlp_with_bias": (lambda: dense(4, 3, 2), [1, 4]),
    "pad": (of(lambda x: f.pad(x, (1, 2, 1, 0))), SMALL),
    "power": (of(lambda x: torch.pow(x.abs() + 0.1, 0.7)), ROW),
    "prelu": (lambda: nn.PReLU(3), SMALL),
    "relu": (lambda: nn.ReLU(), ROW),
    "relu_then_dense": (lambda: nn.Sequential(nn.ReLU(), nn.Linear(8, 4)), ROW),
    "reshape": (of(lambda x: x.reshape(1, -1)), SMALL),
    "sigmoid": (lambda: nn.Sigmoid(), ROW),
    "slice": (of(lambda x: x[:, 1:3]), ROW),
    "softmax": (lambda: nn.Softmax(1), ROW),
    "square_root": (of(lambda x: torch.sqrt(x.abs())), ROW),
    "tanh": (lambda: nn.Tanh(), ROW),
    "top_k": (of(lambda x: torch.topk(x, 4).values + torch.topk(x, 4, largest=False).values), [1, 6]),
    "upsample": (lambda: nn.Upsample(scale_factor=2), SMALL),
    "variance": (of(lambda x: torch.var(x, (1, 2, 3), unbiased=False)), SMALL),
    "standard_deviation": (of(lambda x: torch.std(x, 1)), ROW),
    "where": (of(lambda x: torch.where(x > 0, x, 2 * x)), ROW),
    "where_of_two": (of(lambda x, y: torch.where(x > y, x, y)), ROW, ROW),
    "dense_relu": (lambda: dense(8, 6, 4), ROW),
    "small_dense_sigmoid": (lambda: dense(3, 3, 3, between=nn.Sigmoid), [1, 3]),
    "relu_sigmoid": (lambda: nn.Sequential(nn.ReLU(), nn.Linear(3, 3), nn.Sigmoid()), [1, 3]),
    "conv_relu_sigmoid": (lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 2), nn.Sigmoid()), IMAGE),
    "three_layers": (lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4)), IMAGE),
    "four_layers": (lambda: nn.Sequential(nn.Conv2d(1, 3, 5, 2), nn.ReLU(), nn.Conv2d(3, 3, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(48, 16), nn.ReLU(), nn.Linear(16, 4)), [1, 1, 28, 28]),
    "range": (of(lambda: torch.arange(0, 10, 2)),),
    "range_added": (of(lambda x: x + torch.arange(0, 8)), ROW),
    "shifts": (of(lambda x: (x << 2, x >> 3)), ([1, 3], IDS, 100)),
    "bits": (of(lambda x, y, z: torch.logical_not(torch.logical_or(torch.logical_and(x, y), z))), *[([1, 3], BOOL)] * 3),
    "booleans": (of(lambda w, x, y, z: (x & y) & (y & (z ^ w))), *[([1, 3], BOOL)] * 4),
    "boolean_identity": (of(lambda x: x.clone()), ([1, 3], BOOL)),
    "window": (of(lambda x: window(8) + x), ROW),
    "celu": (lambda: nn.CELU(), ROW),
    "clip": (of(lambda x: torch.clamp(x, -0.5, 1.2)), ROW),
    "exp": (of(torch.exp), ROW),
    "powers_of_ten": (of(lambda x: 10**x), ROW),
    "eye": (of(lambda x: x @ torch.eye(8)), ROW),
    "gather_elements": (of(lambda x, i: torch.gather(x, 1, i)), [1, 15, 4], ([1, 15, 2], IDS, 15)),
    "gather_elements_at_constants": (of(lambda x: torch.gather(x, 1, torch.tensor([[[0, 2], [3, 1]]]))), [1, 5, 2]),
    "gather_nd_at_constants": (of(lambda x: x[torch.tensor([0, 0]), torch.tensor([2, 1])]), [1, 5, 2]),
    "hard_max": (of(lambda x: torch.argmax(x)), ROW),
    "arg_max_of_rows": (of(lambda x: torch.argmax(x, 1)), ROW),
    "hard_sigmoid": (lambda: nn.Hardsigmoid(), ROW),
    "hard_swish": (lambda: nn.Hardswish(), ROW),
    "layer_norm": (lambda: nn.LayerNorm(8), [1, 4, 8]),
    "layer_norm_written_out": (of(normalized(-1)), [1, 4, 8]),
    "less": (of(lambda x, y: torch.less(x, y)), [1, 4], [1, 4]),
    "log": (of(lambda x: torch.log(x.abs() + 0.2)), ROW),
    "log_softmax": (lambda: nn.LogSoftmax(1), ROW),
    "log_sum_exp": (of(lambda x: torch.logsumexp(x, 1)), ROW),
    "max": (of(lambda x: torch.max(x)), SMALL),
    "min": (of(lambda x: torch.min(x)), SMALL),
    "mish": (lambda: nn.Mish(), ROW),
    "sum_of_absolutes": (of(lambda x: torch.norm(x, p=1, dim=1)), ROW),
    "root_of_squares": (of(lambda x: torch.norm(x, p=2, dim=1)), ROW),
    "remainder": (of(lambda x: x % 0.5), ROW),
    "reversed_sequence": (of(lambda x: torch.flip(x, [1])), [1, 5, 2]),
    "roundings": (of(lambda x, y, z: (torch.round(x), torch.floor(y), torch.ceil(z))), SMALL, SMALL, SMALL),
    "inverse_square_root": (of(lambda x: torch.rsqrt(x.abs() + 0.5)), ROW),
    "scatter_elements": (of(lambda x, i, s: x.scatter(2, i, s)), [1, 5, 6], ([1, 5, 2], IDS, 5), [1, 5, 2]),
    "scatter_at_constants": (of(lambda x, s: x.scatter(1, torch.tensor([[1, 3]]), s)), ROW, [1, 2]),
    "scatter_nd": (of(scattered), ROW, [2]),
    "selu": (lambda: nn.SELU(), ROW),
    "softplus": (lambda: nn.Softplus(), ROW),
    "softsign": (lambda: nn.Softsign(), ROW),
    "sign": (of(torch.sign), ROW),
    "lower_triangle": (of(lambda x: torch.tril(x)), [1, 3, 5, 5]),
    "upper_triangle": (of(lambda x: torch.triu(x)), [1, 3, 5, 5]),
    **{f"angle_{function.__name__}": (of(lambda x, function=function: function(0.5 * x)), ROW) for function in ANGLES},
    "angle_asin_acos": (of(lambda x: torch.asin(x / 3) + torch.acos(x / 3)), ROW),
    "angle_atanh_acosh": (of(lambda x: torch.atanh(x / 3) + torch.acosh(x.abs() + 1.1)), ROW),
    "piecewise_sigmoid": (of(lambda x: torch.where(x.abs() > 2, (x > 0).float(), 0.25 * x + 0.5)), ROW),
    "gru": (lambda: first(nn.GRU(6, 5)), [3, 1, 6]),
    "lstm": (lambda: first(nn.LSTM(3, 4)), [3, 1, 3]),
    "lstm_of_two_layers": (lambda: Function(lambda a, b, x: b(a(x)[0][:, -1]), nn.LSTM(4, 8, 2, batch_first=True), nn.Linear(8, 2)), [1, 6, 4]),
    "rnn": (lambda: first(nn.RNN(6, 5)), [3, 1, 6]),
    "linear_forecast": (linear_forecast, [1, 12, 2]),
    "multi_head_attention": (lambda: Function(lambda own, x: own(x, x, x)[0], nn.MultiheadAttention(8, 2)), [5, 1, 8]),
    "self_attention": (lambda: attention(8, 1), [1, 6, 8]),
    "nano_gpt": (nano_gpt, ([1, 6], IDS, 20)),
    "little_transformer": (lambda: nn.Sequential(block(8, 2, False), nn.Flatten(), nn.Linear(48, 5), nn.LogSoftmax(1)), [1, 6, 8]),
    "generator": (generator, [1, 8]),
    "mobile_net": (mobile_net, [1, 3, 16, 16]),
    "worm": (lambda: nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 16), nn.Tanh(), nn.Linear(16, 2)), [1, 4, 5, 5]),
    "mixed_prelu": (lambda: Function(lambda a, b, c, x: c(f.prelu(a(x) * b(x), torch.tensor([0.3]))), nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 2)), [1, 6]),
    "lenet": (lambda: nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(6, 8, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 10)), [1, 1, 28, 28]),
    "doodles": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(128, 10), nn.Softmax(1)), [1, 1, 16, 16]),
    "large_mlp": (lambda: dense(100, 100, 100, 10), [1, 100]),
    "quantized_and_back": (fake_quantized, [1, 41]),
    "linear_regression": (lambda: nn.Linear(2, 1), [1, 2]),
    "linear_classifier": (of(lambda own, x: torch.argmax(own(x), -1), lambda: nn.Linear(4, 3)), [1, 4]),
    "decision_tree_by_products": (forest("DecisionTreeClassifier", max_depth=4), [1, 6]),
    "tree_to_the_class": (lambda: Function(lambda own, x: torch.argmax(own(x), 1), forest("DecisionTreeClassifier", max_depth=3)()), [1, 6]),
    "random_forest_by_products": (forest("RandomForestClassifier", n_estimators=5, max_depth=4), [1, 6]),
    "extra_trees_by_products": (forest("ExtraTreesClassifier", n_estimators=5, max_depth=3), [1, 6]),
    "boosted_trees_by_products": (boosted, [1, 6]),
    "tree_by_a_walk": (lambda: Walk(3, 6), [1, 6]),
}  # fmt: skip


def made(name):
    torch.manual_seed(11)
    build, *ports = MODULES[name]
    rng = np.random.default_rng(11)

    def examples(port):
        if isinstance(port, tuple) and port[1] == BOOL:
            return rng.integers(0, 2, [EXAMPLES, *port[0]]).astype(bool)
        if isinstance(port, tuple):
            return rng.integers(0, port[2], [EXAMPLES, *port[0]])
        return rng.uniform(-2, 2, [EXAMPLES, *port]).astype(np.float32)

    # The older exporter knows no hyperbolic functions.
    return exported(warmed(build()), [examples(port) for port in ports], is_new=name in HYPERBOLIC, opset=OPSET)


def models(_):
    return {name: lambda name=name: made(name) for name in MODULES}
