"""What a guardian reads and may execute where the policy names who signs, makes it wait, or knows who is paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from guardians.documents import listings_of, subject_of
from guardians.report.asked import whom
from guardians.review import Review, find_queued, review
from guardians.sending import require_complete
from guardians.transcript import review_data, review_lines
from policies.document import load
from policies.sanctions import SanctionTerms
from policies.template import render
from policies.terms import Tier
from strongroom.errors import MustWait, OthersMustSign
from strongroom.listings import DENIED
from strongroom.model import Digest, TokenId, Verdict
from strongroom.protocols.erc20 import encode_transfer
from strongroom.quantities import format_day
from strongroom.world.people import ALICE, BOB, GUARDIANS, Person
from tests.guardians.hall import Hall, signed

USDC, TOKEN = 10**6, TokenId("USDC")
INES, JONAS, KEMI = GUARDIANS
DAY = 86_400


@pytest.fixture
def asking(hall: Hall) -> Hall:
    """Above 500 USDC a day ines is among the signers, above 1,000 it waits two days; and payee alice is ines."""
    tiers = (Tier(1, 500 * USDC, DAY, (INES.name,)), Tier(2, 1_000 * USDC, DAY, (), 2 * DAY))
    policy = hall.document
    cap = replace(policy.caps["team"][TOKEN], tiers=tiers)
    named = replace(policy.guardians, names={person.name: person.address for person in GUARDIANS})
    alice = replace(policy.payees["alice"], guardian=INES.address)
    caps = {**policy.caps, "team": {**policy.caps["team"], TOKEN: cap}}
    payees = {**policy.payees, "alice": alice}
    changed = replace(policy, guardians=named, caps=caps, payees=payees, orders={})
    return replace(hall, document=load(render(changed)))


def proposed(hall: Hall, person: Person, whole: int, *signers: Person) -> Digest:
    digest = hall.propose(hall.call(hall.token("USDC"), encode_transfer(person.address, whole * USDC)))
    for signer in signers:
        hall.service.post_confirmation(digest, signed(signer, digest))
    return digest


def last_line(reviewed: Review) -> str:
    return list(review_lines(reviewed))[-1]


def test_two_signatures_without_the_named_guardian_execute_nothing(asking: Hall) -> None:
    digest = proposed(asking, BOB, 501, JONAS, KEMI)
    with pytest.raises(OthersMustSign, match="`1 of ines` must sign"):
        require_complete(asking.review(digest))
    asking.service.post_confirmation(digest, signed(INES, digest))
    assert {INES.address} < {each.guardian for each in require_complete(asking.review(digest))}


def test_what_waits_is_left_to_the_treasurer_who_knows_since_when(asking: Hall) -> None:
    digest = proposed(asking, BOB, 1_001, INES, JONAS)
    with pytest.raises(MustWait, match="waits `2 days` after it was proposed"):
        require_complete(asking.review(digest))
    assert review_data(asking.review(digest))["delay_seconds"] == 2 * DAY


def test_a_guardian_who_is_paid_adds_no_signature(asking: Hall) -> None:
    digest = proposed(asking, ALICE, 10, INES, JONAS)
    with pytest.raises(OthersMustSign, match="`1 of kemi` must sign"):
        require_complete(asking.review(digest))
    assert "who is paid does not count: ines" in last_line(asking.review(digest))
    asking.service.post_confirmation(digest, signed(KEMI, digest))
    assert require_complete(asking.review(digest))


def test_the_verdict_says_whom_it_asks_and_how_long_it_waits(asking: Hall) -> None:
    said = last_line(asking.review(proposed(asking, BOB, 1_001)))
    assert "2 guardians must sign (among them 1 of ines), 2 days after it was proposed at the soonest" in said
    assert "does not count" not in said


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({}, ""),
        ({"quorums": [], "delay_seconds": 0}, ""),
        ({"quorums": [{"approvals": 1, "guardians": [INES.address]}]}, ", among them 1 of ines"),
        ({"delay_seconds": 2 * DAY}, ", and it waits 2 days after it was proposed"),
        ({"quorums": [{"approvals": "x", "guardians": 7}, 5], "delay_seconds": [1]}, ", among them 0 of "),
        ({"quorums": "ines", "delay_seconds": -1}, ""),
    ],
)
def test_the_page_says_so_in_words_whatever_the_log_holds(asking: Hall, decision: dict[str, object], said: str) -> None:
    assert whom(decision, asking.document) == said


LIST = '[lists.ofac]\nsource = "s"\ndate = "{day}"\nentries = [{{ address = "{who}" }}]\n'


def sanctioned(hall: Hall, digest: Digest) -> Sequence[Verdict]:
    """Findings of `sanctions`, with the lists beside the guardian's own policy."""
    document = replace(hall.document, sanctions=SanctionTerms(("ofac",), 7 * DAY))
    subject = replace(subject_of(document), listings=listings_of(document, hall.folder))
    seen = review(hall.chain, hall.service, document, subject, find_queued(hall.service, digest))
    return [finding.verdict for finding in seen.decision.findings if finding.rule == "sanctions"]


def test_a_guardian_reads_the_lists_beside_their_own_policy(hall: Hall) -> None:
    digest, file = proposed(hall, BOB, 10), hall.folder / DENIED
    today = hall.chain.head().timestamp
    assert sanctioned(hall, digest) == [Verdict.DENY]
    file.write_text(LIST.format(day=format_day(today), who=ALICE.address))
    assert set(sanctioned(hall, digest)) == {Verdict.ALLOW}
    file.write_text(LIST.format(day=format_day(today), who=BOB.address))
    assert Verdict.DENY in sanctioned(hall, digest)
    file.write_text(LIST.format(day=format_day(today - 9 * DAY), who=ALICE.address))
    assert Verdict.DENY in sanctioned(hall, digest)
    assert listings_of(hall.document, hall.folder) is None
