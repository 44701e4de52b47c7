"""Nets of transformers and torchvision, with few or no trained weights, as PyTorch exports them (for `script/exports.py --libraries`).

Architectures are the libraries' own; widths and depths are small where the library lets one choose.
"""

import numpy as np
import torch
import torchvision
import transformers as t

from exports_torch import Function, exported, warmed

IDS, MASK, FLOATS = "ids", "mask", "floats"
EXAMPLES, WORDS, TOKENS = 12, 30, 6
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": WORDS}
LLAMA = {**SMALL, "num_key_value_heads": 1, "max_position_embeddings": 16}
TEXT, IMAGE = {"ids": IDS, "mask": MASK}, {"x": FLOATS}


def mean_of_counted(out, mask):
    shown = mask.unsqueeze(-1).float()
    return (out[0] * shown).sum(1) / shown.sum(1).clamp(min=1e-9)


def of_text(kind, config, pick=lambda out, mask: out[0], **more):
    """A model of token ids and of which of them count."""

    def build():
        own = getattr(t, kind)(getattr(t, config)(**{**SMALL, "max_position_embeddings": 16, **more}, attn_implementation="eager"))
        return Function(lambda own, ids, mask: pick(own(input_ids=ids, attention_mask=mask), mask), own)

    return build, [1, TOKENS], TEXT


def of_ids(kind, config, **more):
    """The same without a mask, and without a cache."""

    def build():
        own = getattr(t, kind)(getattr(t, config)(**more, attn_implementation="eager"))
        return Function(lambda own, ids: own(input_ids=ids, use_cache=False)[0], own)

    return build, [1, TOKENS], {"ids": IDS}


def of_images(kind, config, **more):
    def build():
        own = getattr(t, kind)(getattr(t, config)(image_size=16, patch_size=8, num_channels=3, **{k: v for k, v in SMALL.items() if k != "vocab_size"}, **more, attn_implementation="eager"))
        return Function(lambda own, x: own(pixel_values=x)[0], own)

    return build, [1, 3, 16, 16], IMAGE


def of_vision(name, size=32, **more):
    return lambda: getattr(torchvision.models, name)(num_classes=5, **more), [1, 3, size, size], IMAGE


# By name: the module, the shape of its inputs, and what these are.
MODULES = {
    "bert": of_text("BertModel", "BertConfig"),
    "bert_classifier": of_text("BertForSequenceClassification", "BertConfig"),
    "bert_masked_words": of_text("BertForMaskedLM", "BertConfig"),
    "roberta_classifier": of_text("RobertaForSequenceClassification", "RobertaConfig"),
    "distilbert_classifier": of_text("DistilBertForSequenceClassification", "DistilBertConfig", dim=16, n_layers=2, n_heads=2, hidden_dim=32),
    "electra_classifier": of_text("ElectraForSequenceClassification", "ElectraConfig", embedding_size=16),
    "albert": of_text("AlbertModel", "AlbertConfig", embedding_size=8),
    "mpnet": of_text("MPNetModel", "MPNetConfig"),
    "sentence_embedding": of_text("BertModel", "BertConfig", mean_of_counted),
    "t5_encoder": (
        lambda: Function(
            lambda own, ids: own(input_ids=ids)[0], t.T5EncoderModel(t.T5Config(vocab_size=WORDS, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2))
        ),
        [1, TOKENS],
        {"ids": IDS},
    ),
    "gpt2": of_ids("GPT2LMHeadModel", "GPT2Config", vocab_size=WORDS, n_embd=16, n_layer=2, n_head=2, n_positions=16),
    "gpt_neo_x": of_ids("GPTNeoXForCausalLM", "GPTNeoXConfig", **SMALL, max_position_embeddings=16),
    "llama": of_ids("LlamaForCausalLM", "LlamaConfig", **LLAMA),
    "qwen2": of_ids("Qwen2ForCausalLM", "Qwen2Config", **LLAMA),
    "gemma": of_ids("GemmaForCausalLM", "GemmaConfig", **LLAMA, head_dim=8),
    "opt": of_ids("OPTForCausalLM", "OPTConfig", vocab_size=WORDS, hidden_size=16, num_hidden_layers=2, ffn_dim=32, num_attention_heads=2, max_position_embeddings=16, word_embed_proj_dim=16),
    "vit_of_transformers": of_images("ViTForImageClassification", "ViTConfig"),
    "deit": of_images("DeiTForImageClassification", "DeiTConfig"),
    "dinov2": of_images("Dinov2Model", "Dinov2Config", mlp_ratio=2),
    "resnet18": of_vision("resnet18"),
    "mobilenet_v2": of_vision("mobilenet_v2"),
    "mobilenet_v3_small": of_vision("mobilenet_v3_small"),
    "squeezenet1_1": of_vision("squeezenet1_1"),
    "shufflenet_v2_x0_5": of_vision("shufflenet_v2_x0_5"),
    "efficientnet_b0": of_vision("efficientnet_b0"),
    "regnet_y_400mf": of_vision("regnet_y_400mf"),
    "mnasnet0_5": of_vision("mnasnet0_5"),
    "densenet121": of_vision("densenet121"),
    "googlenet": of_vision("googlenet", aux_logits=False, init_weights=False),
    "convnext": (
        lambda: torchvision.models.convnext.ConvNeXt([torchvision.models.convnext.CNBlockConfig(8, 16, 1), torchvision.models.convnext.CNBlockConfig(16, None, 1)], num_classes=5),
        [1, 3, 32, 32],
        IMAGE,
    ),
    "swin": (
        lambda: torchvision.models.swin_transformer.SwinTransformer([4, 4], 8, [2, 2], [2, 4], [2, 2], num_classes=5),
        [1, 3, 32, 32],
        IMAGE,
    ),
    "vision_transformer": (lambda: torchvision.models.VisionTransformer(16, 8, 2, 2, 16, 32, num_classes=5), [1, 3, 16, 16], IMAGE),
}  # fmt: skip


def made(name, is_new):
    torch.manual_seed(5)
    build, shape, ports = MODULES[name]
    rng = np.random.default_rng(5)

    def examples(kind):
        if kind == IDS:
            return rng.integers(3, WORDS, [EXAMPLES, *shape])
        if kind == MASK:
            lengths = rng.integers(2, shape[1] + 1, [EXAMPLES, 1, 1])
            return (np.arange(shape[1]) < lengths).astype(np.int64)
        return rng.uniform(-1, 1, [EXAMPLES, *shape]).astype(np.float32)

    return exported(warmed(build()), [examples(kind) for kind in ports.values()], is_new)


def models(_):
    """Every net with each exporter."""
    return {f"{name}_{'new' if is_new else 'old'}": lambda name=name, is_new=is_new: made(name, is_new) for name in MODULES for is_new in (False, True)}
