"""From data in a schema's units to JSON whose numbers are the decimals that Python shows."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path as _Path
from typing import Any, Optional, Union

from .errors import FileError, InputError
from .types import Path


def schema_bytes(schema: Union[Path, bytes, None]) -> Optional[bytes]:
    """A schema's document."""
    if schema is None or isinstance(schema, bytes):
        return schema
    try:
        return _Path(schema).read_bytes()
    except OSError as error:
        raise FileError(f"the schema cannot be read: {error}", "check the path") from error


def _plain(value: Any) -> Any:
    """What JSON has no form for: decimals as texts, arrays and numbers of numpy as lists and numbers."""
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} is no value of a field")


def in_units(x: Any) -> bytes:
    """A dict of values by their fields, or a list of such, as JSON."""
    try:
        return json.dumps(x, default=_plain, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        # What Python says of a value may show it.
        why = str(error) if isinstance(error, TypeError) else "a value is no finite number, or holds itself"
        raise InputError(f"these are no data in a schema's units: {why}", "give a dict of numbers by the schema's fields") from None
