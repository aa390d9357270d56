"""Address poisoning and homographs: what looks like somebody known is refused, by the digits that people compare."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.addressbook import homograph, known_addresses, lookalike
from policies.document import load
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.addresses import to_address
from strongroom.errors import BadValue, InputError
from strongroom.model import Address, Label, Labelled, TokenId, Verdict
from strongroom.protocols.erc20 import encode_transfer

DENY = Verdict.DENY
A_CYRILLIC, O_GREEK = "\u0430", "\u03bf"


def twin_of(address: Address, first: int, last: int) -> Address:
    """Another address that shares exactly so many digits with `address` at each end."""
    digits = address[2:].lower()
    other = "".join("e" if digit == "f" else "f" for digit in digits)
    return to_address("0x" + digits[:first] + other[first : 40 - last] + digits[40 - last :])


# ADDRESSES


@pytest.mark.parametrize(
    ("first", "last", "alike"),
    [
        (4, 4, True),
        (3, 4, False),
        (4, 3, False),
        (3, 3, False),
        (5, 4, True),
        (39, 0, False),
        (36, 3, False),
        (35, 4, True),
    ],
)
def test_four_digits_at_each_end_are_what_people_compare(desk: Any, first: int, last: int, alike: bool) -> None:
    alice = desk.document.payees["alice"].address
    assert lookalike(alice, twin_of(alice, first, last)) is alike
    assert lookalike(twin_of(alice, first, last), alice) is alike


def paying(desk: Any, recipient: Address) -> Any:
    judged = desk.stage("pay 10 USDC to alice")
    (call,) = judged.compiled.calls
    return desk.with_calls(judged, replace(call, data=encode_transfer(recipient, 10 * 10**6)))


def about(desk: Any, judged: Any) -> list[str]:
    return [f.reason for f in desk.decide(judged).findings if f.rule == "lookalikes" and f.verdict is DENY]


def test_a_twin_of_anybody_the_policy_knows_is_named(desk: Any) -> None:
    """A guardian's, the Safe's own, and a token's too: each is copied from a history that anybody can write into."""
    for known in known_addresses(desk.document):
        (reason,) = about(desk, paying(desk, twin_of(known, 4, 4)))
        payee = desk.document.payee_at(known)
        assert f"looks like `{payee.id if payee else known}`" in reason
        assert about(desk, paying(desk, twin_of(known, 4, 3))) == []


def test_the_book_of_the_known_holds_everybody_once_and_not_the_zero_address(document: PolicyDocument) -> None:
    known = known_addresses(document)
    assert len(set(known)) == len(known)
    assert {document.account.safe, *document.guardians.members} <= set(known)
    assert {payee.address for payee in document.payees.values()} <= set(known)
    assert Address("0x" + "0" * 40) not in known


def test_a_known_address_looks_like_itself_and_is_paid(desk: Any) -> None:
    assert about(desk, desk.stage("pay 10 USDC to alice")) == []


@pytest.mark.parametrize("whose", ["bob", "guardian", "token", "pool"])
def test_a_policy_with_two_that_look_alike_is_refused(document: PolicyDocument, whose: str) -> None:
    known = {
        "bob": document.payees["bob"].address,
        "guardian": document.guardians.members[0],
        "token": document.tokens[TokenId("USDC")].token.address,
        "pool": next(iter(document.pools())).address,
    }[whose]
    for last, refused in ((4, True), (3, False)):
        alice = replace(document.payees["alice"], address=twin_of(known, 4, last))
        text = render(replace(document, payees={**document.payees, "alice": alice}))
        if refused:
            with pytest.raises(BadValue, match="compare both in full"):
                load(text)
        else:
            assert load(text).payees["alice"] == alice


# NAMES


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("alice", A_CYRILLIC + "lice", True),
        ("alice", "a1ice", True),
        ("alice", "aIice", True),
        ("alice", "Alice", True),
        ("alice", "alic\u0435", True),
        ("bob", "b0b", True),
        ("bob", f"b{O_GREEK}b", True),
        ("emre", "erne", False),
        ("emma", "ernma", True),
        ("willow", "vvillow", True),
        ("alice", "\uff41lice", True),
        ("alice", "alicia", False),
        ("alice", "alice", False),
        ("team_1", "team_2", False),
        ("team_1", "team_l", True),
        ("dev", "dex", False),
    ],
)
def test_names_that_are_drawn_alike_are_homographs(one: str, other: str, same: bool) -> None:
    assert homograph(one, other) is same
    assert homograph(other, one) is same


@given(st.text(max_size=12))
def test_no_name_is_its_own_homograph(name: str) -> None:
    assert not homograph(name, name)


@pytest.mark.parametrize("name", [A_CYRILLIC + "lice", "a1ice", "Alice"])
def test_a_payee_in_other_letters_is_named_without_showing_them(desk: Any, name: str) -> None:
    judged = desk.stage("pay 10 USDC to alice")
    (intent,) = judged.compiled.unit.intents
    unit = replace(judged.compiled.unit, intents=(replace(intent, payee=Labelled(name, Label.OPERATOR)),))
    asked = replace(judged, compiled=replace(judged.compiled, unit=unit))
    (reason,) = about(desk, asked)
    assert reason.endswith("is written like payee `alice`, in other letters")
    assert reason.isascii()


@pytest.mark.parametrize(("table", "one", "other"), [("payees", "alice", "a1ice"), ("payees", "bob", "Bob")])
def test_a_policy_with_two_names_that_look_alike_is_refused(
    document: PolicyDocument, table: str, one: str, other: str
) -> None:
    twin = replace(document.payees[one], id=other, address=to_address(b"\x07" * 20))
    text = render(replace(document, payees={**document.payees, other: twin}))
    with pytest.raises(InputError, match=f"`{other}` cannot be used for \\[{table}\\].*looks like `{one}`"):
        load(text)


def test_two_guardians_with_names_that_look_alike_are_refused(document: PolicyDocument) -> None:
    names = dict(zip(("carol", "car0l", "dave"), document.guardians.members, strict=True))
    with pytest.raises(InputError, match=r"\[guardians.members\].*looks like `carol`"):
        load(render(replace(document, guardians=replace(document.guardians, names=names))))
