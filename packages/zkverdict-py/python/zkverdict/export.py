"""From a trained object to a quantized model in one call.

What turns objects into ONNX is imported where it is needed: skl2onnx for scikit-learn, onnxmltools for XGBoost and LightGBM,
torch itself for PyTorch.
"""

from __future__ import annotations

import importlib
import io
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import numpy as np
import numpy.typing as npt

from .arrays import array_of
from .errors import ExportError, MissingPackage
from .model import Model, quantize

#: What ONNX files of scikit-learn and PyTorch are written as.
OPERATOR_SET = 17

#: The name of an input that has none.
INPUT = "x"


def export(
    trained: Any,
    sample: Any,
    calibration: Any = None,
    *,
    labels: Any = None,
    test: Any = None,
    test_labels: Any = None,
    percentile: Optional[float] = None,
    per_channel: bool = True,
    name: Optional[str] = None,
) -> Model:
    """Makes a quantized model of a trained one: a torch.nn.Module, a scikit-learn estimator or pipeline, or one of XGBoost or
    LightGBM.

    `sample` is an input as the trained object takes it, of one or several rows: an array, or for modules with several inputs
    a dict of arrays in their order. `calibration` are many such rows, from which the ranges of activations follow; without
    it they are those of `sample`. The model is called `name`, or as the object's class. With `labels`, one for each row of `calibration`, the model's `report` says how accurate it
    is beside the trained one.
    """
    inputs = _rows(sample)
    examples = inputs if calibration is None else _rows(calibration)
    tests = None if test is None else _rows(test)
    exporter, package = _exporter(trained)
    called = name or type(trained).__name__
    onnx = exporter(trained, inputs, called)
    if package == "torch" and set(examples) != set(inputs):
        raise ExportError(f"the sample has the inputs {list(inputs)}, the calibration {list(examples)}", "give both by the same names")
    return quantize(
        onnx,
        examples,
        labels=labels,
        test=tests,
        test_labels=test_labels,
        percentile=percentile,
        per_channel=per_channel,
        name=called,
    )


_Inputs = Dict[str, npt.NDArray[Any]]


def _rows(values: Any) -> _Inputs:
    """Arrays by name, floats as the models' float32."""
    by_name: Mapping[Any, Any] = values if isinstance(values, Mapping) else {INPUT: values}
    arrays = {str(name): array_of(value, str(name)) for name, value in by_name.items()}
    for name, array in arrays.items():
        if array.ndim == 0 or array.shape[0] == 0:
            raise ExportError(f"the input `{name}` has no rows", "give examples along the first dimension")
    return {name: array.astype(np.float32) if array.dtype.kind == "f" else array for name, array in arrays.items()}


def _exporter(trained: Any) -> Tuple[Callable[[Any, _Inputs, str], bytes], str]:
    """What turns an object into an ONNX file, by the packages that its classes come from."""
    packages: List[str] = [own.__module__.split(".")[0] for own in type(trained).__mro__]
    for package, exporter in (("torch", _of_torch), ("xgboost", _of_trees), ("lightgbm", _of_trees), ("sklearn", _of_sklearn)):
        if package in packages:
            return exporter, package
    raise ExportError(
        f"no exporter is known for {type(trained).__module__}.{type(trained).__qualname__}",
        "export it to ONNX with its own library, and call `zkverdict.quantize`",
    )


def _imported(module: str, package: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name is None or error.name.split(".")[0] != package:
            raise MissingPackage(f"to export {what}, `{package}` could not be imported: {error}", f"pip install --upgrade {package}") from error
        raise MissingPackage(f"to export {what}, the package `{package}` is needed", f"pip install {package}") from error


def _of_torch(module: Any, inputs: _Inputs, _: str) -> bytes:
    torch = importlib.import_module("torch")
    if not isinstance(module, torch.nn.Module):
        raise ExportError(f"{type(module).__qualname__} is no torch.nn.Module", "give the module itself")
    first = tuple(torch.from_numpy(array[:1].copy()) for array in inputs.values())
    target = io.BytesIO()
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            torch.onnx.export(module, first, target, input_names=list(inputs), opset_version=OPERATOR_SET, dynamo=False)
    except ImportError as error:
        raise MissingPackage(f"to export a PyTorch module: {error}", f"pip install {error.name or 'onnx'}") from error
    except Exception as error:
        # The exporter raises whatever it meets, also where a package is missing.
        if "onnx is not installed" in str(error):
            raise MissingPackage("to export a PyTorch module, the package `onnx` is needed", "pip install onnx") from error
        raise ExportError(f"PyTorch could not export the module: {error}", "see that `module(sample)` works") from error
    finally:
        module.train(was_training)
    return target.getvalue()


def _only(inputs: _Inputs, what: str) -> Tuple[str, npt.NDArray[Any]]:
    if len(inputs) != 1:
        raise ExportError(f"{what} takes one array, and {len(inputs)} are given", "give one array with a row for each example")
    return next(iter(inputs.items()))


def _of_sklearn(estimator: Any, inputs: _Inputs, called: str) -> bytes:
    name, array = _only(inputs, "a scikit-learn estimator")
    skl2onnx = _imported("skl2onnx", "skl2onnx", "a scikit-learn estimator")
    types = _imported("skl2onnx.common.data_types", "skl2onnx", "a scikit-learn estimator")
    # A dictionary of probabilities is no tensor.
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    try:
        file = skl2onnx.convert_sklearn(
            estimator,
            name=called,
            initial_types=[(name, _tensor_type(types, array))],
            options=options,
            target_opset={"": OPERATOR_SET, "ai.onnx.ml": 3},
        )
    except Exception as error:
        raise ExportError(f"skl2onnx could not export the estimator: {error}", "see that it is fitted, and that skl2onnx knows its steps") from error
    serialized: bytes = file.SerializeToString()
    return serialized


def _tensor_type(types: Any, array: npt.NDArray[Any]) -> Any:
    shape = [None, *array.shape[1:]]
    if array.dtype.kind == "U":
        return types.StringTensorType(shape)
    return types.FloatTensorType(shape) if array.dtype.kind == "f" else types.Int64TensorType(shape)


def _of_trees(trees: Any, inputs: _Inputs, called: str) -> bytes:
    package = next(own.__module__.split(".")[0] for own in type(trees).__mro__ if own.__module__.split(".")[0] in ("xgboost", "lightgbm"))
    what = {"xgboost": "an XGBoost model", "lightgbm": "a LightGBM model"}[package]
    name, array = _only(inputs, what)
    tools = _imported("onnxmltools", "onnxmltools", what)
    types = _imported("onnxmltools.convert.common.data_types", "onnxmltools", what)
    convert = {"xgboost": "convert_xgboost", "lightgbm": "convert_lightgbm"}[package]
    more = {"zipmap": False} if package == "lightgbm" else {}
    try:
        # Onnxmltools knows columns of XGBoost by their numbers only.
        booster = trees.get_booster() if hasattr(trees, "get_booster") else trees
        columns = booster.feature_names if package == "xgboost" else None
        if columns is not None:
            booster.feature_names = None
        try:
            file = getattr(tools, convert)(trees, name=called, initial_types=[(name, types.FloatTensorType([None, *array.shape[1:]]))], **more)
        finally:
            if columns is not None:
                booster.feature_names = columns
    except Exception as error:
        raise ExportError(f"onnxmltools could not export {what}: {error}", "see that it is fitted") from error
    serialized: bytes = file.SerializeToString()
    return serialized
