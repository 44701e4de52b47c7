"""Keys: proofs are made with them and checked against them, contracts are made of them."""

from __future__ import annotations

import json
import operator
import os
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Tuple, Union, overload

from . import _zkverdict
from .arrays import encoded
from .feedback import followed, warn_of_values_beyond
from .errors import InputError, OptionError, ProofError
from .types import Callback, Certificate, GasReport, KeysSummary, Path, Proof, Rendered, gas_report_of, plain

if TYPE_CHECKING:
    from .model import Model

#: A field element: a number, 32 bytes, or `0x` and up to 64 hexadecimal digits.
Context = Union[int, bytes, str]


class Commitment:
    """A commitment to an input. It holds the input, and is as secret: of that it shows nothing but its name."""

    def __init__(self, native: _zkverdict.Commitment) -> None:
        self._native = native

    def __repr__(self) -> str:
        return f"<zkverdict.Commitment {self.name} to the input {self.input}>"

    @property
    def name(self) -> str:
        """What proofs, attestations and contracts call it."""
        return self._native.name

    @property
    def input(self) -> str:
        """The input that it is to."""
        return self._native.input

    def save(self, path: Path) -> None:
        """Writes a file that nobody else can read. Who has it can prove with the input, and knows it."""
        if os.path.lexists(path):
            raise OptionError(f"`{os.fspath(path)}` is there already", "take another place: what was committed with it could be proved no more")
        self._native.save(os.fspath(path))

    @classmethod
    def load(cls, path: Path) -> Commitment:
        """Reads the file that `save` or `zkverdict commit` wrote."""
        return cls(_zkverdict.Commitment.load(os.fspath(path)))


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

    def commit(self, x: Any, *, name: Optional[str] = None) -> Commitment:
        """Commits to an input that these keys have committed: to `name`, where there are several."""
        return Commitment(self._native.commit(encoded(x), name))

    def prove(
        self,
        x: Any = None,
        *,
        context: Union[Context, Sequence[Context], None] = None,
        choose: Optional[Mapping[str, Any]] = None,
        commitments: Sequence[Commitment] = (),
        progress: Optional[Callback] = None,
    ) -> Proof:
        """Proves what the model answers on `x`, an array or a dict of arrays by the input's name.

        The proof is bound to `context`, 0 unless it is given; of a batch it is one for each inference. `choose` has what
        claims compare outputs with, by the output's name and in the model's units: a number, or several for a range or
        bounds. Committed inputs are taken from their `commitments` and left out of `x`. Ctrl-C ends it, and so does whatever
        `progress` raises.
        """
        text, beyond = self._native.prove(
            None if x is None else encoded(x, names=[name for name, shown in self.summary.inputs.items() if shown != "committed"]),
            self._contexts(context),
            [(name, _text(value)) for name, value in (choose or {}).items()],
            [commitment._native for commitment in commitments],
            followed(progress),
        )
        warn_of_values_beyond(beyond)
        return Proof.from_json(text)

    def verify(self, proof: Proof, *, context: Union[Context, Sequence[Context], None] = None) -> bool:
        """`True` where the proof is valid, says what it comes with, and is bound to `context` where that is given.

        Anything else raises `ProofError`, which says what is wrong.
        """
        found = self._native.verify(proof.to_json().encode())
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
