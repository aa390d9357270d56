"""What changes in the tables of people, time, value and market mean, and plans that show what loosens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.differing.change import Direction
from policies.differing.differences import differences, loosens
from policies.differing.witness import find_witness, loosened
from policies.differing.words import told
from policies.document import load
from policies.freezes import Freeze
from policies.sanctions import Dispute
from policies.template import render
from policies.terms import PolicyDocument, Tier
from strongroom.model import TokenId, Verdict
from tests.policies.edits import DAI, USDC, address, everything
from tests.policies.more_edits import DAY, TODAY

FULL = everything()
TEXT = render(FULL)


@pytest.mark.parametrize(
    ("old", "new", "direction", "said"),
    [
        ('operator = "alice"', "", "looser", "none, was `alice`"),
        ('operator = "alice"', 'operator = "ben"', "unclear", "`ben`, was `alice`"),
        (f'guardian = "{FULL.guardians.members[0]}"', "", "looser", "none, was `0x"),
        ('since = "2030-03-15"', 'since = "2030-03-16"', "tighter", "2030-03-16, was 2030-03-15"),
        ('apart = "5 days"', 'apart = "4 days"', "looser", "4 days, was 5 days"),
        ('\noften = "3 per 30 days"', '\noften = "2 per 40 days"', "tighter", "2 per 40 days, was 3 per 30 days"),
        ('\noften = "3 per 30 days"', '\noften = "2 per 20 days"', "unclear", "2 per 20 days, was 3 per 30 days"),
        ('\noften = "3 per 30 days"', "", "looser", "none, was 3 per 30 days"),
        ("2 guardians of ben, carol", "2 guardians", "looser", "was 2 guardians above 5,000.00 USDC per day and 2 gua"),
        ("2 guardians of ben, carol", "2 guardians of ana, ben, carol", "looser", "2 guardians of ana, ben, carol"),
        ("2 guardians of ben, carol", "2 guardians of ana, carol", "unclear", "2 guardians of ana, carol above"),
        ("per day after 2 days", "per day after 3 days", "tighter", "per day after 3 days"),
        ("per day after 2 days", "per day", "looser", "after 2 days"),
        ('sources = ["ofac", "dao\'s own"]', 'sources = ["ofac"]', "looser", "`dao's own` is gone: nobody looks"),
        ('until = "2030-03-26"', 'until = "2030-03-25"', "tighter", "2030-03-25, was 2030-03-26"),
        ('by = "ana"', 'by = "ben"', "neither", "`ben`, was `ana`"),
        ('tolerance = "10 %"', 'tolerance = "11 %"', "looser", "11 %, was 10 %"),
        ('open = "07:00"', 'open = "06:00"', "looser", "06:00, was 07:00"),
        ('close = "20:00"', 'close = "19:00"', "tighter", "19:00, was 20:00"),
        ('timezone = "Europe/Berlin"', 'timezone = "UTC"', "unclear", "`UTC`, was `Europe/Berlin`"),
        ('"Thu", "Fri"', '"Thu", "Fri", "Sat"', "looser", "`Sat` is new"),
        ('holidays = ["2030-03-20"]', "", "looser", "`2030-03-20` is gone"),
        ('holidays = ["2030-03-20"]', 'holidays = ["2030-03-20"]\norders_too = true', "tighter", "true, was false"),
        ('reason = "audit"', 'reason = "an audit"', "neither", "gone: from 2030-04-16 until 2030-04-17: audit"),
        ('until = "2030-04-17"', 'until = "2030-04-16 23:00 UTC"', "looser", "until 2030-04-16 23:00 UTC: audit"),
        ('reason = "audit"', 'reason = "audit"\ntokens = ["DAI"]', "looser", "only `DAI`: audit"),
        ('classes = ["team"]', 'classes = ["grants", "team"]', "tighter", "only `grants`, `team`, only `USDC`: vote"),
        ('classes = ["team"]', "", "tighter", "only `USDC`: vote"),
        ('\ncooling_off = "1 week"', '\ncooling_off = "8 days"', "tighter", "8 days, was 1 week"),
        ('at_most = ["500 USDC"]', 'at_most = ["500 USDC", "1 DAI"]', "looser", "1.00 DAI, was 0.00 DAI"),
        ('at_most = ["500 USDC"]', "at_most = []", "tighter", "0.00 USDC, was 500.00 USDC"),
        ('aave = "2030-02-15"', 'aave = "2030-02-14"', "looser", "2030-02-14, was 2030-02-15"),
        ('cap = "150_000 USD per 30 days"', 'cap = "150_000 USD per 31 days"', "tighter", "per 31 days, was"),
        ('never_above = "120_000 USD"', 'never_above = "130_000 USD"', "looser", "130,000.00 USD, was 120,000.00 USD"),
        ('most = { WETH = "70 %" }', 'most = { WETH = "60 %" }', "tighter", "60 %, was 70 %"),
        ('most = { WETH = "70 %" }', 'most = { DAI = "50 %", WETH = "70 %" }', "tighter", "at most 50 % of the value"),
        ('stables = ["USDC", "DAI"]', 'stables = ["USDC"]', "unclear", "another sum is kept"),
        ('stables = ["USDC", "DAI"]', 'stables = ["DAI", "USDC"]', "neither", "in another order"),
        ('stables_least = "25 %"', 'stables_least = "20 %"', "looser", "20 %, was 25 %"),
        ('otherwise = "deny"', 'otherwise = "ask"', "looser", "`ask`, was `deny`"),
        ('least = "120 days"', 'least = "121 days"', "tighter", "121 days, was 120 days"),
        ('spend = "45_000 USD per 30 days"', 'spend = "45_000 USD per 20 days"', "tighter", "45_000 USD per 20 days"),
        ('spend = "45_000 USD per 30 days"', 'spend = "90_000 USD per 60 days"', "neither", "90_000 USD per 60 days"),
        ('health_least = "2"', 'health_least = "2.5"', "tighter", "2.50, was 2.00"),
        ('health_least = "2"', "", "tighter", "none, was 2.00"),
        ('max_slippage = "0.5 %"', "", "looser", "no bound, was 0.5 %"),
        ('max_impact = "0.6 %"', 'max_impact = "0.5 %"', "tighter", "0.5 %, was 0.6 %"),
        ('max_from_average = "1 %"\naverage_over = "30 minutes"', "", "looser", "no bound, was 1 %"),
        ('average_over = "30 minutes"', 'average_over = "1 hour"', "unclear", "1 hour, was 30 minutes"),
        ('over = "1 day"', 'over = "12 hours"', "looser", "12 hours, was 1 day"),
        ('calm = "3 %"', 'calm = "2 %"', "tighter", "2 %, was 3 %"),
    ],
)
def test_a_change_has_its_direction_and_both_values(old: str, new: str, direction: str, said: str) -> None:
    assert old in TEXT, old
    changes = differences(FULL, load(TEXT.replace(old, new, 1)))
    found = {str(each.direction) for each in changes} - {"neither"} or {"neither"}
    assert found == {direction} and said in " ".join(each.said for each in changes), changes


@pytest.mark.parametrize(
    "field", ["sanctions", "models", "hours", "newcomers", "outflow", "runway", "volatility", "freezes"]
)
def test_a_table_that_is_new_is_tighter_and_one_that_is_gone_is_looser(field: str) -> None:
    without = replace(FULL, **{field: () if field == "freezes" else None})
    assert {each.direction for each in differences(FULL, without)} == {Direction.LOOSER}
    assert {each.direction for each in differences(without, FULL)} == {Direction.TIGHTER}


def test_an_address_that_a_name_stands_for_is_unclear_and_a_new_name_is_neither() -> None:
    names = FULL.guardians.names
    turned = replace(FULL, guardians=replace(FULL.guardians, names={**names, "ana": names["ben"], "ben": names["ana"]}))
    assert {each.direction for each in differences(FULL, turned)} == {Direction.UNCLEAR}
    bare = replace(FULL, caps={}, guardians=replace(FULL.guardians, names={}))
    named = replace(bare, guardians=FULL.guardians)
    assert {each.direction for each in differences(bare, named)} == {Direction.NEITHER}


def test_the_first_feed_counts_where_swings_do() -> None:
    listed = FULL.tokens[USDC]
    turned = {**FULL.tokens, USDC: replace(listed, feeds=listed.feeds[::-1])}
    assert [each.direction for each in differences(FULL, replace(FULL, tokens=turned))] == [Direction.UNCLEAR]
    calm = replace(FULL, volatility=None)
    assert [each.direction for each in differences(calm, replace(calm, tokens=turned))] == [Direction.NEITHER]


def test_a_pool_of_a_newcomer_that_is_gone_takes_along_what_it_got() -> None:
    """No tiers, which would make it unclear by themselves."""
    assert FULL.newcomers is not None
    caps = {name: {t: replace(c, tiers=()) for t, c in each.items()} for name, each in FULL.caps.items()}
    venue = FULL.venues["uniswap"]
    fewer = {**FULL.venues, "uniswap": replace(venue, pools=venue.pools[:-1])}
    for venues, direction in (({}, Direction.TIGHTER), ({"uniswap": TODAY}, Direction.UNCLEAR)):
        old = replace(FULL, caps=caps, newcomers=replace(FULL.newcomers, venues=venues))
        assert [each.direction for each in differences(old, replace(old, venues=fewer))] == [direction]


def test_a_token_that_counts_in_the_treasurys_shares_and_is_gone_is_unclear() -> None:
    without = {token: each for token, each in FULL.tokens.items() if token != DAI}
    gone = [c.direction for c in differences(FULL, replace(FULL, tokens=without)) if c.path == "tokens.DAI"]
    assert gone == [Direction.UNCLEAR]
    free = replace(FULL, holdings=None)
    gone = [c.direction for c in differences(free, replace(free, tokens=without)) if c.path == "tokens.DAI"]
    assert gone == [Direction.TIGHTER]


def _payee(name: str, **fields: Any) -> PolicyDocument:
    return replace(FULL, payees={**FULL.payees, name: replace(FULL.payees[name], **fields)})


def _tier(**fields: Any) -> PolicyDocument:
    cap = FULL.caps["grants"][USDC]
    *rest, last = cap.tiers
    assert isinstance(last, Tier)
    changed = replace(cap, tiers=(*rest, replace(last, **fields)))
    return replace(FULL, caps={**FULL.caps, "grants": {**FULL.caps["grants"], USDC: changed}})


def _within(field: str, **fields: Any) -> PolicyDocument:
    return replace(FULL, **{field: replace(getattr(FULL, field), **fields)})


_PAID = Dispute(FULL.payees["chidi"].address, "another firm", "ana", TODAY + 9 * DAY)
LOOSER = [
    ("operator", _payee("alice", operator="")),
    ("guardian", _payee("alice", guardian=None)),
    ("since", _payee("emre", since=TODAY - 50 * DAY)),
    ("named", _tier(named=())),
    ("delay", _tier(delay_seconds=0)),
    ("apart", _payee("dana", pace=replace(FULL.payees["dana"].pace, apart_seconds=4 * DAY))),
    ("often", _payee("dana", pace=replace(FULL.payees["dana"].pace, count=4))),
    ("not often", _payee("dana", pace=replace(FULL.payees["dana"].pace, count=0, window_seconds=0))),
    ("sources", _within("sanctions", sources=("ofac",))),
    ("max_age", _within("sanctions", max_age_seconds=14 * DAY)),
    ("disputes", _within("sanctions", disputes=(_PAID,))),
    ("tolerance", _within("models", tolerance_bps=2_000)),
    ("hours", replace(FULL, hours=None)),
    ("close", _within("hours", close_minutes=22 * 60)),
    ("freeze", replace(FULL, freezes=FULL.freezes[:1])),
    ("cooling_off", _within("newcomers", cooling_off_seconds=DAY)),
    ("newcomer", _within("newcomers", max_units={USDC: 700 * 10**6})),
    ("outflow", replace(FULL, outflow=None)),
    ("most", _within("holdings", most_bps={TokenId("WETH"): 7_500})),
    ("otherwise", _within("holdings", otherwise=Verdict.ASK)),
    ("least", _within("runway", least_seconds=100 * DAY)),
    ("slippage", _within("trading", max_slippage_bps=80)),
    ("share", _within("trading", max_pool_share_bps=800)),
    ("average", _within("trading", max_from_average_bps=150)),
    ("calm", _within("volatility", calm_bps=500)),
    ("over", _within("volatility", over_seconds=DAY // 2)),
    ("venue", _within("newcomers", venues={"aave": TODAY - 40 * DAY})),
]


@pytest.mark.parametrize(("name", "after"), LOOSER, ids=[name for name, _ in LOOSER])
def test_of_a_looser_policy_a_plan_is_shown_that_the_engine_judges_more_mildly(
    name: str, after: PolicyDocument
) -> None:
    changes = differences(FULL, after)
    assert loosens(changes)
    witness = find_witness(FULL, after, changes, 3_000)
    assert witness is not None, name
    again = loosened(witness.world, FULL, after)
    assert again is not None and again.loosened
    assert " -> " in told(witness, (FULL, after))[0]


def test_a_smaller_share_of_stables_is_shown_where_no_other_share_stops_the_plan() -> None:
    assert FULL.holdings is not None
    free = replace(FULL, holdings=replace(FULL.holdings, most_bps={}))
    after = replace(free, holdings=replace(free.holdings, stables_least_bps=2_000))
    witness = find_witness(free, after, differences(free, after), 3_000)
    assert witness is not None and witness.verdicts.old.verdict is Verdict.DENY
    assert {each.rule for each in witness.verdicts.old.findings if each.verdict is Verdict.DENY} == {"stables"}


def test_a_witness_says_when_and_by_whom_it_must_be_asked() -> None:
    frozen = replace(FULL, freezes=(Freeze(TODAY + 40 * DAY, TODAY + 41 * DAY, "audit"),))
    after = replace(FULL, freezes=())
    witness = find_witness(frozen, after, differences(frozen, after), 3_000)
    assert witness is not None
    assert any(line.startswith("at: 2030-04-2") for line in told(witness, (frozen, after)))
    asked = _payee("alice", operator="")
    witness = find_witness(FULL, asked, differences(FULL, asked), 3_000)
    assert witness is not None
    world = replace(witness.world, scenario=replace(witness.world.scenario, actor="operator:somebody"))
    assert loosened(world, FULL, asked) is None
    assert told(witness, (FULL, asked))[0].startswith("pay ")
    assert address(1006) not in "".join(told(witness, (FULL, asked)))
