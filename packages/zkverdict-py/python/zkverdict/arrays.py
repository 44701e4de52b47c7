"""From what a user gives to the bytes of .npy and .npz files, which the library reads with its own checks."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Mapping, Optional, Sequence

import numpy as np
import numpy.typing as npt

from .errors import InputError


def array_of(value: Any, name: Optional[str] = None) -> npt.NDArray[Any]:
    """An array of whatever numpy takes for one: arrays, lists, data frames, tensors."""
    what = "the input" if name is None else f"input `{name}`"
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
        if array.dtype == object and array.size > 0 and all(isinstance(item, str) for item in array.flat):
            array = array.astype(str)
    except (ValueError, TypeError) as error:
        raise InputError(f"{what} is no array: {error}", "give numbers in an array, or in lists of one length") from error
    if array.dtype.kind not in "biufU":
        raise InputError(f"{what} is an array of {array.dtype}", "give an array of numbers, or of texts where the model takes texts")
    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    if array.dtype == np.float16 or array.dtype.itemsize > 8 and array.dtype.kind == "f":
        array = array.astype(np.float64)
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).reshape(array.shape)


def encoded(values: Any, *, labels: Any = None, names: Optional[Sequence[str]] = None) -> bytes:
    """One array, or several by the input's name, of which others than `names` are refused; with labels, in an archive."""
    if not isinstance(values, Mapping) and labels is not None:
        # The name by which the library takes the only input where labels lie beside it.
        values = {"x": values}
    if not isinstance(values, Mapping):
        target = io.BytesIO()
        np.lib.format.write_array(target, array_of(values), allow_pickle=False)
        return target.getvalue()
    if not values:
        raise InputError("no input is given", "give the inputs as a dict by name")
    unknown = [name for name in values if names is not None and name not in names]
    if unknown:
        raise InputError(f"there is no input `{unknown[0]}`", f"give {', '.join(f'`{name}`' for name in names or ())}")
    arrays = {str(name): array_of(value, str(name)) for name, value in values.items()}
    if labels is not None:
        if "y" in arrays:
            raise InputError("an input is called `y`, as labels are", "give no labels")
        arrays["y"] = np.asarray(labels).astype(np.int64)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return target.getvalue()
