"""46 common PyTorch modules, as both of PyTorch's exporters write them (for `script/exports.py --torch`)."""

import io
import logging
import warnings

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as f

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.backends.mha.set_fastpath_enabled(False)
EXAMPLES = 30


class Function(nn.Module):
    """A function as a module, with the modules that it uses."""

    def __init__(self, function, *parts):
        super().__init__()
        self.parts, self.function = nn.ModuleList(parts), function

    def forward(self, *inputs):
        return self.function(*self.parts, *inputs)


def residual_block():
    conv = [nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)]
    return Function(lambda a, b, c, d, x: f.relu(d(c(f.relu(b(a(x))))) + x), *conv)


def squeeze_excitation():
    parts = [nn.Conv2d(4, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)]
    return Function(lambda a, p, b, c, x: (y := a(x)) * torch.sigmoid(c(f.relu(b(p(y))))), *parts)


def small_u_net():
    parts = [nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1), nn.ConvTranspose2d(8, 4, 2, 2), nn.Conv2d(8, 1, 3, padding=1)]

    def forward(down, bottom, up, out, x):
        y = f.relu(down(x))
        z = up(f.relu(bottom(f.max_pool2d(y, 2))))
        return torch.sigmoid(out(torch.cat([y, z], 1)))

    return Function(forward, *parts)


def small_gpt():
    width, tokens = 8, 5
    parts = [nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width), nn.LayerNorm(width)]
    parts += [nn.Linear(width, 16), nn.Linear(16, width), nn.Linear(width, 12)]

    def forward(norm, qkv, out, norm2, up, down, head, x):
        q, k, v = (part.view(1, tokens, 2, 4).transpose(1, 2) for part in qkv(norm(x)).chunk(3, -1))
        y = f.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + out(y.transpose(1, 2).reshape(1, tokens, width))
        return head(x + down(f.gelu(up(norm2(x)))))

    return Function(forward, *parts)


def first(module):
    """Of a module that gives several outputs, the first."""
    return Function(lambda own, *inputs: own(*inputs)[0], module)


def with_self(attention):
    return Function(lambda own, x: own(x, x, x, need_weights=False)[0], attention)


# By name: the module, and the shapes of its inputs (`ids` below a number: token ids).
MODULES = {
    "linear": (lambda: nn.Linear(12, 5), [1, 12]),
    "bilinear": (lambda: nn.Bilinear(5, 4, 3), [1, 5], [1, 4]),
    "embedding": (lambda: nn.Sequential(nn.Embedding(20, 6), nn.Linear(6, 3)), ([1, 5], 20)),
    "conv1d": (lambda: nn.Conv1d(3, 4, 3), [1, 3, 12]),
    "conv2d": (lambda: nn.Conv2d(3, 4, 3, padding=1), [1, 3, 6, 6]),
    "conv3d": (lambda: nn.Conv3d(2, 3, 3), [1, 2, 5, 5, 5]),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(3, 4, 3, stride=2), [1, 3, 6]),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(3, 4, 3, stride=2), [1, 3, 4, 4]),
    "max_pool2d": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.MaxPool2d(3, 2)), [1, 2, 9, 9]),
    "avg_pool2d": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.AvgPool2d(2)), [1, 2, 8, 8]),
    "adaptive_avg_pool2d": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.AdaptiveAvgPool2d(2)), [1, 2, 8, 8]),
    "lp_pool2d": (lambda: nn.LPPool2d(2, 2), [1, 2, 4, 4]),
    "pixel_shuffle": (lambda: nn.Sequential(nn.Conv2d(2, 8, 3), nn.PixelShuffle(2)), [1, 2, 5, 5]),
    "upsample_nearest": (lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2, 3, 3)), [1, 2, 4, 4]),
    "upsample_bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), [1, 2, 4, 4]),
    "reflection_pad2d": (lambda: nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(2, 3, 3)), [1, 2, 5, 5]),
    "prelu": (lambda: nn.Sequential(nn.Linear(8, 6), nn.PReLU()), [1, 8]),
    "gelu": (lambda: nn.Sequential(nn.Linear(8, 6), nn.GELU()), [1, 8]),
    "silu": (lambda: nn.Sequential(nn.Linear(8, 6), nn.SiLU()), [1, 8]),
    "glu": (lambda: nn.Sequential(nn.Linear(8, 6), nn.GLU()), [1, 8]),
    "softmax": (lambda: nn.Sequential(nn.Linear(8, 6), nn.Softmax(-1)), [1, 8]),
    "log_softmax": (lambda: nn.Sequential(nn.Linear(8, 6), nn.LogSoftmax(-1)), [1, 8]),
    "batch_norm1d": (lambda: nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU()), [1, 8]),
    "layer_norm": (lambda: nn.LayerNorm(16), [1, 4, 16]),
    "group_norm": (lambda: nn.GroupNorm(2, 6), [1, 6, 4, 4]),
    "instance_norm2d": (lambda: nn.InstanceNorm2d(3, affine=True), [1, 3, 5, 5]),
    "rms_norm": (lambda: nn.RMSNorm(16), [1, 4, 16]),
    "local_response_norm": (lambda: nn.LocalResponseNorm(3), [1, 4, 3, 3]),
    "rnn": (lambda: first(nn.RNN(6, 5)), [4, 1, 6]),
    "lstm": (lambda: first(nn.LSTM(6, 5)), [4, 1, 6]),
    "lstm_bidirectional": (lambda: first(nn.LSTM(6, 5, bidirectional=True)), [4, 1, 6]),
    "gru": (lambda: first(nn.GRU(6, 5)), [4, 1, 6]),
    "multihead_attention": (lambda: with_self(nn.MultiheadAttention(8, 2, batch_first=True)), [1, 5, 8]),
    "transformer_encoder_layer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), [1, 5, 8]),
    "mse_loss": (lambda: nn.MSELoss(), [1, 10], [1, 10]),
    "smooth_l1_loss": (lambda: nn.SmoothL1Loss(), [1, 10], [1, 10]),
    "bce_with_logits_loss": (lambda: nn.BCEWithLogitsLoss(reduction="none"), [1, 10], [1, 10]),
    "cross_entropy_loss": (lambda: nn.CrossEntropyLoss(), [1, 6], ([1], 6)),
    "cosine_similarity": (lambda: nn.CosineSimilarity(), [1, 10], [1, 10]),
    "pairwise_distance": (lambda: nn.PairwiseDistance(), [1, 10], [1, 10]),
    "mlp": (lambda: nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid()), [1, 10]),
    "lenet": (lambda: nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6, 10)), [1, 1, 12, 12]),
    "residual_block": (residual_block, [1, 4, 6, 6]),
    "squeeze_excitation": (squeeze_excitation, [1, 4, 6, 6]),
    "u_net": (small_u_net, [1, 2, 8, 8]),
    "gpt": (small_gpt, [1, 5, 8]),
}  # fmt: skip
assert len(MODULES) == 46


def warmed(module):
    """Running means of batch normalizations get values of their own, and then stay."""
    for own in module.modules():
        if isinstance(own, nn.modules.batchnorm._BatchNorm):
            own.running_mean.normal_(0, 0.3), own.running_var.uniform_(0.5, 1.5)
    return module.eval()


def exported(module, arrays, is_new, opset=None):
    """The file, example inputs by name, and PyTorch's own outputs for them."""
    names = ["x", "y", "z", "w"][: len(arrays)]
    first = tuple(torch.from_numpy(array[0]) for array in arrays)
    if is_new:
        file = torch.onnx.export(module, first, input_names=names, dynamo=True, verbose=False, external_data=False).model_proto
    else:
        target = io.BytesIO()
        torch.onnx.export(module, first, target, input_names=names, opset_version=opset, dynamo=False)
        file = onnx.load_from_string(target.getvalue())
    with torch.no_grad():
        answers = [module(*map(torch.from_numpy, row)) for row in zip(*arrays)]
    answers = [answer if isinstance(answer, (tuple, list)) else [answer] for answer in answers]
    expected = [np.concatenate([np.ravel(own.numpy()).astype(np.float32) for own in answer]) for answer in answers]
    return file, dict(zip(names, arrays)), expected


def make(name, is_new):
    torch.manual_seed(7)
    build, *ports = MODULES[name]
    rng = np.random.default_rng(7)

    def examples(port):
        if isinstance(port, tuple):
            return rng.integers(0, port[1], [EXAMPLES, *port[0]])
        return rng.uniform(-2, 2, [EXAMPLES, *port]).astype(np.float32)

    arrays = [examples(port) for port in ports]
    if name == "bce_with_logits_loss":
        arrays[1] = (arrays[1] > 0).astype(np.float32)
    return exported(warmed(build()), arrays, is_new)


def models(_):
    """Every module with each exporter."""
    return {
        f"{name}_{'new' if is_new else 'old'}": lambda name=name, is_new=is_new: make(name, is_new)
        for name in MODULES
        for is_new in (False, True)
    }
