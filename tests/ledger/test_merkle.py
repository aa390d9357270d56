"""The tree against RFC 6962's vectors, the recursive definition, and `pymerkle`, a program that is not ours."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from pymerkle.proof import verify_consistency, verify_inclusion

from strongroom.ledger.merkle import EMPTY_ROOT, Tree, extends, includes, leaf_hash, rooted

RFC_6962_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
RFC_6962_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(1, 200)


def entry(n: int) -> bytes:
    return b"entry %d" % n


def tree_of(size: int) -> Tree:
    tree = Tree()
    for n in range(size):
        assert tree.append(leaf_hash(entry(n))) == n
    return tree


def theirs(size: int) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for n in range(size):
        tree.append_entry(entry(n))
    return tree


def defined(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def test_the_roots_of_rfc_6962s_test_leaves_hold() -> None:
    tree = Tree()
    assert (
        tree.root() == EMPTY_ROOT == bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    )
    for leaf, root in zip(RFC_6962_LEAVES, RFC_6962_ROOTS, strict=True):
        tree.append(leaf_hash(bytes.fromhex(leaf)))
        assert tree.root().hex() == root


@given(SIZES, st.data())
def test_every_earlier_root_is_still_known(size: int, data: st.DataObject) -> None:
    earlier = data.draw(st.integers(0, size))
    assert tree_of(size).root(earlier) == defined([entry(n) for n in range(earlier)])


@given(SIZES, st.data())
def test_inclusion_proofs_are_pymerkles_and_verify(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    part = data.draw(st.integers(index + 1, size))
    tree, other = tree_of(size), theirs(size)
    path = tree.inclusion(index, part)
    proof = other.prove_inclusion(index + 1, part)
    assert tuple(proof.path[1:]) == path
    assert tree.root(part) == other.get_root(part)
    assert includes(tree.root(part), part, index, tree.leaf(index), path)
    proof.path = [tree.leaf(index), *path]
    verify_inclusion(leaf_hash(entry(index)), tree.root(part), proof, index=index + 1, size=part)


@given(SIZES, st.data())
def test_consistency_proofs_verify_and_pymerkles_roots_agree(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, size))
    tree, other = tree_of(size), theirs(size)
    path = tree.consistency(old)
    assert extends(tree.root(old), old, tree.root(), size, path)
    if old:
        verify_consistency(tree.root(old), tree.root(), other.prove_consistency(old, size))


@given(SIZES, st.data())
def test_no_other_leaf_index_size_or_path_verifies(size: int, data: st.DataObject) -> None:
    tree = tree_of(size)
    index = data.draw(st.integers(0, size - 1))
    path, leaf, root = tree.inclusion(index), tree.leaf(index), tree.root()
    for other in {0, index - 1, index + 1, size - 1, size} - {index}:
        assert not includes(root, size, other, leaf, path)
    assert not includes(root, size, index, leaf_hash(b"another"), path)
    assert not includes(root, size, index, leaf, (*path, bytes(32)))
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not includes(root, size, index, leaf, path[:at] + path[at + 1 :])
        assert not includes(root, size, index, leaf, (*path[:at], path[at][:-1], *path[at + 1 :]))
        assert not includes(root, size, index, leaf, (*path[:at], sha256(path[at]).digest(), *path[at + 1 :]))


@given(SIZES, st.data())
def test_a_rewritten_beginning_extends_nothing(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    tree, rewritten = tree_of(size), Tree()
    for n in range(size):
        rewritten.append(leaf_hash(b"other" if n == changed else entry(n)))
    assert not extends(tree.root(old), old, rewritten.root(), size, rewritten.consistency(old))
    assert not extends(tree.root(old), old, rewritten.root(), size, tree.consistency(old))


@given(SIZES, st.data())
def test_a_damaged_consistency_proof_verifies_nothing(size: int, data: st.DataObject) -> None:
    tree = tree_of(size)
    old = data.draw(st.integers(0, size))
    path = tree.consistency(old)
    assert not extends(tree.root(old), old, tree.root(), size, (*path, bytes(32)))
    assert not extends(sha256(tree.root(old)).digest(), old, tree.root(), size, path)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not extends(tree.root(old), old, tree.root(), size, path[:at] + path[at + 1 :])
        assert not extends(tree.root(old), old, tree.root(), size, (*path[:at], bytes(32), *path[at + 1 :]))
    assert not extends(tree.root(), size, tree.root(old), old, path) or old == size


def test_what_is_not_in_the_tree_is_refused() -> None:
    tree = tree_of(3)
    for ask in (lambda: tree.leaf(3), lambda: tree.leaf(-1), lambda: tree.root(4), lambda: tree.inclusion(3)):
        with pytest.raises(IndexError, match="is not"):
            ask()
    with pytest.raises(IndexError, match="is not within"):
        tree.consistency(4)
    assert rooted(tree.leaf(0), 0, 0, ()) is None
