"""The RFC 6962 / RFC 9162 SHA-256 Merkle tree: hashes, a tree that grows and keeps every complete subtree, proofs.

MTH({}) = SHA-256(), MTH({d}) = SHA-256(0x00 || d), MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])) with k the
largest power of two below n. Proofs are tuples of 32-byte hashes, leaf side first.
"""

from __future__ import annotations

from hashlib import sha256

EMPTY_ROOT = sha256().digest()
HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    """RFC 9162 section 2.1.1: the hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 9162 section 2.1.1: the hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """`_levels[h]` holds the hashes of the complete subtrees of 2**h leaves, end to end: 64 bytes of memory a leaf."""

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]

    @property
    def size(self) -> int:
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> int:
        """Add one leaf hash; its index. Amortised one node hash."""
        index = self.size
        self._levels[0] += leaf
        self._carry(index)
        return index

    def _carry(self, index: int) -> None:
        height = 0
        while index & 1:
            pair = self._levels[height][-2 * HASH_BYTES :]
            index, height = index >> 1, height + 1
            if height == len(self._levels):
                self._levels.append(bytearray())
            self._levels[height] += sha256(b"\x01" + pair).digest()

    def leaf(self, index: int) -> bytes:
        """The hash of leaf `index`; raises `IndexError` beyond the tree."""
        if not 0 <= index < self.size:
            raise IndexError(f"leaf `{index}` is not in a tree of `{self.size}`")
        return self._node(0, index)

    def _node(self, height: int, position: int) -> bytes:
        return bytes(self._levels[height][position * HASH_BYTES : (position + 1) * HASH_BYTES])

    def root(self, size: int | None = None) -> bytes:
        """MTH of the first `size` leaves; of all without it."""
        size = self._within(size)
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """RFC 9162 section 2.1.3.1, PATH(index, D[size]); raises `IndexError` where there is no such leaf."""
        size = self._within(size)
        if not 0 <= index < size:
            raise IndexError(f"leaf `{index}` is not in a tree of `{size}`")
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            left = index < middle
            path.append(self._range(middle, end) if left else self._range(start, middle))
            start, end = (start, middle) if left else (middle, end)
        return tuple(reversed(path))

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """RFC 9162 section 2.1.4.1, PROOF(old, D[size]); empty for `old` of 0 or `size`; `IndexError` beyond `size`."""
        size = self._within(size)
        if not 0 <= old <= size:
            raise IndexError(f"size `{old}` is not within a tree of `{size}`")
        if old in (0, size):
            return ()
        path: list[bytes] = []
        start, end = 0, size
        while old != end:
            middle = start + _split(end - start)
            left = old <= middle
            path.append(self._range(middle, end) if left else self._range(start, middle))
            start, end = (start, middle) if left else (middle, end)
        # The verifier knows the old root itself, so it is sent only where it is not a whole left part.
        if start:
            path.append(self._range(start, end))
        return tuple(reversed(path))

    def _within(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise IndexError(f"size `{size}` is not within a tree of `{self.size}`")
        return size

    def _range(self, start: int, end: int) -> bytes:
        """MTH of leaves [start, end), `start` a multiple of the largest power of two not above the width."""
        width = end - start
        split = _split(width) if width > 1 else 1
        if width & (width - 1) == 0:
            height = width.bit_length() - 1
            return self._node(height, start >> height)
        return node_hash(self._range(start, start + split), self._range(start + split, end))


def _split(width: int) -> int:
    return 1 << ((width - 1).bit_length() - 1)


def rooted(leaf: bytes, index: int, size: int, path: tuple[bytes, ...]) -> bytes | None:
    """RFC 9162 section 2.1.3.2: the root that `path` leads to from `leaf`, or `None` where its shape is impossible."""
    if not 0 <= index < size or any(len(node) != HASH_BYTES for node in path):
        return None
    position, last, root = index, size - 1, leaf
    for node in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            root = node_hash(node, root)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, node)
        position, last = position >> 1, last >> 1
    return root if last == 0 else None


def includes(root: bytes, size: int, index: int, leaf: bytes, path: tuple[bytes, ...]) -> bool:
    """Whether `path` proves that the leaf hash `leaf` is number `index` of the tree (`size`, `root`)."""
    return rooted(leaf, index, size, path) == root


def extends(old_root: bytes, old: int, root: bytes, size: int, path: tuple[bytes, ...]) -> bool:
    """RFC 9162 section 2.1.4.2: whether `path` proves that tree (`size`, `root`) begins with (`old`, `old_root`)."""
    if not 0 <= old <= size or any(len(node) != HASH_BYTES for node in path):
        return False
    if old in (0, size):
        return not path and old_root == (root if old else EMPTY_ROOT)
    return _both_roots(old_root, old, size, path) == (old_root, root)


def _both_roots(old_root: bytes, old: int, size: int, path: tuple[bytes, ...]) -> tuple[bytes, bytes] | None:
    nodes = (old_root, *path) if old & (old - 1) == 0 else path
    if not nodes:
        return None
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, node)
        position, last = position >> 1, last >> 1
    return (first, second) if last == 0 else None
