"""What `policy diff` says is what the engine does: only tighter means that no plan gets a milder verdict, and of what
is looser a plan is found that shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from policies.cases import sample
from policies.differing.change import Change, Direction, Place
from policies.differing.compare import compare, unknown_fields
from policies.differing.differences import differences, loosens
from policies.differing.fields import ROWS
from policies.differing.witness import find_witness, loosened, plans
from policies.differing.words import told
from policies.document import document_hash, load
from policies.orders import let_out
from policies.terms import Cap, PolicyDocument
from strongroom.model import Verdict
from tests.policies.edits import USDC, address, edited, everything

DRAWS = int(os.environ.get("STRONGROOM_DIFFERING_DRAWS", "600"))
"""Plans tried against policies that are said to be tighter, all together; the long count is 20,000."""
_PER_POLICY = 20
TEXT = sample("active_treasury")[0]
BEFORE = load(TEXT)


def between(*edits: tuple[str, str]) -> tuple[PolicyDocument, tuple[Change, ...]]:
    text = TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return load(text), differences(BEFORE, load(text))


def reachable(hint: Any, seen: set[type]) -> set[type]:
    """Every dataclass that a policy may hold, by the type hints."""
    for part in get_args(hint) if get_origin(hint) else (hint,):
        if get_origin(part):
            reachable(part, seen)
        elif isinstance(part, type) and is_dataclass(part) and part not in seen:
            seen.add(part)
            for inner in get_type_hints(part).values():
                reachable(inner, seen)
    return seen


def test_every_field_of_a_policy_is_known_to_the_comparison() -> None:
    """A field that is new to the policy gets a row in `policies/differing/fields.py`; till then it counts as looser."""
    found = reachable(PolicyDocument, set())
    assert {Cap, PolicyDocument} < found
    assert {kind.__name__: unknown_fields(kind, ROWS) for kind in found if unknown_fields(kind, ROWS)} == {}
    assert set(ROWS) == found


def test_no_row_names_a_field_that_is_none() -> None:
    for kind, rows in ROWS.items():
        named = [name for row in rows for name in row.fields]
        assert sorted(named) == sorted(field.name for field in fields(kind))


@pytest.mark.parametrize("kind", sorted(ROWS, key=lambda kind: kind.__name__))
def test_a_field_without_a_row_is_unclear_and_never_passed_over(kind: type) -> None:
    values = list(instances(everything(), kind))
    name = fields(kind)[-1].name
    changed = replace(values[0], **{name: _Other()})
    (change,) = compare(values[0], changed, Place(BEFORE, BEFORE, "there", rows={}))
    assert change.direction is Direction.UNCLEAR and change.path == f"there.{name}"


class _Other:
    """Equal to nothing."""


def instances(value: Any, kind: type) -> Iterator[Any]:
    if isinstance(value, kind):
        yield value
    if is_dataclass(value):
        for field in fields(value):
            yield from instances(getattr(value, field.name), kind)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from instances(item, kind)
    elif isinstance(value, tuple):
        for item in value:
            yield from instances(item, kind)


def altered(value: Any) -> Iterator[Any]:
    """The value with one leaf changed, for each leaf in it."""
    if is_dataclass(value):
        for field in fields(value):
            for other in altered(getattr(value, field.name)):
                yield replace(value, **{field.name: other})
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from ({**value, key: other} for other in altered(item))
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from ((*value[:place], other, *value[place + 1 :]) for other in altered(item))
    else:
        yield from _other_leaf(value)


def _other_leaf(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, Verdict):
        yield Verdict.DENY if value is Verdict.ASK else Verdict.ASK
    elif isinstance(value, str):
        yield value + "x"


def test_no_leaf_of_a_policy_changes_unnoticed() -> None:
    """Whatever moves the hash is in the comparison, and but for notes it loosens one way at least."""
    document = everything()
    # The account of each token is that of the document: it changes there.
    count = 0
    for other in altered(document):
        if all(t.token.account == document.account for t in other.tokens.values()):
            count += 1
            forth, back = differences(document, other), differences(other, document)
            assert forth, (document_hash(other), other)
            is_note = {c.direction for c in (*forth, *back)} == {Direction.NEITHER}
            assert is_note or loosens(forth) or loosens(back), (forth, back)
    assert count > 250


def test_equal_policies_differ_in_nothing_and_order_alone_is_neither() -> None:
    assert differences(everything(), everything()) == ()
    members = BEFORE.guardians.members
    turned = replace(BEFORE, guardians=replace(BEFORE.guardians, members=members[::-1]))
    assert [c.direction for c in differences(BEFORE, turned)] == [Direction.NEITHER]
    venue = BEFORE.venues["uniswap"]
    turned = replace(BEFORE, venues={**BEFORE.venues, "uniswap": replace(venue, pools=venue.pools[::-1])})
    assert [c.direction for c in differences(BEFORE, turned)] == [Direction.NEITHER]


@pytest.mark.parametrize(
    ("old", "new", "direction", "said"),
    [
        ('cap = "30_000 USDC per 30 days"', 'cap = "40_000 USDC per 30 days"', "looser", "was 30,000.00 USDC per 30"),
        ('cap = "30_000 USDC per 30 days"', 'cap = "30_000 USDC per 40 days"', "tighter", "per 40 days, was 30,000"),
        ('cap = "30_000 USDC per 30 days"', 'cap = "30_000 USDC per 20 days"', "looser", "per 20 days, was"),
        ('cap = "30_000 USDC per 30 days"', 'cap = "40_000 USDC per 60 days"', "unclear", "per 60 days, was"),
        ('at_once = "15_000 USDC"', 'at_once = "16_000 USDC"', "unclear", "flows back by 14,000.00 USDC per 30 days"),
        ('at_once = "15_000 USDC"', 'at_once = "14_000 USDC"', "unclear", "flows back by 16,000.00 USDC per 30 days"),
        ('never_above = "60_000 USDC"', 'never_above = "50_000 USDC"', "tighter", "50,000.00 USDC, was 60,000.00 USDC"),
        ('model_alone = "5 WETH"', "", "tighter", "0.00 WETH, was 5.00 WETH"),
        ('"2 guardians above 12_000 USDC per day", ', "", "looser", "was 2 guardians above 12,000.00 USDC per day and"),
        ('ask = ["2 guardians above 5_000 USDC per day"]', "", "looser", "no tiers; was"),
        ("2 guardians above 5_000 USDC per day", "3 guardians above 4_000 USDC per 2 days", "tighter", "3 guardians"),
        ("2 guardians above 5_000 USDC per day", "3 guardians above 6_000 USDC per day", "unclear", "6,000.00 USDC"),
        ('class = "team"', 'class = "grants"', "unclear", "`grants`, was `team`"),
        ('note = "front end"', 'note = "back end"', "neither", "`back end`, was `front end`"),
        ('every = "3 weeks"', 'every = "2 weeks"', "looser", "2 weeks, was 3 weeks"),
        ('every = "3 weeks"', 'every = "4 weeks"', "unclear", "another payment counts as the order's"),
        ('every = "3 weeks"', 'every = "3 weeks"\nuntil = "2027-01-01"', "unclear", "one payment may come early"),
        ('note = "front end"', 'note = "front end"\ndelay = "1 day"', "unclear", "1 day, was none; each order of this"),
        ('5 ETH"]', '5 ETH"]\ndelay = "1 day"', "tighter", "1 day, was none"),
        ('amount = "11_000 USDC"', 'amount = "12_000 USDC"', "looser", "exactly 12,000.00 USDC, was 11,000.00 USDC"),
        ('amount = "11_000 USDC"', 'amount = "10_000 USDC"', "unclear", "outside the caps now"),
        ('keep = "100_000 USDC"', 'keep = "120_000 USDC"', "tighter", "120,000.00 USDC, was 100,000.00 USDC"),
        ('max_age = "25 hours"', 'max_age = "26 hours"', "looser", "26 hours, was 25 hours"),
        ('max_age = "75 minutes"', 'max_age = "50 minutes"', "tighter", "50 minutes, was 75 minutes"),
        ("sources = 2", "sources = 2\n", "", ""),
        ("approvals = 2", "approvals = 1", "looser", "1, was 2"),
        ('config_delay = "2 days"', 'config_delay = "1 day"', "looser", "1 day, was 2 days"),
        ("pause_only = []", f'pause_only = ["{address(9)}"]', "tighter", f"`{address(9)}` is new"),
        ('max_drawdown = "10 %"', 'max_drawdown = "5 %"', "tighter", "5 %, was 10 %"),
        ('delay = "2 days"\nwindow = "7 days"', "install = false", "looser", "wait for nothing"),
        ('max_price = "150 gwei"', 'max_price = "200 gwei"', "looser", "200.00 gwei, was 150.00 gwei"),
        ('cap = "48 per day"', 'cap = "50 per day"', "looser", "at most 50 calls per day, was 48 calls per day"),
    ],
)
def test_a_change_has_its_direction_and_both_values(old: str, new: str, direction: str, said: str) -> None:
    _, changes = between((old, new))
    assert [str(c.direction) for c in changes] == ([direction] if direction else [])
    assert said in "".join(c.said for c in changes)


def test_a_payee_who_is_new_is_looser_and_one_who_is_gone_is_tighter() -> None:
    payees = {name: each for name, each in BEFORE.payees.items() if name != "grants_safe"}
    fewer = replace(BEFORE, payees=payees)
    assert [(c.direction, c.path) for c in differences(BEFORE, fewer)] == [(Direction.TIGHTER, "payees.grants_safe")]
    assert [(c.direction, c.path) for c in differences(fewer, BEFORE)] == [(Direction.LOOSER, "payees.grants_safe")]


def test_a_pool_that_is_gone_is_forgotten_by_tiers_and_so_unclear_where_there_are_any() -> None:
    venues = {name: each for name, each in BEFORE.venues.items() if name != "uniswap_v2"}
    fewer = replace(BEFORE, venues=venues)
    (change,) = differences(BEFORE, fewer)
    assert change.direction is Direction.UNCLEAR and "tiers" in change.said
    swaps = {token: replace(cap, tiers=()) for token, cap in BEFORE.caps["swaps"].items()}
    untiered = replace(BEFORE, caps={**BEFORE.caps, "swaps": swaps})
    (change,) = differences(untiered, replace(untiered, venues=venues))
    assert change.direction is Direction.TIGHTER


def test_what_loosens_comes_first() -> None:
    _, changes = between(('max_loss = "1 %"', 'max_loss = "0.5 %"'), ("approvals = 2", "approvals = 1"))
    assert [c.direction for c in changes] == [Direction.LOOSER, Direction.TIGHTER]


def test_only_tighter_means_that_no_plan_gets_a_milder_verdict() -> None:
    """Random changes of a full policy; of those that are said to loosen nothing, plans around the limits of both."""
    random, tried = Random(11), 0
    while tried < DRAWS:
        old = edited(random, everything(), random.randrange(3))
        new = edited(random, old, random.choice((1, 1, 1, 2, 3)))
        changes = differences(old, new)
        if loosens(changes):
            continue
        as_if = [replace(change, direction=Direction.LOOSER) for change in changes]
        for _, world in zip(range(_PER_POLICY), plans(old, new, as_if, random.randrange(2**32)), strict=False):
            tried += 1
            assert loosened(world, old, new) is None, (changes, world)


def test_only_tighter_means_that_a_stolen_key_lets_out_no_more_in_any_time() -> None:
    """What `policy compile` adds up, over stretches shorter and longer than any window."""
    random, compared = Random(12), 0
    while compared < 60:
        old = edited(random, everything(), random.randrange(2))
        new = edited(random, old, 1)
        if loosens(differences(old, new)):
            continue
        compared += 1
        for seconds in (1, 86_400, 30 * 86_400, 365 * 86_400):
            before = {each.token: each for each in let_out(old, seconds)}
            for each in let_out(new, seconds):
                assert each.by_caps_units <= before[each.token].by_caps_units, differences(old, new)
                assert each.by_orders_units <= before[each.token].by_orders_units, differences(old, new)


@pytest.mark.parametrize(
    ("old", "new", "verb"),
    [
        ('at_most = ["15_000 USDC"]', 'at_most = ["20_000 USDC"]', "pay"),
        ('cap = "30_000 USDC per 30 days"', 'cap = "60_000 USDC per 30 days"', "pay"),
        ("2 guardians above 12_000 USDC per day", "2 guardians above 14_000 USDC per day", "pay"),
        ('class = "team"', 'class = "grants"', "pay"),
        ('every = "3 weeks"', 'every = "1 week"', "pay"),
        ('keep = "100_000 USDC"', 'keep = "90_000 USDC"', ""),
        ('max_loss = "1 %"', 'max_loss = "2 %"', "swap"),
        ('max_deviation = "1.5 %"', 'max_deviation = "3 %"', "swap"),
        ('max_age = "75 minutes"', 'max_age = "90 minutes"', "swap"),
        ('model_alone = "15_000 USDC"', 'model_alone = "20_000 USDC"', "swap"),
        ('most = "300_000 USDC"', 'most = "350_000 USDC"', "supply"),
        ("approvals = 2", "approvals = 1", ""),
        ("max_units = 2000000", "max_units = 2500000", ""),
        ('max_price = "150 gwei"', 'max_price = "200 gwei"', ""),
    ],
)
def test_of_a_looser_policy_a_plan_is_shown_that_the_engine_judges_more_mildly(old: str, new: str, verb: str) -> None:
    after, changes = between((old, new))
    assert loosens(changes)
    witness = find_witness(BEFORE, after, changes, 1_500)
    assert witness is not None and witness.verdicts.loosened
    again = loosened(witness.world, BEFORE, after)
    assert again is not None and again.loosened
    first, *around = told(witness, (BEFORE, after))
    assert first.startswith(verb) and " -> " in first
    # Only what was paid before may stand there twice.
    said = [line for line in around if not line.startswith("past: ")]
    assert len(said) == len(set(said))


def test_the_way_back_from_a_looser_policy_shows_no_plan() -> None:
    after, _ = between(('at_most = ["15_000 USDC"]', 'at_most = ["20_000 USDC"]'))
    back = differences(after, BEFORE)
    assert not loosens(back)
    assert find_witness(after, BEFORE, back, 200) is None


def test_a_payee_under_another_address_is_shown_by_address() -> None:
    moved = replace(BEFORE, payees={**BEFORE.payees, "alice": replace(BEFORE.payees["alice"], address=address(77))})
    changes = differences(BEFORE, moved)
    assert [c.direction for c in changes] == [Direction.UNCLEAR]
    witness = find_witness(BEFORE, moved, changes, 500)
    assert witness is not None
    assert told(witness, (BEFORE, moved))[0].startswith("pay ") and address(77) in told(witness, (BEFORE, moved))[0]


def test_the_same_seed_draws_the_same_plans() -> None:
    after, changes = between(("approvals = 2", "approvals = 1"))
    one, other = (find_witness(BEFORE, after, changes, 200, seed=5) for _ in range(2))
    assert one == other and one is not None


def test_a_token_that_nobody_lists_any_more_breaks_no_plan() -> None:
    payroll = load(sample("payroll_only")[0])
    changes = differences(BEFORE, payroll)
    assert set(BEFORE.tokens) > set(payroll.tokens) == {USDC}
    witness = find_witness(BEFORE, payroll, changes, 300)
    assert witness is not None and witness.verdicts.loosened
