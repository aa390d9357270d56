"""What goes on chain: the newest size and root, and the proof that the anchored log is a beginning of this one.

Values only; the call's encoding and the registry are elsewhere. What sends it is never the agent's spending key.
"""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.ledger.merkle import EMPTY_ROOT, extends


@dataclass(frozen=True, slots=True)
class Anchor:
    """`proof` is RFC 9162 PROOF(`anchored`, D[`size`]) as 32-byte words; empty when nothing or the same is anchored."""

    anchored: int
    size: int
    root: bytes
    proof: tuple[bytes, ...]

    def follows(self, root: bytes) -> bool:
        """Whether the proof holds from the registry's `root` at size `anchored`; the registry decides the same way."""
        return extends(root if self.anchored else EMPTY_ROOT, self.anchored, self.root, self.size, self.proof)
