"""What zkverdict tells: frozen dataclasses with plain fields."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Type, TypeVar, Union

import numpy as np
import numpy.typing as npt

from . import _zkverdict
from .errors import FileError, ProofError

Path = Union[str, "os.PathLike[str]"]
T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """What is being done, and how many seconds it took to get there."""

    stage: str
    seconds: float


#: What is called as work goes on. What it raises ends the work.
Callback = Callable[[Progress], object]


@dataclass(frozen=True)
class Port:
    """An input or output of a model."""

    name: str
    shape: Tuple[int, ...]
    type: str
    scale: float
    zero_point: int
    notes: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Node:
    """An operator of a model."""

    name: str
    operator: str
    shape: Tuple[int, ...]
    #: "exact" where the integers are onnxruntime's, else "approximate".
    exactness: str


@dataclass(frozen=True)
class Summary:
    """What a model is."""

    model: str
    inputs: Tuple[Port, ...]
    outputs: Tuple[Port, ...]
    operators: Mapping[str, int]
    parameters: int
    macs: int
    nodes: Tuple[Node, ...]


@dataclass(frozen=True)
class Plan:
    """What proofs of a model will cost, before any key is made."""

    model_digest: str
    k: int
    rows: int
    advice_columns: int
    fixed_columns: int
    instances: int
    prove_seconds: float
    memory_bytes: int
    string_powers: int
    proof_bytes: int
    verify_gas: int
    verify_gas_least: int
    runtime_bytes: int


@dataclass(frozen=True)
class Inspection:
    """What a model is, and what proofs of it will cost."""

    summary: Summary
    plan: Plan


@dataclass(frozen=True)
class QuantizeReport:
    """How a quantized model compares with its float model, on example inputs."""

    inputs: int
    largest_difference_real: float
    largest_difference_steps: int
    mean_difference: float
    agreement: float
    values_beyond_range: int
    kept_weights: int = 0
    sums: Tuple[Tuple[str, str], ...] = ()
    float_accuracy: Optional[float] = None
    quantized_accuracy: Optional[float] = None


@dataclass(frozen=True, eq=False)
class Values:
    """The values of an output or input: integers, and the reals that they stand for."""

    quantized: npt.NDArray[np.int32]
    dequantized: npt.NDArray[np.float32]
    #: What the integers are the positions of, where they have labels.
    labels: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Inference:
    """What is told and claimed of the outputs of one inference."""

    outputs: Mapping[str, Values]
    #: What is claimed, by the claim's name, as the command prints it.
    claims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Of several in one proof, the hashes of hashed inputs, by the input.
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def output(self) -> Values:
        """The only output."""
        if len(self.outputs) != 1:
            raise ProofError(f"there are {len(self.outputs)} outputs", f"take one of {list(self.outputs)}")
        return next(iter(self.outputs.values()))


@dataclass(frozen=True)
class KeysSummary:
    """What keys are."""

    model: str
    #: What proofs show of each input: "public", "private", "committed" or "hashed".
    inputs: Mapping[str, str]
    format: str
    k: int
    instances: int
    batch: int
    vk_digest: str
    model_digest: str
    #: "ptau", "raw" or "unsafe-dev": under the last, anybody can forge proofs.
    srs: str
    srs_fingerprint: str
    srs_ceremony: Optional[str]


@dataclass(frozen=True)
class Rendered:
    """The files of a contract, by their places. The later ones are there where it was compiled."""

    name: str
    contract: str
    interface: str
    io: str
    schema: str
    schema_hash: str
    key: str
    key_hash: str
    standard_json: Optional[str] = None
    abi: Optional[str] = None
    bytecode: Optional[str] = None
    viem: Optional[str] = None
    runtime_bytes: Optional[int] = None
    init_bytes: Optional[int] = None


@dataclass(frozen=True)
class GasReport:
    """What a call of the contract costs under one fork, in gas."""

    contract: str
    fork: str
    total: int
    intrinsic: int
    floor: int
    execution: int
    refund: int
    runtime_bytes: int
    init_bytes: int
    deploy_gas: int
    calldata_bytes: int
    #: Whether the contract accepted the proof.
    accepted: bool
    #: What is over which limit of the fork.
    problems: Tuple[str, ...]
    phases: Mapping[str, int]
    spenders: Mapping[str, int]


@dataclass(frozen=True)
class Certificate:
    """What was counted while a key was compared with a model, constraint by constraint."""

    rows: int
    constraints: int
    constraints_digest: str
    fixed_columns_digest: str
    places: int
    contributions: int
    divisions: int
    intervals: int
    float_sums: int
    inequalities: int
    defined: int
    widest_bits: int
    inputs: int
    outputs: int
    functions: int
    #: Hashes of inputs.
    hashes: int = 0
    #: Weights and digits of biases that are committed, and may be any.
    weights: int = 0


@dataclass(frozen=True)
class Proof:
    """A proof with what it says. Two are equal where what a verifier looks at is."""

    vk_digest: str
    proof: bytes = field(repr=False)
    #: The public values, 32 bytes each.
    instances: Tuple[bytes, ...] = field(repr=False)
    format: str = "halo2"
    #: What each inference is bound to.
    contexts: Tuple[int, ...] = field(default=(), compare=False)
    inferences: Tuple[Inference, ...] = field(default=(), compare=False, repr=False)
    #: The names of committed inputs, by the input.
    names: Mapping[str, str] = field(default_factory=dict, compare=False)
    #: The hashes of hashed inputs, by the input; of several inferences each has its own.
    hashes: Mapping[str, str] = field(default_factory=dict, compare=False)
    #: The name of committed weights.
    weights: Optional[str] = field(default=None, compare=False)
    #: A call of the contract's `verifyProof`.
    calldata: bytes = field(default=b"", compare=False, repr=False)
    seconds: Optional[float] = field(default=None, compare=False)
    cpu_seconds: Optional[float] = field(default=None, compare=False, repr=False)
    peak_memory_bytes: Optional[int] = field(default=None, compare=False, repr=False)

    @property
    def context(self) -> int:
        """What the only inference is bound to."""
        if len(self.contexts) != 1:
            raise ProofError(f"the proof has {len(self.contexts)} contexts", "take one of `contexts`")
        return self.contexts[0]

    @property
    def outputs(self) -> Mapping[str, Values]:
        """What is told of the outputs of the only inference."""
        if len(self.inferences) != 1:
            raise ProofError(f"the proof has {len(self.inferences)} inferences", "take one of `inferences`")
        return self.inferences[0].outputs

    def to_json(self) -> str:
        """The proof file, as `zkverdict prove` writes it."""
        document: Dict[str, Any] = {}
        if self.format != "halo2":
            document["format"] = self.format
        document["vk_digest"] = self.vk_digest
        document["proof"] = _hex(self.proof)
        document["instances"] = [_hex(word) for word in self.instances]
        contexts = [f"0x{context:064x}" for context in self.contexts]
        if len(contexts) == 1:
            document["context"] = contexts[0]
        elif contexts:
            document["contexts"] = contexts
        if self.weights is not None:
            document["weights"] = self.weights
        if self.names:
            document["names"] = dict(self.names)
        if self.hashes:
            document["hashes"] = dict(self.hashes)
        if self.calldata:
            document["calldata"] = _hex(self.calldata)
        if self.inferences:
            document["inferences"] = [_inference_document(inference) for inference in self.inferences]
        for name in ("seconds", "cpu_seconds", "peak_memory_bytes"):
            if getattr(self, name) is not None:
                document[name] = getattr(self, name)
        return json.dumps(document, indent=2)

    @classmethod
    def from_json(cls, text: Union[str, bytes]) -> Proof:
        """Reads a proof file. Whether it is valid is for `Keys.verify` to say."""
        try:
            document = json.loads(text)
            contexts = document.get("contexts") or [document[name] for name in ("context",) if name in document]
            return cls(
                vk_digest=str(document["vk_digest"]),
                proof=_bytes(document["proof"]),
                instances=tuple(_bytes(word) for word in document["instances"]),
                format=document.get("format", "halo2"),
                contexts=tuple(int(context, 16) for context in contexts),
                inferences=tuple(inference_of(inference) for inference in document.get("inferences", ())),
                names=MappingProxyType(dict(document.get("names", {}))),
                hashes=MappingProxyType(dict(document.get("hashes", {}))),
                weights=document.get("weights"),
                calldata=_bytes(document.get("calldata", "0x")),
                seconds=document.get("seconds"),
                cpu_seconds=document.get("cpu_seconds"),
                peak_memory_bytes=document.get("peak_memory_bytes"),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            said = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
            raise ProofError(f"it is no proof file: {said}", "make the proof again with `Keys.prove`") from error

    def save(self, path: Path) -> None:
        """Writes the proof file, whole or not at all."""
        _zkverdict.write_file(os.fspath(path), self.to_json().encode())

    @classmethod
    def load(cls, path: Path) -> Proof:
        """Reads a proof file."""
        return cls.from_json(read(path))


def read(path: Path) -> bytes:
    """What a file holds."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise FileError(f"`{os.fspath(path)}`: {error.strerror}", "check the path") from error


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError(f"`{text[:20]}` does not begin with `0x`")
    return bytes.fromhex(text[2:])


def values_of(document: Mapping[str, Any]) -> Values:
    shape = document["shape"]
    quantized = np.array(document["quantized"], dtype=np.int32).reshape(shape)
    dequantized = np.array(document["dequantized"], dtype=np.float32).reshape(shape)
    quantized.flags.writeable = dequantized.flags.writeable = False
    return Values(quantized, dequantized, tuple(document.get("labels", ())))


def _values_document(values: Values) -> Dict[str, Any]:
    document: Dict[str, Any] = {
        "shape": list(values.quantized.shape),
        "quantized": values.quantized.ravel().tolist(),
        # The shortest decimals that are these float32, as the command writes them.
        "dequantized": [float(str(value)) for value in values.dequantized.ravel()],
    }
    if values.labels:
        document["labels"] = list(values.labels)
    return document


def inference_of(document: Mapping[str, Any]) -> Inference:
    outputs = {name: values_of(values) for name, values in document["outputs"].items()}
    claims, hashes = (MappingProxyType(dict(document.get(name, {}))) for name in ("claims", "hashes"))
    return Inference(MappingProxyType(outputs), claims, hashes)


def _inference_document(inference: Inference) -> Dict[str, Any]:
    document: Dict[str, Any] = {"outputs": {name: _values_document(values) for name, values in inference.outputs.items()}}
    if inference.claims:
        document["claims"] = dict(inference.claims)
    if inference.hashes:
        document["hashes"] = dict(inference.hashes)
    return document


def plain(kind: Type[T], document: Mapping[str, Any]) -> T:
    """A dataclass of those fields of a document that it has."""
    frozen = {name: _frozen(value) for name, value in document.items()}
    return kind(**{own.name: frozen[own.name] for own in fields(kind) if own.name in frozen})  # type: ignore[arg-type]


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return MappingProxyType(value)
    return value


def summary_of(text: str) -> Summary:
    document = json.loads(text)
    for name, kind in (("inputs", Port), ("outputs", Port), ("nodes", Node)):
        document[name] = [plain(kind, item) for item in document[name]]
    return plain(Summary, document)


def gas_report_of(document: Mapping[str, Any]) -> GasReport:
    call, limits = document["call"], document["limits"]
    return plain(GasReport, {**document, "accepted": call["accepted"], "problems": limits["problems"]})
