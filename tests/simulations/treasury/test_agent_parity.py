"""The vectorised day and the real agent's agree: same trades, same verdicts, same balances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.forecasting import Terms
from policies.terms import PolicyDocument
from simulations.treasury.book import Asset, Book, Calendar
from simulations.treasury.conditions import CALM
from simulations.treasury.state import State
from simulations.treasury.stepping import step, walk
from strongroom.model import Idle, Pay, Supply, Swap, Withdraw
from tests.simulations.treasury import dao

BUSY = Calendar(0, (True,) * 400, (True,) * 400, (True,) * 400)
IDLE = {
    dao.USDC: Idle(dao.units(dao.USDC, 20_000), "aave", dao.units(dao.USDC, 5_000)),
    dao.DAI: Idle(dao.units(dao.DAI, 5_000), "aave", dao.units(dao.DAI, 5_000)),
}
# Less than a payday takes: payroll has to take back what is lent.
LENDING = replace(dao.MANDATE, idle=IDLE)


@pytest.mark.parametrize(
    ("policy", "terms"),
    [
        (dao.POLICY, Terms()),
        (dao.POLICY, Terms(guardians_sign=False)),
        (dao.looser(dao.POLICY), Terms()),
        (dao.looser(dao.POLICY), Terms(depth_e8=15_000_000 * 10**8, guardians_sign=False)),
    ],
    ids=["as configured", "nobody signs", "wider caps", "shallow pools"],
)
def test_two_hundred_path_days_of_the_step_are_the_planners_and_the_engines(
    policy: PolicyDocument, terms: Terms
) -> None:
    """Fifty of each treasury. The step holds whole tokens in floats: amounts agree to
    five millionths of a USD."""
    book = dao.book(terms, policy, LENDING)
    for state in sampled(book, 50):
        compare(book, state, policy)


def sampled(book: Book, count: int) -> list[State]:
    """Path-days drawn from a wild half year, with a day's move still ahead of them."""
    evenings = [state for state, _ in walk(book, dao.calendar(180), dao.returns(7, 180, count), {})]
    drawn = np.random.Generator(np.random.Philox(key=11)).integers(1, 180, size=count)
    return [dao.snapped(book, evenings[day], path) for path, day in enumerate(drawn.tolist())]


def compare(book: Book, state: State, policy: PolicyDocument) -> None:
    bare = replace(book, drawdown_bps=None, assets=tuple(_without_interest(asset) for asset in book.assets))
    after, acts = step(bare, BUSY, CALM, np.zeros((2, 1)), replace(state, day=state.day))
    agent = dao.Agent(book, state, policy, LENDING)
    paid = agent.run("payroll")
    assert [made.done for made in paid] == [bool(acts.paid[0])]
    assert not acts.paid[0] or paid[0].verdict == acts.payroll_verdict[0]
    made = agent.run("rebalance")
    trades = [trade for trade in acts.trades if trade.wanted[0]]
    assert [each.verdict for each in made] == [int(trade.verdict[0]) for trade in trades]
    assert [each.done for each in made] == [bool(trade.made[0]) for trade in trades]
    for each, trade in zip(made, trades, strict=True):
        (swap,) = (intent for intent in each.unit.intents if isinstance(intent, Swap))
        places = (int(trade.token_in[0]), int(trade.token_out[0]))
        assert tuple(book.assets[place].token for place in places) == (swap.token_in.value, swap.token_out.value)
        near(trade.tokens[0], swap.amount_in_units.value, book.assets[places[0]], state, places[0])
    agent.run("lend")
    for place, asset in enumerate(book.assets):
        near(after.liquid[place, 0], agent.liquid[asset.token], asset, state, place)
        near(after.lent[place, 0], agent.lent[asset.token], asset, state, place)


def _without_interest(asset: Asset) -> Asset:
    return replace(asset, loans=replace(asset.loans, rate_bps=0)) if asset.loans else asset


def near(tokens: float, units: int, asset: Asset, state: State, place: int) -> None:
    """What is sold is rounded down to a unit of the token, of USDC a millionth: a few of those, in every token."""
    grain = 5e-6 / state.prices[place, 0] if asset.price_e8 else 0.0
    assert tokens == pytest.approx(units / 10**asset.decimals, rel=1e-13, abs=grain + 4 / 10**asset.decimals)


def test_the_sample_meets_every_kind_of_unit_and_verdict() -> None:
    """Or the comparison would prove little."""
    seen = set()
    for terms in (Terms(), Terms(depth_e8=15_000_000 * 10**8)):
        book = dao.book(terms, dao.looser(dao.POLICY), LENDING)
        for state in sampled(book, 30):
            agent = dao.Agent(book, state, dao.looser(dao.POLICY), LENDING)
            for each in (*agent.run("payroll"), *agent.run("rebalance"), *agent.run("lend")):
                seen |= {(type(intent), each.verdict) for intent in each.unit.intents}
    assert {verdict for _, verdict in seen} == {0, 1, 2}
    assert {kind for kind, _ in seen} == {Pay, Swap, Supply, Withdraw}
