"""What waits in the guardians' queue takes room from every cap it will count in, however people put it together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policies.metering import in_flight, total
from policies.scenario import Judged, dress
from policies.terms import PolicyDocument
from strongroom.model import NATIVE, Address, Call, Operation, Queued, SafeTx, TokenId, Verdict
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.safe import safe_tx_hash
from strongroom.protocols.weth import encode_deposit

ASK = Verdict.ASK
_PAYEES = ("alice", "bob", "chidi", "grants_safe")
_SENT = st.lists(
    st.tuples(st.sampled_from(_PAYEES), st.sampled_from(["USDC", "ETH"]), st.integers(1, 10**15)), max_size=6
)


def waiting(judged: Judged, document: PolicyDocument, *groups: list[tuple[str, str, int]]) -> Judged:
    """Each group of (payee, token, units) queued by people as one transaction: plain, or a batch."""
    nonce = judged.action.nonce if isinstance(judged.action, SafeTx) else 0
    queued = [
        _queued(dress(tuple(_call(document, *each) for each in group), document, nonce + 1 + number))
        for number, group in enumerate(groups)
        if group
    ]
    return replace(judged, facts=replace(judged.facts, queue=tuple(queued)))


def _queued(tx: SafeTx) -> Queued:
    return Queued(tx, safe_tx_hash(tx), Address(NATIVE), (), "")


def _call(document: PolicyDocument, payee: str, token: str, units: int) -> Call:
    to, address = document.payees[payee].address, document.tokens[TokenId(token)].token.address
    if address == NATIVE:
        return Call(document.account, to, units, b"")
    return Call(document.account, address, 0, encode_transfer(to, units))


def _room_taken(desk: Any, judged: Judged) -> dict[tuple[str, str], int]:
    case = desk.open(judged)
    return {(cap.bucket_class, cap.token): total(in_flight(case), cap) for cap in desk.document.all_caps()}


def _sums(document: PolicyDocument, sent: list[tuple[str, str, int]]) -> Iterator[tuple[tuple[str, str], int]]:
    for cap in document.all_caps():
        inside = [
            n
            for payee, token, n in sent
            if (document.payees[payee].bucket_class, token) == (cap.bucket_class, cap.token)
        ]
        yield (cap.bucket_class, cap.token), sum(inside)


@given(_SENT, st.data())
def test_single_transfers_and_batches_take_the_same_room_as_their_sums(
    desk: Any, document: PolicyDocument, sent: list[tuple[str, str, int]], data: Any
) -> None:
    """ERC-20 and the chain's coin alike; no split over transactions hides a unit."""
    cut = data.draw(st.integers(0, len(sent)))
    judged = desk.stage("pay 1 USDC to alice")
    expected = dict(_sums(document, sent))
    for groups in ([[each] for each in sent], [sent], [sent[:cut], sent[cut:]]):
        assert _room_taken(desk, waiting(judged, document, *groups)) == expected


def test_a_queued_batch_with_the_coin_in_it_still_counts_its_tokens(desk: Any, document: PolicyDocument) -> None:
    """To the last unit: 45,000 USDC may leave the team's class at one moment."""
    judged = desk.stage("pay 10_000 USDC to alice")
    most = desk.units("35_000 USDC")
    full = [("bob", "USDC", most), ("grants_safe", "ETH", 10**15)]
    assert desk.says(waiting(judged, document, full)) == {}
    assert desk.says(waiting(judged, document, [*full, ("chidi", "USDC", 1)])) == {"caps": ASK}


def test_a_queued_payment_of_the_coin_takes_room_from_its_own_cap(desk: Any, document: PolicyDocument) -> None:
    (cap,) = [each for each in document.all_caps() if document.is_native(each.token)]
    judged = desk.stage("pay 0.1 ETH to grants_safe")
    room = cap.at_once_units - desk.units("0.1 ETH")
    measured = {f.measured for f in _moments(desk, waiting(judged, document, [("grants_safe", "ETH", room)]))}
    assert measured == {desk.open(judged).show(cap.token, cap.at_once_units)}
    over = _moments(desk, waiting(judged, document, [("grants_safe", "ETH", room + 1)]))
    assert [finding.verdict for finding in over] == [ASK]


def _moments(desk: Any, judged: Judged) -> list[Any]:
    return [f for f in desk.decide(judged).findings if f.rule == "caps" and "at one moment" in f.reason]


def test_a_batch_through_another_multisend_and_coin_beside_calldata_take_room_too(
    desk: Any, document: PolicyDocument
) -> None:
    """Wallets of older Safes batch through another MultiSend than the policy's; wrapping ether sends it with a call."""
    judged = desk.stage("pay 1 USDC to alice")
    both = [("bob", "USDC", 7), ("grants_safe", "ETH", 5)]
    queued = waiting(judged, document, both).facts.queue[0]
    elsewhere = replace(queued, tx=replace(queued.tx, to=document.account.safe))
    weth = document.tokens[TokenId("WETH")].token.address
    wrap = SafeTx(document.account, weth, 3, encode_deposit(), Operation.CALL, queued.tx.nonce + 1)
    wrapped = replace(queued, tx=wrap)
    taken = _room_taken(desk, replace(judged, facts=replace(judged.facts, queue=(elsewhere, wrapped))))
    assert (taken["team", "USDC"], taken["grants", "ETH"]) == (7, 8)
