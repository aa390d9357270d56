"""Nobody pays themselves alone: not the operator who asks, and not the guardian who signs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.conflicts import check_operators
from policies.document import document_hash, load
from policies.grants import off_chain_only
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.errors import BadValue, InputError
from strongroom.model import Verdict

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
ALICE, BOB = "operator:alice", "operator:bob"


def with_payee(document: PolicyDocument, name: str, **who: Any) -> PolicyDocument:
    """The policy with what is said about one payee, read again from its own text."""
    payees = {**document.payees, name: replace(document.payees[name], **who)}
    return load(render(replace(document, payees=payees)))


@pytest.fixture(scope="module")
def conflicted(desk: Any) -> Any:
    """Payee `alice` is operator `alice`."""
    return desk.under(with_payee(desk.document, "alice", operator="alice"))


@pytest.fixture(scope="module")
def signing(desk: Any) -> Any:
    """Payee `alice` is the first guardian."""
    return desk.under(with_payee(desk.document, "alice", guardian=desk.document.guardians.members[0]))


# WHO ASKS


@pytest.mark.parametrize(
    ("actor", "says"),
    [
        (ALICE, {"conflicts": ASK}),
        (BOB, {}),
        ("job:payroll", {}),
        # Names are compared whole and in their own case, as the chat does; nothing else is that operator.
        ("operator:alic", {}),
        ("operator:alice2", {}),
        ("operator:Alice", {}),
        # An actor of no known kind may be anybody.
        ("", {"conflicts": ASK}),
        ("alice", {"conflicts": ASK}),
    ],
)
def test_what_an_operator_asks_for_in_their_own_favour_goes_to_guardians(
    conflicted: Any, actor: str, says: dict[str, Verdict]
) -> None:
    assert conflicted.says(conflicted.stage("pay 10 USDC to alice", asked_by=actor)) == says


def test_a_job_pays_an_operator_what_the_mandate_says_and_no_operator_s_name_makes_one_a_job(desk: Any) -> None:
    """Nobody asks in a job's name: `chat` writes `operator:` before the name, whatever the name is."""
    odd = desk.under(with_payee(desk.document, "alice", operator="job:payroll"))
    payroll = ("pay 10 USDC to alice", "pay 10 USDC to bob")
    assert odd.says(odd.stage(*payroll, asked_by="job:payroll", by="mandate")) == {}
    assert odd.says(odd.stage(*payroll, asked_by="operator:job:payroll")) == {"conflicts": ASK}


def test_others_are_paid_as_before_whoever_asks(conflicted: Any) -> None:
    for actor in (ALICE, BOB, "job:payroll", ""):
        assert conflicted.says(conflicted.stage("pay 10 USDC to bob", asked_by=actor)) == {}
        assert conflicted.says(conflicted.stage("supply 500 USDC to aave", asked_by=actor)) == {}


def test_a_payment_to_oneself_hidden_among_others_is_found(conflicted: Any) -> None:
    judged = conflicted.stage("pay 10 USDC to bob", "pay 1 USDC to alice", "pay 10 USDC to chidi", asked_by=ALICE)
    assert conflicted.says(judged) == {"conflicts": ASK}


def test_the_rule_reads_the_bytes_and_not_the_intents(conflicted: Any) -> None:
    """Whoever writes `bob` into the intent and pays alice is stopped by `intents`, and is not unseen here."""
    judged = conflicted.stage("pay 10 USDC to bob", asked_by=ALICE)
    to_alice = conflicted.stage("pay 10 USDC to alice").compiled.calls
    assert conflicted.says(conflicted.with_calls(judged, *to_alice))["conflicts"] is ASK


def test_without_the_rule_an_operator_would_pay_themselves(conflicted: Any) -> None:
    judged = conflicted.stage("pay 10 USDC to alice", asked_by=ALICE)
    assert conflicted.decide(judged).verdict is ASK
    assert conflicted.decide(judged, without="conflicts").verdict is ALLOW


@settings(deadline=None, max_examples=40)
@given(actor=st.sampled_from([ALICE, BOB, "job:payroll", "", "model"]), payee=st.sampled_from(["alice", "bob"]))
def test_saying_who_is_who_never_loosens_a_verdict(desk: Any, actor: str, payee: str) -> None:
    said = desk.under(with_payee(desk.document, "alice", operator="alice", guardian=desk.document.guardians.members[0]))
    request = f"pay 10 USDC to {payee}"
    plain, told = desk.stage(request, asked_by=actor), said.stage(request, asked_by=actor)
    assert said.decide(told).verdict.rank >= desk.decide(plain).verdict.rank


# WHO SIGNS


def test_a_guardian_who_is_paid_does_not_count_among_the_signers(signing: Any) -> None:
    first, *others = signing.document.guardians.members
    decision = signing.decide(signing.stage("pay 12_001 USDC to alice"))
    assert (decision.verdict, decision.guardians) == (ASK, tuple(others))
    for_bob = signing.decide(signing.stage("pay 12_001 USDC to bob"))
    assert for_bob.guardians == (first, *others)


def test_a_guardian_paid_at_their_own_address_needs_no_word(desk: Any) -> None:
    first, *others = desk.document.guardians.members
    own = desk.under(with_payee(desk.document, "alice", address=first))
    assert own.decide(own.stage("pay 12_001 USDC to alice")).guardians == tuple(others)


def test_a_payee_who_is_one_guardian_by_name_and_another_by_address_is_both(desk: Any) -> None:
    first, second, third = desk.document.guardians.members
    both = desk.under(with_payee(desk.document, "alice", address=second, guardian=first))
    assert both.decide(both.stage("pay 12_001 USDC to alice")).guardians in ((), (third,))


def test_too_few_unpaid_guardians_deny(signing: Any) -> None:
    """At the limit the others are just enough; one fewer and nobody may approve it."""
    members = signing.document.guardians.members
    for owners, verdict in ((members[:3], ASK), (members[:2], DENY)):
        judged = signing.stage("pay 12_001 USDC to alice")
        safe = replace(judged.facts.safe, owners=owners)
        rehearsed = {"safe_before": replace(safe), "safe_after": replace(judged.rehearsal.safe_after, owners=owners)}
        fewer = signing.with_rehearsal(signing.with_facts(judged, safe=safe), **rehearsed)
        assert signing.decide(fewer).verdict is verdict


# WRITTEN


def test_who_is_who_is_written_read_back_and_hashed(document: PolicyDocument) -> None:
    member = document.guardians.members[1]
    said = with_payee(document, "alice", operator="alice b.", guardian=member)
    assert (said.payees["alice"].operator, said.payees["alice"].guardian) == ("alice b.", member)
    others = [with_payee(document, "alice", operator="bob"), with_payee(document, "bob", operator="alice b."), document]
    assert len({document_hash(each) for each in (said, *others)}) == 4


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('operator = ""', "write the name that treasury.toml gives"),
        (f'operator = "{"a" * 65}"', "write the name that treasury.toml gives"),
        ('operator = "al\\nice"', "write the name that treasury.toml gives"),
        ("operator = 7", "write it in quotes"),
        ('guardian = "carol"', "is not a checksummed address"),
        ('guardian = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"', "name one of the `members`"),
        ('operators = "alice"', "did you mean `operator`"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_key(document: PolicyDocument, line: str, said: str) -> None:
    text = render(document).replace("[payees.alice]\n", f"[payees.alice]\n{line}\n")
    with pytest.raises(InputError, match=said):
        load(text)


def test_an_operator_that_the_treasury_does_not_list_is_refused(document: PolicyDocument) -> None:
    said = with_payee(document, "alice", operator="alice")
    check_operators(said, ["bob", "alice"])
    check_operators(document, [])
    with pytest.raises(BadValue, match=r"`operator` of payee `alice`.*treasury.toml \(`ana`\)"):
        check_operators(said, ["ana"])


def test_the_kernel_is_said_not_to_know_of_it(document: PolicyDocument) -> None:
    told = [line for line in off_chain_only(with_payee(document, "alice", operator="alice")) if "conflicts" in line]
    assert len(told) == 1
    assert not [line for line in off_chain_only(document) if "conflicts" in line]
