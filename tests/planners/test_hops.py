"""A plan says what the way through another token would bring, and takes none that the mandate did not name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.planners.deterministic import DeterministicPlanner
from agent.planners.hops import better_through
from policies.engine import decide
from policies.scenario import Scenario, stage
from policies.terms import UNISWAP_V2, PolicyDocument, Pool
from simulations.multi_hop import best_flow
from strongroom.addresses import to_address
from strongroom.mandate import Trade
from strongroom.model import Facts, Label, Labelled, PairState, Swap, TokenId, Verdict
from strongroom.pacing_settings import AT_ONCE
from strongroom.settings import Mandate, Weight
from tests.planners.study import DAI, DOCUMENT, E8, USDC, WETH, ask, facts, units

DIRECT = Pool(to_address(bytes.fromhex("d1" * 20)), (WETH, DAI), 3_000)
VENUE = next(venue for venue in DOCUMENT.venues.values() if venue.kind == UNISWAP_V2)
TRIANGLE: PolicyDocument = replace(
    DOCUMENT, venues={**DOCUMENT.venues, VENUE.id: replace(VENUE, pools=(*VENUE.pools, DIRECT))}
)
TRADE = Trade(WETH, DAI, units(WETH, 10))


def seen(weth: int, price: int = 3_000) -> Facts:
    """With a pair of ether and DAI that holds so much ether, at the feeds' price or another."""
    held = facts()
    sides = {address(WETH): units(WETH, weth), address(DAI): units(DAI, price * weth)}
    low, high = sorted(sides, key=lambda each: int(each, 16))
    pair = PairState(DIRECT.address, low, high, sides[low], sides[high])
    return replace(held, pairs=(*held.pairs, pair))


def address(token: TokenId) -> str:
    return DOCUMENT.tokens[token].token.address


def test_a_thin_pool_beside_deep_ones_makes_the_plan_say_what_the_other_way_brings() -> None:
    mandate = Mandate((), 6, {WETH: Weight(6_000, 300), DAI: Weight(4_000, 300)}, pacing=AT_ONCE)
    (said,) = DeterministicPlanner(mandate, TRIANGLE).plan(ask("rebalance"), seen(2_000)).rationale.split("; ")[1:]
    assert said.startswith("through USDC the same would bring ")
    assert said.endswith(" bp")


def test_a_deep_pool_that_pays_its_own_fee_leaves_nothing_to_say() -> None:
    assert better_through(TRADE, seen(10_000_000, 3_010), TRIANGLE) == ""


def test_where_there_is_no_other_way_or_no_direct_one_nothing_is_said() -> None:
    assert better_through(TRADE, facts(), TRIANGLE) == ""
    alone = replace(seen(2_000), pools=(), pairs=seen(2_000).pairs[-1:])
    assert better_through(TRADE, alone, TRIANGLE) == ""


@settings(max_examples=25)
@given(weth=st.integers(100, 5_000), sold=st.integers(1, 50))
def test_the_more_that_is_told_is_what_the_best_flow_brings_beyond_the_pair(weth: int, sold: int) -> None:
    """The pair alone by its own formula, x * y = k with a fee of 0.3 %; gas of a hop besides."""
    trade, at = replace(TRADE, units_in=units(WETH, sold)), seen(weth)
    reserve, given_in = units(WETH, weth), units(WETH, sold) * 997
    alone = given_in * units(DAI, 3_000 * weth) // (reserve * 1_000 + given_in)
    whole = best_flow((*at.pools, *at.pairs), address(WETH), address(DAI), trade.units_in)  # type: ignore[arg-type]
    assert whole is not None
    said = better_through(trade, at, TRIANGLE)
    more = int(said.split(" DAI more")[0].rpartition(" ")[2].replace(",", "").partition(".")[0]) if said else 0
    assert units(DAI, more) <= whole.units_out - alone
    # Two hops and three at most beyond the first, a few dollars of gas each.
    assert said or whole.units_out - alone < alone // 10_000 + units(DAI, 60)


def test_the_engine_denies_a_unit_of_two_hops_which_is_why_none_is_planned() -> None:
    """It holds what the token in between has risen by, less what is sold on, against the floor for all of it. Once that
    is mended, docs/adr/0007 says what else is needed."""
    first = Swap("a", *labelled(WETH, USDC), Labelled(units(WETH, 2), Label.MANDATE), WHY)
    second = Swap("b", *labelled(USDC, DAI), Labelled(units(USDC, 5_900), Label.MANDATE), WHY)
    assert denying(first) == denying(second) == set()
    assert denying(first, second) == {"losses"}


WHY = Labelled("back to the mandate's weights", Label.MANDATE)


def labelled(*tokens: TokenId) -> Iterator[Labelled[TokenId]]:
    return (Labelled(token, Label.MANDATE) for token in tokens)


def denying(*swaps: Swap) -> set[str]:
    """The rules that deny a unit of these swaps."""
    prices = {USDC: E8, DAI: E8, WETH: 3_000 * E8}
    staged = stage(Scenario(swaps, facts().balances, prices, arrives_bps=9_970), DOCUMENT)
    found = decide(staged.compiled, staged.action, staged.rehearsal, staged.facts, DOCUMENT).findings
    return {each.rule for each in found if each.verdict is Verdict.DENY}
