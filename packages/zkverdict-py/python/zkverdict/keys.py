"""Keys: proofs are made with them and checked against them, contracts are made of them."""

from __future__ import annotations

import json
import operator
import os
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Tuple, Union, overload

from . import _zkverdict
from .arrays import encoded
from .schemas import in_units, schema_bytes
from .feedback import followed, warn_of_values_beyond
from .errors import InputError, OptionError, ProofError
from .types import Callback, Certificate, GasReport, KeysSummary, Path, Proof, Rendered, gas_report_of, plain

if TYPE_CHECKING:
    from .model import Model

#: A field element: a number, 32 bytes, or `0x` and up to 64 hexadecimal digits.
Context = Union[int, bytes, str]


class Commitment:
    """A commitment to an input, or a hash of one. It holds the input, and is as secret: of that it shows nothing but its name."""

    def __init__(self, native: _zkverdict.Commitment) -> None:
        self._native = native

    def __repr__(self) -> str:
        kind = "hash of" if self.is_hash else "name of"
        return f"<zkverdict.Commitment {self.name}, {kind} the input {self.input}>"

    @property
    def name(self) -> str:
        """What proofs, attestations and contracts call it: the name of a committed input, the hash of a hashed one."""
        return self._native.name

    @property
    def is_hash(self) -> bool:
        """Whether that is a hash."""
        return self._native.is_hash

    @property
    def input(self) -> str:
        """The input that it is to."""
        return self._native.input

    def save(self, path: Path) -> None:
        """Writes a file that nobody else can read. Who has it can prove with the input, and knows it."""
        self._native.save(_new(path))

    @classmethod
    def load(cls, path: Path) -> Commitment:
        """Reads the file that `save` or `zkverdict commit` wrote."""
        return cls(_zkverdict.Commitment.load(os.fspath(path)))


class Weights:
    """A commitment to the weights of a training, under the key of its architecture. It holds them, and is as secret."""

    def __init__(self, native: _zkverdict.Weights) -> None:
        self._native = native

    def __repr__(self) -> str:
        return f"<zkverdict.Weights {self.name}>"

    @property
    def name(self) -> str:
        """What proofs, registries and contracts call it."""
        return self._native.name

    @property
    def vk_digest(self) -> str:
        """The key that it is under: it serves no other."""
        return self._native.vk_digest

    def save(self, path: Path) -> None:
        """Writes a file that nobody else can read. Who has it can prove with the weights, and knows them."""
        self._native.save(_new(path))

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Reads the file that `save` or `zkverdict commit --weights` wrote."""
        return cls(_zkverdict.Weights.load(os.fspath(path)))


def _new(path: Path) -> str:
    """A place where nothing is."""
    if os.path.lexists(path):
        raise OptionError(f"`{os.fspath(path)}` is there already", "take another place: what was committed with it could be proved no more")
    return os.fspath(path)


class Keys:
    """Keys of one model. `Model.keygen` makes them, `load_keys` reads them from a bundle."""

    def __init__(self, native: _zkverdict.Keys) -> None:
        self._native = native
        #: What they are.
        self.summary: KeysSummary = plain(KeysSummary, json.loads(native.summary()))

    def __repr__(self) -> str:
        own = self.summary
        return f"<zkverdict.Keys {own.model}: k = {own.k}, {own.vk_digest}>"

    @property
    def digest(self) -> str:
        """The verifying key's digest: whoever trusts it trusts all proofs under it."""
        return self.summary.vk_digest

    @property
    def is_unsafe(self) -> bool:
        """Whether anybody can forge proofs, as under the development string."""
        return self.summary.srs == "unsafe-dev"

    def save(self, path: Path) -> None:
        """Writes the bundle that the command's verbs take, in place of one that may be there."""
        self._native.save(os.fspath(path))

    def commit(self, x: Any, *, name: Optional[str] = None, schema: Union[Path, bytes, None] = None) -> Commitment:
        """Commits to an input that these keys have committed or hashed: to `name`, where there are several. With a `schema`, a file or its
        bytes, `x` is a dict of values by its fields, in its units: numbers, decimals or texts of them, None where one is missing."""
        all = self.commit_each(x, name=name, schema=schema)
        if len(all) != 1:
            raise OptionError(f"a hashed input of {len(all)} inferences has as many hashes", "make them with `commit_each`")
        return all[0]

    def commit_each(self, x: Any, *, name: Optional[str] = None, schema: Union[Path, bytes, None] = None) -> Tuple[Commitment, ...]:
        """The same of a batch: a hashed input has a hash for each inference, a committed one a single commitment. With a `schema`, `x` is
        a list of such dicts."""
        document = schema_bytes(schema)
        made = self._native.commit(encoded(x) if document is None else in_units(x), name, document)
        return tuple(Commitment(native) for native in made)

    def commit_weights(self, model: Model) -> Weights:
        """Commits to the weights of a training of these keys' architecture, whose scales are the same (`quantize(scales_of=…)`)."""
        return Weights(self._native.commit_weights(model._native))

    def prove(
        self,
        x: Any = None,
        *,
        context: Union[Context, Sequence[Context], None] = None,
        choose: Optional[Mapping[str, Any]] = None,
        commitments: Sequence[Commitment] = (),
        weights: Optional[Weights] = None,
        progress: Optional[Callback] = None,
    ) -> Proof:
        """Proves what the model answers on `x`, an array or a dict of arrays by the input's name.

        The proof is bound to `context`, 0 unless it is given; of a batch it is one for each inference. `choose` has what
        claims compare outputs with, by the output's name and in the model's units: a number, or several for a range or
        bounds. Inputs are taken from their `commitments` and left out of `x`: each committed one has one, and a hashed one, if
        any, one for each inference; a hashed one without gets another hash in each proof. Keys of an architecture prove with
        `weights`. Ctrl-C ends it, and so does whatever `progress` raises.
        """
        known = {commitment.input for commitment in commitments}
        given = [name for name, shown in self.summary.inputs.items() if shown != "committed" and name not in known]
        text, beyond = self._native.prove(
            None if x is None else encoded(x, names=given),
            self._contexts(context),
            [(name, _text(value)) for name, value in (choose or {}).items()],
            [commitment._native for commitment in commitments],
            None if weights is None else weights._native,
            followed(progress),
        )
        warn_of_values_beyond(beyond)
        return Proof.from_json(text)

    def verify(
        self, proof: Proof, *, context: Union[Context, Sequence[Context], None] = None, weights: Optional[str] = None
    ) -> bool:
        """`True` where the proof is valid, says what it comes with, and is bound to `context` where that is given.

        `weights` is the name that the proof's weights have to have, where these are committed: whoever proves chooses one.
        Anything else raises `ProofError`, which says what is wrong.
        """
        found, name = self._native.verify(proof.to_json().encode())
        if weights is not None and (name is None or "0x" + name.hex() != weights.lower()):
            said = "names no weights" if name is None else f"is about the weights `0x{name.hex()}`"
            raise ProofError(f"the proof is valid, and {said}, expected `{weights}`")
        if context is not None:
            expected = self._contexts(context)
            if found != expected:
                said, wanted = (", ".join("0x" + word.hex() for word in words) for words in (found, expected))
                raise ProofError(f"the proof is valid, and its context is `{said}`, expected `{wanted}`")
        return True

    def render(
        self,
        folder: Path,
        *,
        name: Optional[str] = None,
        compile: bool = False,
        solc: Optional[Path] = None,
        dev_chain_id: Optional[int] = None,
    ) -> Rendered:
        """Writes the verifier contract, its interface, the library that packs inputs and reads outputs, and the key as JSON.

        No compiler is needed. With `compile`, there are also the ABI, the bytecode, the standard JSON and a viem module.
        """
        path = None if solc is None else os.fspath(solc)
        document = json.loads(self._native.render(os.fspath(folder), name, compile or solc is not None, path, dev_chain_id))
        flat = {**document.pop("files"), **(document.pop("compiled") or {}), **document}
        return plain(Rendered, flat)

    @overload
    def gas(self, proof: Proof, *, fork: str = "osaka", solc: Optional[Path] = None) -> GasReport: ...

    @overload
    def gas(self, proof: Proof, *, fork: Union[List[str], Tuple[str, ...]], solc: Optional[Path] = None) -> List[GasReport]: ...

    def gas(
        self, proof: Proof, *, fork: Union[str, List[str], Tuple[str, ...]] = "osaka", solc: Optional[Path] = None
    ) -> Union[GasReport, List[GasReport]]:
        """Compiles the contract, runs it on the proof in process, and says what that costs.

        The compiler is `solc`, or what lies on the PATH or where Foundry and svm install theirs.
        """
        forks = [fork] if isinstance(fork, str) else list(fork)
        path = None if solc is None else os.fspath(solc)
        documents = json.loads(self._native.gas(proof.to_json().encode(), forks, path))
        reports = [gas_report_of(document) for document in documents]
        return reports[0] if isinstance(fork, str) else reports

    def certify(self, model: Model) -> Certificate:
        """Checks constraint by constraint that the key computes a model, whoever made it; raises `KeysError` if not."""
        return plain(Certificate, json.loads(self._native.certify(model._native)))

    def _contexts(self, context: Union[Context, Sequence[Context], None]) -> List[bytes]:
        if context is None:
            return [bytes(32)] * self.summary.batch
        contexts: List[Any] = list(context) if isinstance(context, (list, tuple)) else [context]
        return [_word(one) for one in contexts]


def _word(context: Context) -> bytes:
    """A context's 32 bytes."""
    hint = "give a number from 0 on, 32 bytes, or `0x` and up to 64 hexadecimal digits"
    try:
        if isinstance(context, bytes) and len(context) == 32:
            return context
        if isinstance(context, str) and context.startswith("0x"):
            return int(context, 16).to_bytes(32, "big")
        return operator.index(context).to_bytes(32, "big")  # type: ignore[arg-type]
    except (ValueError, OverflowError, TypeError):
        raise InputError(f"the context `{context!r}` is no field element", hint) from None


def _text(value: Any) -> str:
    """What is chosen for a claim, as the command takes it."""
    if isinstance(value, str):
        return value
    if hasattr(value, "__iter__"):
        return ",".join(_text(item) for item in value)
    return str(value)


def load_keys(path: Path, *, trust: bool = False, progress: Optional[Callback] = None) -> Keys:
    """Opens a bundle that `Keys.save` or `zkverdict keygen` wrote.

    Its key is derived again from its model and compared: whoever gives a bundle away can put any key beside any model. With
    `trust` it is not.
    """
    return Keys(_zkverdict.Keys.load(os.fspath(path), trust, followed(progress)))


def load_proof(path: Path) -> Proof:
    """Reads a proof file."""
    return Proof.load(path)
