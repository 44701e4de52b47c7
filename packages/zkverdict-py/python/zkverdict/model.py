"""Quantized models: read, quantized, described, run, given keys."""

from __future__ import annotations

import json
import os
from typing import Any, List, Mapping, Optional, Sequence, Tuple, Union

from . import _zkverdict
from .arrays import encoded
from .errors import InputError, OptionError
from .feedback import followed, warn_of_values_beyond
from .keys import Keys
from .types import (
    Callback,
    Inference,
    Inspection,
    Path,
    Plan,
    Port,
    QuantizeReport,
    Summary,
    inference_of,
    plain,
    read,
    summary_of,
)

#: A path, the bytes of an ONNX file, or an onnx.ModelProto.
Onnx = Union[Path, bytes, Any]


def _source(model: Onnx) -> Tuple[Optional[str], Optional[bytes]]:
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model), None
    if isinstance(model, (bytes, bytearray, memoryview)):
        return None, bytes(model)
    if hasattr(model, "SerializeToString"):
        return None, model.SerializeToString()
    raise OptionError(f"a model is a path, bytes or an onnx.ModelProto, not {type(model).__name__}")


class Model:
    """A quantized model. `load`, `quantize` and `export` make them."""

    def __init__(self, native: _zkverdict.Model, report: Optional[QuantizeReport] = None) -> None:
        self._native = native
        #: How the model compares with the float model that it was quantized from, where it was.
        self.report: Optional[QuantizeReport] = report
        #: What the model is.
        self.summary: Summary = summary_of(native.summary())

    def __repr__(self) -> str:
        ports = ", ".join(f"{port.name} {list(port.shape)} {port.type}" for port in self.inputs)
        return f"<zkverdict.Model {self.name}: {ports}, {self.summary.parameters} parameters>"

    @property
    def name(self) -> str:
        return self.summary.model

    @property
    def inputs(self) -> Tuple[Port, ...]:
        return self.summary.inputs

    @property
    def outputs(self) -> Tuple[Port, ...]:
        return self.summary.outputs

    @property
    def onnx(self) -> bytes:
        """The bytes of an ONNX file that holds all of it."""
        return self._native.onnx()

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes the ONNX file, whole or not at all."""
        if os.path.lexists(path) and not overwrite:
            raise OptionError(f"`{os.fspath(path)}` is there already", "replace it with `overwrite=True`")
        _zkverdict.write_file(os.fspath(path), self.onnx)

    def inspect(
        self,
        *,
        optimize: str = "speed",
        format: str = "packed",
        k: Optional[int] = None,
        max_k: Optional[int] = None,
        input_visibility: str = "public",
        inputs: Optional[Mapping[str, str]] = None,
        claims: Sequence[str] = (),
        batch: int = 1,
        weights: str = "public",
    ) -> Inspection:
        """What the model is, and what proofs of it will cost under these options of `keygen`."""
        options = _options(optimize, format, k, max_k, input_visibility, inputs, claims, batch, weights)
        return Inspection(self.summary, plain(Plan, json.loads(self._native.plan(options))))

    def run(self, x: Any) -> Union[Inference, List[Inference]]:
        """The outputs that proofs are about, without any proof: of one inference, or of each along one more leading dimension.

        `x` is an array, or a dict of arrays by the input's name.
        """
        text, beyond = self._native.run(encoded(x, names=[port.name for port in self.inputs]))
        warn_of_values_beyond(beyond)
        inferences = [inference_of(document) for document in json.loads(text)]
        return inferences[0] if len(inferences) == 1 else inferences

    def keygen(
        self,
        *,
        srs: Optional[Path] = None,
        unsafe_dev_srs: bool = False,
        optimize: str = "speed",
        format: str = "packed",
        k: Optional[int] = None,
        max_k: Optional[int] = None,
        input_visibility: str = "public",
        inputs: Optional[Mapping[str, str]] = None,
        claims: Sequence[str] = (),
        batch: int = 1,
        weights: str = "public",
        progress: Optional[Callback] = None,
    ) -> Keys:
        """Makes keys, under the powers-of-tau file `srs`, or under a development string whose secret is public.

        `optimize` is "speed", "gas" or "memory"; `format` "packed" or "halo2"; `input_visibility` and `inputs[NAME]` "public",
        "private", "hashed" or "committed"; `claims` are as `--claim` takes them, such as "score=threshold"; `batch` is the number of
        inferences in one proof; with `weights="committed"` the keys are of the architecture, and prove with `Keys.commit_weights`.
        """
        options = _options(optimize, format, k, max_k, input_visibility, inputs, claims, batch, weights)
        path = None if srs is None else os.fspath(srs)
        return Keys(self._native.keygen(options, path, unsafe_dev_srs, followed(progress)))


def _options(
    optimize: str,
    format: str,
    k: Optional[int],
    max_k: Optional[int],
    input_visibility: str,
    inputs: Optional[Mapping[str, str]],
    claims: Sequence[str],
    batch: int,
    weights: str,
) -> str:
    if isinstance(claims, str):
        claims = [claims]
    options = {
        "optimize": optimize,
        "format": format,
        "k": k,
        "max_k": max_k,
        "input_visibility": input_visibility,
        "inputs": dict(inputs or {}),
        "claims": list(claims),
        "batch": batch,
        "weights": weights,
    }
    try:
        return json.dumps(options)
    except (TypeError, ValueError) as error:
        raise OptionError(f"an option is not as it should be: {error}") from error


def load(model: Onnx, *, name: Optional[str] = None, dims: Optional[Mapping[str, int]] = None) -> Model:
    """Reads a quantized ONNX model: a path, bytes, or an onnx.ModelProto.

    `dims` are lengths of symbolic dimensions; a leading one that is not given is 1. A model whose graph has no
    name of its own is called `name`, or as its file.
    """
    path, data = _source(model)
    return Model(_zkverdict.Model.load(name, path, data, dict(dims or {})))


def quantize(
    model: Onnx,
    calibration: Any,
    *,
    labels: Any = None,
    test: Any = None,
    test_labels: Any = None,
    percentile: Optional[float] = None,
    per_channel: bool = True,
    scales_of: Union[Model, bytes, Path, None] = None,
    name: Optional[str] = None,
    dims: Optional[Mapping[str, int]] = None,
) -> Model:
    """Makes an int8 model of a float one, from example inputs. How the two compare is in the model's `report`.

    `calibration` and `test` are arrays of several inferences, or dicts of them by the input's name. With `labels`, the
    report says how accurate both models are. With `percentile`, that share of the values is in range instead of all.
    """
    path, data = _source(model)
    if labels is not None and test is not None and test_labels is None:
        raise InputError("`labels` are those of `calibration`, and the report is on `test`", "give `test_labels`")
    scales = scales_of.onnx if isinstance(scales_of, Model) else scales_of
    native, report = _zkverdict.Model.quantize(
        name,
        path,
        data,
        dict(dims or {}),
        encoded(calibration, labels=labels),
        None if test is None else encoded(test, labels=test_labels),
        percentile,
        per_channel,
        read(scales) if isinstance(scales, (str, os.PathLike)) else scales,
    )
    return Model(native, plain(QuantizeReport, json.loads(report)))
