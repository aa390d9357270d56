"""Checkpoints, portable proofs and anchors: the public formats, and one history only."""

from __future__ import annotations

import shutil
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from strongroom.errors import LedgerCorrupt
from strongroom.ledger.checkpoint import Head, LogKey, last_signed, read_checkpoint, remember_signed
from strongroom.ledger.file_ledger import FileLedger
from strongroom.ledger.merkle import EMPTY_ROOT
from strongroom.ledger.proof import read_proof

Open = Callable[[Path], FileLedger]
SEARCH = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def ledger(tmp_path: Path, open_ledger: Open, story: Callable[[FileLedger], None]) -> FileLedger:
    ledger = open_ledger(tmp_path / "ledger")
    story(ledger)
    return ledger


def test_a_checkpoint_is_the_signed_note_that_c2sp_describes(ledger: FileLedger) -> None:
    """Checked with nothing of ours: three lines, an empty one, an em dash, name, key id and an Ed25519 signature."""
    lines = ledger.checkpoint().note.split("\n")
    origin, size, root, empty, signature, end = lines
    assert (origin, size, b64decode(root), empty, end) == (ledger.origin, str(ledger.size), ledger.root(), "", "")
    dash, name, encoded = signature.split(" ")
    assert (dash, name) == ("—", origin)
    vkey_name, key_id, public = ledger.verifier.split("+", 2)
    assert sha256(f"{vkey_name}\n".encode() + b64decode(public)).hexdigest()[:8] == key_id
    assert b64decode(encoded)[:4].hex() == key_id
    text = f"{origin}\n{size}\n{root}\n".encode()
    Ed25519PublicKey.from_public_bytes(b64decode(public)[1:]).verify(b64decode(encoded)[4:], text)


def test_a_known_verifier_key_is_accepted_and_its_id_recomputed() -> None:
    """The key of the Go checksum database: its id is the hash of its name and bytes."""
    sum_db = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    with pytest.raises(ValueError, match="not signed by this log's key"):
        read_checkpoint("sum.golang.org\n1\nAAAA\n\n", sum_db)
    with pytest.raises(ValueError, match="not an Ed25519 vkey"):
        read_checkpoint("sum.golang.org\n1\nAAAA\n\n", sum_db.replace("033de0ae", "033de0af"))


def test_witnesses_may_sign_beside_the_log(ledger: FileLedger) -> None:
    checkpoint = ledger.checkpoint()
    text, _, own = checkpoint.note.partition("\n\n")
    witness = "— witness.example/w AAAAAAAA\n"
    for note in (f"{text}\n\n{witness}{own}", f"{text}\n\n{own}{witness}"):
        assert read_checkpoint(note, ledger.verifier).head == checkpoint.head
    with pytest.raises(ValueError, match="not signed by this log's key"):
        read_checkpoint(f"{text}\n\n{witness}", ledger.verifier)


@SEARCH
@given(data=st.data())
def test_no_changed_byte_of_a_checkpoint_is_accepted(ledger: FileLedger, data: st.DataObject) -> None:
    note = bytearray(ledger.checkpoint().note.encode())
    note[data.draw(st.integers(0, len(note) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError, match=r"."):
        read_checkpoint(note.decode(), ledger.verifier)


def test_the_same_head_is_signed_once_and_a_longer_one_anew(ledger: FileLedger) -> None:
    first = ledger.checkpoint()
    assert ledger.checkpoint() == first
    ledger.append("config.change", {})
    second = ledger.checkpoint()
    assert second.head.size == first.head.size + 1
    assert (second.head.root, second.note) != (first.head.root, first.note)


def test_what_is_signed_is_on_disk_before(ledger: FileLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash while signing leaves the head remembered: no other history of that size can be signed afterwards."""
    size, root = ledger.size, ledger.root()

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LogKey, "sign", power_cut)
    with pytest.raises(KeyboardInterrupt):
        ledger.checkpoint()
    assert last_signed(tmp_path / "ledger" / "signed") == Head(size, root)
    assert not (tmp_path / "ledger" / "checkpoint").exists()
    monkeypatch.undo()
    assert ledger.checkpoint().head == Head(size, root)


@pytest.mark.parametrize("head", [Head(10_000, bytes(32)), Head(3, bytes(32))], ids=["larger", "another"])
def test_nothing_smaller_and_no_other_history_is_signed(ledger: FileLedger, tmp_path: Path, head: Head) -> None:
    remember_signed(tmp_path / "ledger" / "signed", head)
    with pytest.raises(LedgerCorrupt, match="another history was signed"):
        ledger.checkpoint()
    (tmp_path / "ledger" / "signed").write_text("noise")
    with pytest.raises(LedgerCorrupt, match="the record of what was signed is damaged"):
        ledger.checkpoint()


def test_a_portable_proof_verifies_from_its_text_alone(ledger: FileLedger) -> None:
    for entry in ledger.entries():
        text = ledger.prove(entry.index).encode()
        proof = read_proof(text)
        assert proof.encode() == text
        assert proof.verify(entry.raw, ledger.verifier).head == Head(ledger.size, ledger.root())
        assert read_proof(text.replace("\nindex", "\nextra AAAA\nindex", 1)) == proof


def test_a_portable_proof_proves_nothing_else(ledger: FileLedger, tmp_path: Path, open_ledger: Open) -> None:
    proof = ledger.prove(3)
    with pytest.raises(ValueError, match="not in the checkpoint's tree"):
        proof.verify(ledger.entry(4).raw, ledger.verifier)
    stranger = open_ledger(tmp_path / "stranger")
    with pytest.raises(ValueError, match="not a checkpoint of this log"):
        proof.verify(ledger.entry(3).raw, stranger.verifier)
    for text in ("", "c2sp.org/tlog-proof@v1\n\n", proof.encode().replace("v1", "v2"), proof.encode()[:60]):
        with pytest.raises(ValueError, match="not a tlog-proof"):
            read_proof(text)


def test_pymerkle_recomputes_the_signed_root(ledger: FileLedger) -> None:
    other = InmemoryTree(algorithm="sha256")
    for entry in ledger.entries():
        other.append_entry(entry.raw)
    assert other.get_root() == ledger.checkpoint().head.root


def test_an_anchor_follows_from_every_anchored_head_and_from_no_other(ledger: FileLedger) -> None:
    for anchored in range(ledger.size + 1):
        anchor = ledger.anchor(anchored)
        assert (anchor.size, anchor.root) == (ledger.size, ledger.root())
        assert anchor.follows(ledger.root(anchored) if anchored else EMPTY_ROOT)
        assert anchored == 0 or not anchor.follows(bytes(32))
    with pytest.raises(LedgerCorrupt, match="`10000` entries are anchored"):
        ledger.anchor(10_000)


def test_a_rewritten_log_cannot_be_anchored(ledger: FileLedger, tmp_path: Path, open_ledger: Open) -> None:
    anchored = ledger.size
    rewritten = open_ledger(tmp_path / "rewritten")
    for _ in range(anchored + 5):
        rewritten.append("config.change", {})
    assert not rewritten.anchor(anchored).follows(ledger.root())


def test_a_run_that_ends_well_is_signed_to_its_last_entry(closed: Path, open_ledger: Open) -> None:
    copy = closed.with_name("copy")
    shutil.copytree(closed, copy)
    ledger = open_ledger(copy)
    assert last_signed(copy / "signed") == Head(ledger.size - 1, ledger.root(ledger.size - 1))
    assert ledger.entry(ledger.size - 2).type == "run.close"
