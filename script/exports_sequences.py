"""Attention, tokens and recurrent layers in the operators that PyTorch's exporters use for them (for `script/exports.py`)."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

from exports_layers import MODELS, Net, model, rng


def attention(n, x, tokens, width, heads, mask=None):
    parts = []
    for _ in range(3):
        y = n.Add(n.MatMul(x, n.w(width, width)), n.w(width))
        y = n.Reshape(y, n.i(1, tokens, heads, width // heads))
        parts.append(n.Transpose(y, perm=[0, 2, 1, 3]))
    scores = n.Div(n.MatMul(parts[0], n.Transpose(parts[1], perm=[0, 1, 3, 2])), n.c(np.sqrt(width // heads)))
    if mask is not None:
        scores = mask(scores)
    y = n.Transpose(n.MatMul(n.Softmax(scores, axis=-1), parts[2]), perm=[0, 2, 1, 3])
    return n.MatMul(n.Reshape(y, n.i(1, tokens, width)), n.w(width, width))


@model
def self_attention():
    n = Net([1, 5, 8])
    return n.finish(attention(n, "x", 5, 8, 2))


@model
def causal_attention_where():
    n = Net([1, 5, 8])
    causal = n.c(np.tril(np.ones([1, 1, 5, 5])), bool)
    return n.finish(attention(n, "x", 5, 8, 2, lambda s: n.Where(causal, s, n.c(-np.inf))))


@model
def causal_attention_add():
    n = Net([1, 5, 8])
    mask = n.c(np.triu(np.full([1, 1, 5, 5], -1e9), 1))
    return n.finish(attention(n, "x", 5, 8, 1, lambda s: n.Add(s, mask)))


@model
def causal_attention_trilu():
    n = Net([1, 5, 8])
    ones = n.Trilu(n.c(np.ones([5, 5])), upper=0)
    mask = n.Where(n.Equal(ones, n.c(0.0)), n.c(-np.inf), n.c(0.0))
    return n.finish(attention(n, "x", 5, 8, 1, lambda s: n.Add(s, mask)))


def with_tokens(n, shown):
    """Tokens and a mask of those that count, in 1 to all places; `shown` gives scores of a mask and scores."""
    tokens, width = 5, 8
    x = n.Gather(n.w(20, width), "ids")
    y = attention(n, x, tokens, width, 2, shown)
    file, _ = n.finish(y)
    del file.graph.input[:]
    file.graph.input.extend(h.make_tensor_value_info(name, T.INT64, [1, tokens]) for name in ["ids", "mask"])
    ids = rng.integers(0, 20, [40, 1, tokens])
    counts = rng.integers(1, tokens + 1, [40, 1, 1])
    return file, {"ids": ids, "mask": (np.arange(tokens) < counts).astype(np.int64)}


@model
def masked_tokens():
    """As transformers' models have it."""
    n = Net([1, 5])
    seen = n.Gather(n.Cast("mask", to=T.BOOL), n.c([[[[0, 1, 2, 3, 4]]]], np.int64), axis=1)
    seen = n.Reshape(seen, n.i(1, 1, 1, 5))
    both = n.And(n.c(np.tril(np.ones([1, 1, 5, 5])), bool), seen)
    hidden = n.Where(both, n.c(0.0), n.c(np.finfo(np.float32).min))
    return with_tokens(n, lambda scores: n.Add(scores, hidden))


@model
def mask_of_floats():
    """As they had it before, and `masked_fill`."""
    n = Net([1, 5])
    mask = n.Unsqueeze("mask", n.i(1, 2))
    first = n.Mul(n.Sub(n.c(1.0), n.Cast(mask, to=T.FLOAT)), n.c(np.finfo(np.float32).min))
    is_hidden = n.Equal(mask, n.c(0, np.int64))

    def shown(scores):
        again = n.Cast(n.Softmax(n.Add(scores, first), axis=-1), to=T.FLOAT)
        return n.Where(is_hidden, n.c(-np.inf), n.Mul(n.Add(scores, again), n.c(0.5)))

    return with_tokens(n, shown)


@model
def attention_operator_with_mask():
    n = Net([1, 5, 8], opset=23)
    mask = n.Cast(n.Expand(n.Unsqueeze("mask", n.i(1, 2)), n.i(1, 1, 5, 5)), to=T.BOOL)
    q, k, v = (n.Add(n.MatMul("x", n.w(8, 8)), n.w(8)) for _ in range(3))
    file, examples = n.finish(n.Attention(q, k, v, mask, q_num_heads=2, kv_num_heads=2))
    file.graph.input.append(h.make_tensor_value_info("mask", T.INT64, [1, 5]))
    counts = rng.integers(1, 6, [len(examples), 1, 1])
    return file, {"x": examples, "mask": (np.arange(5) < counts).astype(np.int64)}


@model
def places_of_tokens_that_count():
    """As RoBERTa counts them: token 1 is none."""
    n, tokens, width = Net([1, 7]), 7, 6
    counts = n.Cast(n.Not(n.Equal("ids", n.c(1, np.int64))), to=T.INT32)
    places = n.Cast(n.CumSum(n.Cast(counts, to=T.INT64), n.c(1, np.int64)), to=T.INT32)
    places = n.Add(n.Cast(n.Mul(places, counts), to=T.INT64), n.c(1, np.int64))
    kinds = n.Gather(n.w(2, width), n.GatherElements(n.c(np.zeros([1, 12]), np.int64), places, axis=1))
    x = n.Gather(n.w(9, width), n.Reshape("ids", n.i(-1, tokens)))
    x = n.Add(n.Add(x, kinds), n.Gather(n.w(12, width), places))
    file, _ = n.finish(n.MatMul(x, n.w(width, 4)))
    del file.graph.input[:]
    file.graph.input.append(h.make_tensor_value_info("ids", T.INT64, [1, tokens]))
    ids, counts = rng.integers(2, 9, [40, 1, tokens]), rng.integers(1, tokens + 1, [40, 1, 1])
    return file, {"ids": np.where(np.arange(tokens) < counts, ids, 1)}


@model
def transformer_block():
    n = Net([1, 4, 8])
    x = n.Add("x", attention(n, n.LayerNormalization("x", n.w(8), n.w(8)), 4, 8, 2))
    y = n.MatMul(n.LayerNormalization(x, n.w(8), n.w(8)), n.w(8, 16))
    y = n.Mul(n.Mul(y, n.Add(n.Erf(n.Div(y, n.c(np.sqrt(2)))), n.c(1.0))), n.c(0.5))
    return n.finish(n.Add(x, n.MatMul(y, n.w(16, 8))))


def recurrent(op, gates, direction="forward", **attributes):
    def build():
        n = Net([4, 1, 6])
        n.calibration = rng.uniform(-2, 2, [40, 4, 1, 6]).astype(np.float32)
        d = 2 if direction == "bidirectional" else 1
        y = n.__getattr__(op)(
            "x", n.w(d, gates * 5, 6), n.w(d, gates * 5, 5), n.w(d, gates * 10), outputs=2,
            hidden_size=5, direction=direction, **attributes,
        )  # fmt: skip
        graph, calibration = n.finish(n.Reshape(y[0], n.i(4, -1)))
        graph.graph.input[0].CopyFrom(h.make_tensor_value_info("x", T.FLOAT, [4, 1, 6]))
        return graph, calibration

    return build


MODELS["lstm"] = recurrent("LSTM", 4)
MODELS["lstm_bidirectional"] = recurrent("LSTM", 4, "bidirectional")
MODELS["gru"] = recurrent("GRU", 3, linear_before_reset=1)
MODELS["gru_reset_first"] = recurrent("GRU", 3)
MODELS["rnn"] = recurrent("RNN", 1)
MODELS["rnn_reverse"] = recurrent("RNN", 1, "reverse")


@model
def lstm_with_peepholes():
    n = Net([3, 1, 4])
    n.calibration = rng.uniform(-2, 2, [40, 3, 1, 4]).astype(np.float32)
    y = n.LSTM("x", n.w(2, 12, 4), n.w(2, 12, 3), n.w(2, 24), "", "", "", n.w(2, 9), outputs=2, hidden_size=3, direction="bidirectional")
    file, examples = n.finish(n.Reshape(y[0], n.i(3, -1)))
    file.graph.input[0].CopyFrom(h.make_tensor_value_info("x", T.FLOAT, [3, 1, 4]))
    return file, examples


@model
def lstm_of_two_layers():
    n = Net([2, 1, 3])
    x = "x"
    for inputs in (3, 2):
        # The first states have the shape of what comes in, as exporters write it.
        batch = n.Unsqueeze(n.Gather(n.Shape(x), n.c(1, np.int64)), n.i(0))
        zeros = n.ConstantOfShape(n.Concat(n.i(1), batch, n.i(2), axis=0), value=nh.from_array(np.float32([0])))
        y = n.LSTM(x, n.w(1, 8, inputs), n.w(1, 8, 2), n.w(1, 16), "", zeros, zeros, outputs=2, hidden_size=2)
        x = n.Squeeze(y[0], n.i(1))
    file, examples = n.finish(x)
    file.graph.input[0].CopyFrom(h.make_tensor_value_info("x", T.FLOAT, [2, 1, 3]))
    return file, examples


@model
def attention_operator():
    """Operator set 23's own, with fewer heads for keys than for queries, and rotary embeddings before it."""
    n = Net([1, 5, 16], opset=23)
    q, k, v = n.MatMul("x", n.w(16, 16)), n.MatMul("x", n.w(16, 8)), n.MatMul("x", n.w(16, 8))
    angles = np.arange(5)[:, None] / 10.0 ** np.arange(2)
    cos, sin = n.c(np.cos(angles)[None]), n.c(np.sin(angles)[None])
    q = n.RotaryEmbedding(q, cos, sin, num_heads=4, interleaved=1)
    k = n.RotaryEmbedding(k, cos, sin, num_heads=2, interleaved=1)
    return n.finish(n.Attention(q, k, v, q_num_heads=4, kv_num_heads=2, is_causal=1))


def attention_with_earlier(**attributes):
    """Keys and values of two earlier tokens come in, and those of all go out, beside the scores."""
    n = Net([1, 3, 8], opset=23)
    q, k, v = (n.MatMul("x", n.w(8, 8)) for _ in range(3))
    own = n.Attention(q, k, v, "", "past_key", "past_value", outputs=4, q_num_heads=2, kv_num_heads=2, **attributes)
    file, examples = n.finish(*own)
    earlier = {}
    for name in ["past_key", "past_value"]:
        file.graph.input.append(h.make_tensor_value_info(name, T.FLOAT, [1, 2, 2, 4]))
        earlier[name] = rng.normal(size=(len(examples), 2, 2, 4)).astype(np.float32)
    return file, {"x": examples} | earlier


@model
def attention_with_capped_scores():
    return attention_with_earlier(softcap=2.0, qk_matmul_output_mode=1)


@model
def attention_with_raw_scores():
    return attention_with_earlier(softcap=2.0, is_causal=1, qk_matmul_output_mode=0)


@model
def attention_with_shares():
    return attention_with_earlier(is_causal=1, scale=0.7, qk_matmul_output_mode=3)


@model
def rotary_part_of_heads():
    n = Net([1, 2, 4, 6], opset=23)
    angles = np.arange(8)[:, None] / 10.0 ** np.arange(2)
    cos, sin = n.c(np.cos(angles)), n.c(np.sin(angles))
    return n.finish(n.RotaryEmbedding("x", cos, sin, n.c([[3, 0, 7, 5]], np.int64), rotary_embedding_dim=4))
