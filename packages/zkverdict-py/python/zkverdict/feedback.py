"""What callers are told as work goes on."""

from __future__ import annotations

import warnings
from typing import Callable, Optional

from .errors import RangeWarning
from .types import Callback, Progress


def followed(progress: Optional[Callback]) -> Optional[Callable[[str, float], None]]:
    """A callback as the extension calls it."""
    if progress is None:
        return None

    def follow(stage: str, seconds: float) -> None:
        progress(Progress(stage, seconds))

    return follow


def warn_of_values_beyond(count: int) -> None:
    """Warns where the line is that called the package."""
    if count > 0:
        warnings.warn(
            f"{count} values of the input are beyond the range that the model was quantized for, and are taken as the nearest end of it",
            RangeWarning,
            stacklevel=3,
        )
