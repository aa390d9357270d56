"""The promises of the `Queue` port, kept by the service and by the one in memory."""

from __future__ import annotations

import pytest

from strongroom.errors import ServiceRefused
from strongroom.model import Account, SafeTx
from strongroom.protocols.safe import safe_tx_hash
from strongroom.world.people import AGENT, ALICE, GUARDIANS, STRANGER

from .conftest import Bench, sign

INES, JONAS, KEMI = GUARDIANS


def test_an_empty_queue_holds_nothing(bench: Bench) -> None:
    assert bench.queue.pending(0) == ()
    assert bench.queue.find(safe_tx_hash(bench.tx())) is None


def test_a_proposal_waits_in_its_delegators_name_without_approvals(bench: Bench) -> None:
    digest = bench.propose(bench.tx())
    (queued,) = bench.queue.pending(0)
    assert (queued.tx, queued.safe_tx_hash) == (bench.tx(), digest)
    assert (queued.proposer, queued.approvals, queued.origin) == (INES.address, (), "agent")
    assert bench.queue.find(digest) == queued


def test_proposing_again_is_no_error_and_changes_nothing(bench: Bench) -> None:
    bench.propose(bench.tx())
    before = bench.queue.pending(0)
    bench.propose(bench.tx(), origin="another")
    assert bench.queue.pending(0) == before


def test_an_owners_proposal_is_also_its_approval(bench: Bench) -> None:
    digest = bench.propose(bench.tx(), KEMI)
    (queued,) = bench.queue.pending(0)
    assert queued.proposer == KEMI.address
    assert [(a.guardian, a.signature) for a in queued.approvals] == [(KEMI.address, sign(KEMI, digest))]


def test_approvals_gather_once_for_each_owner(bench: Bench) -> None:
    digest = bench.propose(bench.tx())
    for guardian in (KEMI, INES, KEMI):
        bench.confirm(digest, guardian)
    found = bench.queue.find(digest)
    assert found and [approval.guardian for approval in found.approvals] == [KEMI.address, INES.address]


def test_pending_is_by_nonce_and_then_by_arrival(bench: Bench) -> None:
    arrivals = [bench.tx(2), bench.tx(0), bench.tx(1, 7), bench.tx(1, 8)]
    for tx in arrivals:
        bench.propose(tx)
    assert [queued.tx for queued in bench.queue.pending(0)] == [arrivals[i] for i in (1, 2, 3, 0)]
    assert [queued.tx.nonce for queued in bench.queue.pending(2)] == [2]
    assert bench.queue.pending(3) == ()


def test_what_is_executed_waits_no_more_and_can_still_be_found(bench: Bench) -> None:
    digest = bench.propose(bench.tx(0))
    bench.propose(bench.tx(1))
    for guardian in (INES, JONAS):
        bench.confirm(digest, guardian)
    bench.execute(bench.tx(0))
    assert [queued.tx.nonce for queued in bench.queue.pending(0)] == [1]
    found = bench.queue.find(digest)
    assert found and found.tx == bench.tx(0)
    with pytest.raises(ServiceRefused):
        bench.confirm(digest, KEMI)


def test_the_execution_of_a_transaction_is_told_once_there_is_one(bench: Bench) -> None:
    digest = bench.propose(bench.tx())
    other = bench.propose(bench.tx(0, value_wei=2))
    assert bench.queue.executed(digest) is None
    bench.execute(bench.tx())
    told = bench.queue.executed(digest)
    assert told is not None and len(told) == 66 and told != digest
    assert bench.queue.executed(other) is None
    assert bench.queue.executed(safe_tx_hash(bench.tx(9))) is None


def test_a_used_nonce_is_refused(bench: Bench) -> None:
    bench.propose(bench.tx(0))
    bench.execute(bench.tx(0))
    with pytest.raises(ServiceRefused):
        bench.propose(bench.tx(0, value_wei=2))


def test_a_superseded_transaction_is_not_pending_from_the_safes_nonce_on(bench: Bench) -> None:
    bench.propose(bench.tx(0, 1))
    bench.propose(bench.tx(0, 2))
    bench.execute(bench.tx(0, 2))
    assert bench.queue.pending(1) == ()


def test_a_stranger_neither_proposes_nor_confirms(bench: Bench) -> None:
    with pytest.raises(ServiceRefused):
        bench.propose(bench.tx(), STRANGER)
    digest = bench.propose(bench.tx())
    for outsider in (STRANGER, AGENT):
        with pytest.raises(ServiceRefused):
            bench.confirm(digest, outsider)
    assert bench.queue.pending(0)[0].approvals == ()


def test_a_hash_of_other_fields_is_refused(bench: Bench) -> None:
    digest = safe_tx_hash(bench.tx())
    with pytest.raises(ServiceRefused, match="do not sign"):
        bench.queue.propose(bench.tx(1), digest, sign(AGENT, digest), "agent")


def test_another_accounts_transaction_is_refused(bench: Bench) -> None:
    foreign = SafeTx(Account(bench.account.chain_id, ALICE.address), ALICE.address, 1, b"", bench.tx().operation, 0)
    with pytest.raises(ServiceRefused):
        bench.propose(foreign)


@pytest.mark.parametrize("signature", [b"", b"\x11" * 64, b"\xff" * 65])
def test_a_signature_that_is_none_is_refused(bench: Bench, signature: bytes) -> None:
    with pytest.raises(ServiceRefused):
        bench.queue.propose(bench.tx(), safe_tx_hash(bench.tx()), signature, "agent")


def test_confirming_the_unknown_is_refused(bench: Bench) -> None:
    with pytest.raises(ServiceRefused):
        bench.confirm(safe_tx_hash(bench.tx()), INES)
