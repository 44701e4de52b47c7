"""What goes wrong: one exception for each thing to do about it, with the messages and hints that the command prints."""

from __future__ import annotations

from typing import Optional


class ZkverdictError(Exception):
    """Anything that zkverdict could not do."""

    #: What went wrong, and where.
    message: str
    #: What to do about it, where the error alone can tell.
    hint: Optional[str]

    def __init__(self, message: str, hint: Optional[str] = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  hint: {self.hint}"


class ModelError(ZkverdictError):
    """The model cannot be read, quantized or proved."""


class CircuitError(ModelError):
    """The model has no circuit, or none as it was asked for."""


class InputError(ZkverdictError, ValueError):
    """An input is not as the model takes it, or a context is none."""


class OptionError(ZkverdictError, ValueError):
    """An argument makes no sense here."""


class FileError(ZkverdictError, OSError):
    """A file cannot be read or written."""

    def __str__(self) -> str:
        return ZkverdictError.__str__(self)


class KeysError(ZkverdictError):
    """The keys or the reference string cannot be made or used."""


class BundleError(KeysError):
    """A bundle is damaged, of another version, or not what it says."""


class ProofError(ZkverdictError):
    """A proof is not valid, or does not say what was expected."""


class ContractError(ZkverdictError):
    """The contract cannot be rendered, compiled or run."""


class ExportError(ZkverdictError):
    """A trained object cannot be turned into an ONNX model."""


class MissingPackage(ExportError, ImportError):
    """A package that is needed to export a trained object is not installed."""


class RangeWarning(UserWarning):
    """Values lie beyond the range that a model was quantized for, and are taken as the nearest end of it."""
