"""The Merkle tree of a policy's Kernel rules: Keccak-256, pairs hashed in ascending order (ADR 0002)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from strongroom.addresses import from_digest, keccak, to_digest
from strongroom.model import Digest

NO_RULES = Digest("0x" + "00" * 32)


def root(leaves: Iterable[Digest]) -> Digest:
    """The root over the leaves in ascending order; zero, which the Kernel refuses everything under, without any."""
    level = sorted(set(leaves))
    if not level:
        return NO_RULES
    while len(level) > 1:
        level = _above(level)
    return level[0]


def proof(leaves: Iterable[Digest], leaf: Digest) -> tuple[Digest, ...]:
    """Siblings from `leaf` upwards; empty in a tree of one. Raises `ValueError` when the leaf is not in the tree."""
    level, node, siblings = sorted(set(leaves)), leaf, []
    if leaf not in level:
        raise ValueError(f"`{leaf}` is no leaf of this tree")
    while len(level) > 1:
        at = level.index(node)
        if at ^ 1 < len(level):
            siblings.append(level[at ^ 1])
        level = _above(level)
        node = level[at // 2]
    return tuple(siblings)


def _above(level: Sequence[Digest]) -> list[Digest]:
    """The next level; a last node without a partner moves up as it is."""
    pairs = [node_of(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
    return pairs + list(level[len(level) - len(level) % 2 :])


def node_of(one: Digest, other: Digest) -> Digest:
    low, high = sorted((from_digest(one), from_digest(other)))
    return to_digest(keccak(low + high))
