"""What the Kernel is told of a policy: leaves, root, proofs, buckets; and Kernel calls before the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.document import document_hash
from policies.grants import (
    compile_policy,
    granted_legs,
    off_chain_only,
    shortage,
)
from policies.kernel.buckets import room_at
from policies.scenario import Judged
from policies.terms import PolicyDocument
from policies.tree import NO_RULES, node_of, proof, root
from strongroom.addresses import keccak, to_digest
from strongroom.errors import BadValue
from strongroom.fees import needed_wei
from strongroom.model import (
    NATIVE,
    Address,
    Bucket,
    Call,
    Digest,
    KernelCall,
    KernelState,
    Operation,
    Queued,
    SafeTx,
    TokenId,
    Verdict,
)
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, bucket_key, class_number
from strongroom.protocols.kernel_legs import PayRule, encode_legs
from strongroom.protocols.safe import safe_tx_hash

ASK, DENY = Verdict.ASK, Verdict.DENY
STRANGER = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
KERNEL, AGENT = Address("0x2222222222222222222222222222222222222222"), STRANGER
USDC = TokenId("USDC")
LEAVES = st.sets(st.binary(min_size=32, max_size=32).map(to_digest), max_size=40)


def climbed(leaf: Digest, siblings: tuple[Digest, ...]) -> Digest:
    """What the Kernel computes: `RuleLeaf.isInTree`."""
    node = leaf
    for sibling in siblings:
        node = node_of(node, sibling)
    return node


@settings(deadline=None)
@given(LEAVES)
def test_every_leaf_proves_itself_and_the_tree_is_shallow(leaves: set[Digest]) -> None:
    for leaf in leaves:
        siblings = proof(leaves, leaf)
        assert climbed(leaf, siblings) == root(leaves)
        assert len(siblings) <= (len(leaves) - 1).bit_length()


@settings(deadline=None)
@given(LEAVES, st.binary(min_size=32, max_size=32))
def test_nothing_else_has_a_proof(leaves: set[Digest], other: bytes) -> None:
    stranger = to_digest(other)
    if stranger in leaves:
        return
    with pytest.raises(ValueError, match="no leaf"):
        proof(leaves, stranger)
    assert all(climbed(stranger, proof(leaves, leaf)) != root(leaves) for leaf in leaves)


def test_a_tree_of_one_is_its_leaf_and_an_empty_one_is_closed() -> None:
    leaf = to_digest(keccak(b"rule"))
    assert (root([leaf]), proof([leaf], leaf)) == (leaf, ())
    assert root([]) == NO_RULES


def test_a_policy_compiles_to_one_rule_for_each_payee_and_token_and_three_for_each_lent_token(
    document: PolicyDocument,
) -> None:
    compiled = compile_policy(document)
    paid = [f"pay {payee.id} in {token}" for payee in document.payees.values() for token in payee.max_units]
    forms = ("supply {} at aave", "withdraw {} at aave", "exit {} from aave, guardians while paused")
    lent = [form.format(token) for token in ("USDC", "DAI") for form in forms]
    assert sorted(compiled.names.values()) == sorted(paid + lent)
    assert compiled.root == compile_policy(document).root


def test_a_rule_on_chain_is_as_tight_as_the_agent_lane(document: PolicyDocument) -> None:
    """alice may get 15,000 with guardians and 12,000 without: the Kernel knows only the 12,000."""
    alice = document.payees["alice"].address
    rules = compile_policy(document).rules.values()
    (rule,) = [rule for rule in rules if isinstance(rule, PayRule) and rule.recipient == alice]
    assert rule.max_units == 12_000 * 10**6
    assert rule.bucket_class == class_number("team")


def test_any_change_of_payee_amount_or_class_changes_the_root(document: PolicyDocument) -> None:
    alice = document.payees["alice"]
    changes = (
        replace(alice, address=STRANGER),
        replace(alice, max_units={USDC: 1}),
        replace(alice, bucket_class="grants", max_units={USDC: 1}),
    )
    roots = {compile_policy(replace(document, payees={**document.payees, "alice": c})).root for c in changes}
    assert len(roots | {compile_policy(document).root}) == 4


def test_buckets_hold_at_once_and_give_back_no_more_than_the_cap(document: PolicyDocument) -> None:
    """capacity + capacity * window / drain <= cap, for every cap and for the agent's own calls."""
    by_key = {setting.key: setting for setting in compile_policy(document).buckets}
    assert len(by_key) == 1 + len(list(document.metered_caps())) + len(document.shares())
    for cap in document.metered_caps():
        token = document.token(cap.token)
        assert token is not None
        setting = by_key[bucket_key(token.address, class_number(cap.bucket_class))]
        assert setting.capacity_units == cap.at_once_units
        window = setting.capacity_units * (setting.drain_seconds + cap.window_seconds)
        assert window <= cap.cap_units * setting.drain_seconds
    calls = by_key[bucket_key(ACTIONS, 0)]
    assert (calls.capacity_units, calls.drain_seconds) == (24 * ACTION_UNITS, 86_400)


def test_two_classes_never_share_a_bucket(document: PolicyDocument, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.grants.class_number", lambda name: 7)
    # A copy: what a policy compiles to is remembered.
    with pytest.raises(BadValue, match="rename"):
        compile_policy(replace(document))


def test_a_call_within_its_rule_has_a_grant_and_one_unit_more_has_none(desk: Any, document: PolicyDocument) -> None:
    (at_most,) = desk.stage("pay 12_000 USDC to alice").compiled.calls
    (beyond,) = desk.stage("pay 12_000.000001 USDC to alice").compiled.calls
    found = granted_legs((at_most,), document)
    assert found is not None
    compiled = compile_policy(document)
    assert compiled.names[found[0].rule.leaf] == "pay alice in USDC"
    assert climbed(found[0].rule.leaf, found[0].proof) == compiled.root
    for ungranted in (
        beyond,
        replace(at_most, value_wei=1),
        replace(at_most, data=at_most.data + b"\0"),
        Call(document.account, STRANGER, 1, b""),
    ):
        assert granted_legs((ungranted,), document) is None
    assert granted_legs((at_most, beyond), document) is None


def test_ether_is_granted_by_value(document: PolicyDocument) -> None:
    call = Call(document.account, document.payees["grants_safe"].address, 10**18, b"")
    payments = granted_legs((call,), document)
    assert payments is not None
    assert payments[0].rule.token == NATIVE


def test_what_the_chain_does_not_enforce_is_said(document: PolicyDocument) -> None:
    said = " ".join(off_chain_only(document))
    assert "gas" in said
    assert "labels" in said
    assert "`keep` of USDC" in said


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**9), st.integers(0, 10**7))
def test_room_never_exceeds_capacity_and_never_shrinks_with_time(
    capacity: int, level: int, drain: int, passed: int
) -> None:
    bucket = Bucket(capacity, min(level, capacity), 1_000, drain)
    now, later = room_at(bucket, 1_000 + passed), room_at(bucket, 1_001 + passed)
    assert 0 <= capacity - bucket.level <= now <= later <= capacity


@pytest.fixture
def by_kernel(desk: Any, document: PolicyDocument) -> Any:
    """Dresses a unit as a Kernel call, with a live Kernel in the facts."""

    def dressed(*requests: str, **keys: Any) -> Judged:
        judged: Judged = desk.stage(*requests, **keys)
        payments = granted_legs(judged.compiled.calls, document)
        assert payments is not None
        call = KernelCall(document.account, AGENT, KERNEL, encode_legs(payments))
        safe = replace(judged.facts.safe, modules=(KERNEL,))
        compiled = compile_policy(document)
        buckets = {
            s.key: Bucket(s.capacity_units, 0, judged.facts.block.timestamp, s.drain_seconds) for s in compiled.buckets
        }
        hash_ = document_hash(document)
        kernel = KernelState(
            KERNEL, document.account.safe, True, AGENT, 0, 1, False, compiled.root, hash_, 86_400, buckets
        )
        judged = desk.with_rehearsal(judged, safe_before=safe, safe_after=safe)
        return replace(desk.with_facts(judged, safe=safe, kernel=kernel), action=call)

    return dressed


def with_kernel(desk: Any, judged: Judged, **changes: Any) -> Judged:
    out: Judged = desk.with_facts(judged, kernel=replace(judged.facts.kernel, **changes))
    return out


def test_one_payment_and_a_payroll_pass_through_the_kernel(desk: Any, by_kernel: Any) -> None:
    assert desk.says(by_kernel("pay 5_000 USDC to alice")) == {}
    assert desk.says(by_kernel("pay 5_000 USDC to alice", "pay 9_000 DAI to dana", "pay 1 USDC to bob")) == {}


def test_what_waits_in_the_queue_already_is_not_paid_beside_it_with_nobody_asked(
    desk: Any, document: PolicyDocument, by_kernel: Any
) -> None:
    """Whoever signs it need not know that the agent paid meanwhile. Another amount is another payment."""
    judged, usdc = by_kernel("pay 5_000 USDC to alice"), document.tokens[TokenId("USDC")].token.address
    verdicts = []
    for units in (desk.units("5_000 USDC"), desk.units("5_000 USDC") - 1):
        data = encode_transfer(document.payees["alice"].address, units)
        tx = SafeTx(document.account, usdc, 0, data, Operation.CALL, judged.facts.safe.nonce)
        queued = Queued(tx, safe_tx_hash(tx), NATIVE, (), "")
        verdicts.append(desk.says(desk.with_facts(judged, queue=(queued,))))
    assert verdicts == [{"payments": Verdict.ASK}, {}]


def test_ether_needs_nobody_where_the_kernel_meters_it(desk: Any, by_kernel: Any) -> None:
    assert desk.says(by_kernel("pay 1 ETH to grants_safe")) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": False},
        {"paused": True},
        {"agent": KERNEL},
        {"safe": STRANGER},
        {"address": STRANGER},
        {"root": NO_RULES},
        {"document_hash": NO_RULES},
    ],
)
def test_a_kernel_that_is_not_live_or_holds_another_policy_is_denied(
    desk: Any, by_kernel: Any, change: dict[str, Any]
) -> None:
    assert desk.says(with_kernel(desk, by_kernel("pay 5_000 USDC to alice"), **change)) == {"grants": DENY}


def test_a_kernel_that_was_not_observed_is_denied(desk: Any, by_kernel: Any) -> None:
    assert desk.says(desk.with_facts(by_kernel("pay 5_000 USDC to alice"), kernel=None)) == {"grants": DENY}


def test_a_full_bucket_asks_and_a_closed_one_too(desk: Any, by_kernel: Any, document: PolicyDocument) -> None:
    judged = by_kernel("pay 5_000 USDC to alice")
    key = bucket_key(document.tokens[USDC].token.address, class_number("team"))
    buckets = judged.facts.kernel.buckets
    now = judged.facts.block.timestamp
    for level, says in ((40_000 * 10**6, {}), (40_000 * 10**6 + 1, {"grants": ASK})):
        filled = replace(buckets[key], level=level, updated=now)
        assert desk.says(with_kernel(desk, judged, buckets={**buckets, key: filled})) == says
    assert desk.says(with_kernel(desk, judged, buckets={k: b for k, b in buckets.items() if k != key})) == {
        "grants": ASK
    }
    calls = bucket_key(ACTIONS, 0)
    busy = replace(buckets[calls], level=buckets[calls].capacity - ACTION_UNITS + 1, updated=now)
    assert desk.says(with_kernel(desk, judged, buckets={**buckets, calls: busy})) == {"grants": ASK}


def test_a_shortage_adds_up_payments_of_one_bucket(desk: Any, by_kernel: Any, document: PolicyDocument) -> None:
    judged = by_kernel("pay 5_000 USDC to alice")
    one = granted_legs(judged.compiled.calls, document)
    assert one is not None
    assert not shortage(one * 9, judged.facts, document)
    assert "has room for 45000000000 units" in shortage(one * 10, judged.facts, document)


def test_a_payment_above_its_rule_or_under_a_foreign_rule_is_denied(
    desk: Any, by_kernel: Any, document: PolicyDocument
) -> None:
    judged = by_kernel("pay 5_000 USDC to alice")
    (payment,) = granted_legs(judged.compiled.calls, document) or ()
    tampered = [
        replace(payment, units=payment.rule.max_units + 1),
        replace(payment, rule=replace(payment.rule, max_units=payment.rule.max_units + 1)),
        replace(payment, rule=replace(payment.rule, delay_seconds=1)),
        replace(payment, proof=()),
    ]
    for other in tampered:
        action = replace(judged.action, data=encode_legs([other]))
        assert desk.says(replace(judged, action=action))["grants"] is DENY


def test_kernel_calldata_that_is_no_payment_is_denied(desk: Any, by_kernel: Any) -> None:
    judged = by_kernel("pay 5_000 USDC to alice")
    for data in (b"", b"\0" * 4, judged.action.data + b"\0", judged.action.data[:-1]):
        says = desk.says(replace(judged, action=replace(judged.action, data=data)))
        assert says.keys() >= {"action", "calls", "grants"}


def test_a_kernel_call_must_not_touch_the_safe_s_nonce(desk: Any, by_kernel: Any) -> None:
    judged = by_kernel("pay 5_000 USDC to alice")
    after = replace(judged.rehearsal.safe_after, nonce=judged.facts.safe.nonce + 1)
    assert desk.says(desk.with_rehearsal(judged, safe_after=after)) == {"safe_state": DENY}


def test_the_agent_must_hold_the_gas_it_spends(desk: Any, by_kernel: Any) -> None:
    judged = by_kernel("pay 5_000 USDC to alice")
    cost = needed_wei(judged.rehearsal.gas_used, judged.facts.gas.base_fee_wei)
    enough = desk.with_facts(judged, gas=replace(judged.facts.gas, agent_balance_wei=cost))
    short = desk.with_facts(judged, gas=replace(judged.facts.gas, agent_balance_wei=cost - 1))
    assert desk.says(enough) == {}
    assert desk.says(short) == {"gas": DENY}
