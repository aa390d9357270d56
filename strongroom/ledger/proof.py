"""Portable inclusion proofs: C2SP `tlog-proof`, a text that proves an entry offline to whoever knows the log's key."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass

from strongroom.ledger.checkpoint import Checkpoint, read_checkpoint
from strongroom.ledger.merkle import includes, leaf_hash

_FIRST = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """Entry `index` with its path to the root of the checkpoint in `note`."""

    index: int
    path: tuple[bytes, ...]
    note: str

    def encode(self) -> str:
        """The text to hand out."""
        lines = [_FIRST, f"index {self.index}", *(b64encode(node).decode() for node in self.path), "", self.note]
        return "\n".join(lines)

    def verify(self, raw: bytes, verifier: str) -> Checkpoint:
        """The checkpoint under which the entry with bytes `raw` is number `index`; raises `ValueError` otherwise."""
        checkpoint = read_checkpoint(self.note, verifier)
        head = checkpoint.head
        if not includes(head.root, head.size, self.index, leaf_hash(raw), self.path):
            raise ValueError("the entry is not in the checkpoint's tree at this index")
        return checkpoint


def read_proof(text: str) -> Proof:
    """The proof of a `tlog-proof` text, `extra` passed over; raises `ValueError`."""
    proof, separator, note = text.partition("\n\n")
    lines = proof.split("\n")
    if lines[1:2] and lines[1].startswith("extra "):
        del lines[1]
    if not separator or lines[0] != _FIRST or not lines[1:2] or not lines[1].startswith("index "):
        raise ValueError("it is not a tlog-proof")
    index = int(lines[1].removeprefix("index "))
    return Proof(index, tuple(b64decode(line, validate=True) for line in lines[2:]), note)
