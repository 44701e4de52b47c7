"""Prove the answers of machine-learning models, verify them here and on EVM chains.

    import zkverdict

    model = zkverdict.load("model.onnx")
    keys = model.keygen(unsafe_dev_srs=True)
    proof = keys.prove(x, context=0)
    assert keys.verify(proof)
    keys.render("contracts")
"""

from ._zkverdict import __version__
from .errors import (
    BundleError,
    CircuitError,
    ContractError,
    ExportError,
    FileError,
    InputError,
    KeysError,
    MissingPackage,
    ModelError,
    OptionError,
    ProofError,
    RangeWarning,
    ZkverdictError,
)
from .export import export
from .keys import Commitment, Keys, Weights, load_keys, load_proof
from .model import Model, load, quantize
from .types import (
    Certificate,
    GasReport,
    Inference,
    Inspection,
    KeysSummary,
    Node,
    Plan,
    Port,
    Progress,
    Proof,
    QuantizeReport,
    Rendered,
    Summary,
    Values,
)

__all__ = [
    "BundleError",
    "Certificate",
    "CircuitError",
    "Commitment",
    "ContractError",
    "ExportError",
    "FileError",
    "GasReport",
    "Inference",
    "InputError",
    "Inspection",
    "Keys",
    "KeysError",
    "KeysSummary",
    "MissingPackage",
    "Model",
    "ModelError",
    "Node",
    "OptionError",
    "Plan",
    "Port",
    "Progress",
    "Proof",
    "ProofError",
    "QuantizeReport",
    "RangeWarning",
    "Rendered",
    "Summary",
    "Values",
    "Weights",
    "ZkverdictError",
    "__version__",
    "export",
    "load",
    "load_keys",
    "load_proof",
    "quantize",
]
