"""From documents to a book: the policy becomes plain numbers, and its verdict on the payroll is the engine's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.flows import read_flows
from agent.forecasting import Start, Terms, book_of, calendar_of, unmodelled
from policies.cases import sample
from policies.document import load
from simulations.treasury.book import ALLOW, ASK, DENY
from strongroom.errors import BadValue
from strongroom.model import TokenId
from strongroom.quantities import parse_day
from strongroom.settings import Mandate, load_mandate, load_schedule
from strongroom.world.treasury import PRICES_E8, TREASURY

CONFIG = Path(__file__).parents[2] / "config"
POLICY = load((CONFIG / "policy.toml").read_text())
DECIMALS = {token: listed.token.decimals for token, listed in POLICY.tokens.items()}
MANDATE: Mandate = load_mandate((CONFIG / "mandate.toml").read_text(), DECIMALS)
START = Start(dict(TREASURY.holdings), {token: each[0] for token, each in PRICES_E8.items()}, 1_767_225_600)
SERIES = ("BTC", "ETH")
USDC, WETH = TokenId("USDC"), TokenId("WETH")


def test_the_payrolls_verdict_is_the_engines() -> None:
    """Standing orders pay it alone; without them it is above the team's caps, and one payee's maximum denies it all."""
    assert book_of(MANDATE, POLICY, START, Terms(), SERIES).payroll_verdict == ALLOW
    unordered = replace(POLICY, orders={})
    assert book_of(MANDATE, unordered, START, Terms(), SERIES).payroll_verdict == ASK
    small = replace(POLICY.payees["alice"], max_units={USDC: 1})
    strict = replace(POLICY, payees={**POLICY.payees, "alice": small})
    assert book_of(MANDATE, strict, START, Terms(), SERIES).payroll_verdict == DENY


def test_what_stands_in_the_policy_stands_in_the_book() -> None:
    book = book_of(MANDATE, POLICY, START, Terms(), SERIES)
    ether, usdc = book.assets[book.place(WETH)], book.assets[book.place(USDC)]
    assert (ether.series, usdc.series) == (1, None)
    assert (ether.target_bps, ether.band_bps) == (6_000, 300)
    assert usdc.payroll_units == 34_500 * 10**6
    assert usdc.keep_units == 100_000 * 10**6
    assert ether.swaps is not None
    assert ether.swaps.never_units == 100 * 10**18
    assert usdc.loans is not None
    assert usdc.loans.most_units == 300_000 * 10**6
    assert (book.drawdown_bps, book.market.max_loss_bps) == (1_000, 100)
    assert {tuple(sorted((book.assets[a].token, book.assets[b].token))): fee for (a, b), fee in book.pairs.items()} == {
        ("USDC", "WETH"): 500,
        ("DAI", "USDC"): 500,
    }


def test_a_share_at_a_market_counts_as_lent() -> None:
    share = next(share for share, (_, reserve) in POLICY.shares().items() if reserve.token == USDC)
    lent = Start({**START.balances, share: 77}, START.prices_e8, START.at)
    loans = book_of(MANDATE, POLICY, lent, Terms(), SERIES).assets[1].loans
    assert loans is not None
    assert loans.units == 77


def test_a_token_without_a_history_or_a_price_is_named_with_the_mend() -> None:
    with pytest.raises(BadValue, match=r"`WETH` cannot be used for a token with a history; .*`--like WETH=…`"):
        book_of(MANDATE, POLICY, START, Terms(), ("BTC",))
    bare = Start(START.balances, {USDC: 10**8, TokenId("DAI"): 10**8}, START.at)
    with pytest.raises(BadValue, match=r"`0` cannot be used for the price of WETH; .*`--price`"):
        book_of(MANDATE, POLICY, bare, Terms(), SERIES)
    followed = book_of(MANDATE, POLICY, START, Terms(like={"WETH": "BTC", "ETH": "USD"}), SERIES)
    assert [asset.series for asset in followed.assets[:4]] == [0, None, None, None]


def test_jobs_run_on_their_days_in_their_zones() -> None:
    """A job at 00:30 on the first in Berlin is on the last of the month in UTC."""
    text = '[jobs.pay]\noperation = "payroll"\ncron = "30 0 1 * *"\ntimezone = "Europe/Berlin"\nmissed = "once"\n'
    jobs = load_schedule(text + 'within = "5 days"\n')
    calendar = calendar_of(jobs, parse_day("2026-01-01", "a day"), 60)
    assert [day for day, pays in enumerate(calendar.pays) if pays] == [31 - 1, 31 + 28 - 1]
    assert not any(calendar.rebalances)
    assert not any(calendar.lends)


def test_rules_that_no_forecast_minds_are_named() -> None:
    assert unmodelled(POLICY) == ()
    found = unmodelled(load(sample("active_treasury")[0]))
    assert set(found) >= {
        "[outflow]",
        "[holdings]",
        "[runway]",
        "[volatility]",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("token,day,amount\n", "`flows.csv` cannot be used for flows"),
        ("day,token,amount\n2026-01-05,USDC\n", "`2026-01-05,USDC` cannot be used for line 2 of flows.csv"),
        ("day,token,amount\n2025-01-05,USDC,1\n", "`2025-01-05` cannot be used for line 2 of flows.csv"),
        ("day,token,amount\n2026-01-05,NOPE,1\n", "`NOPE` cannot be used for line 2 of flows.csv"),
        ("day,token,amount\n2026-01-05,USDC,1e9\n", "`1e9` cannot be used for line 2 of flows.csv"),
    ],
)
def test_flows_that_cannot_be_used_are_named_by_their_line(text: str, said: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_flows(text, "flows.csv", DECIMALS, START.at, 30)
    assert str(refused.value).startswith(said)


def test_flows_arrive_and_fall_due_in_exact_units() -> None:
    rows = read_flows("day,token,amount\n2026-01-01,USDC,0.5\n2026-01-30,WETH,-2\n", "f", DECIMALS, START.at, 30)
    assert [(flow.day, flow.token, flow.units) for flow in rows] == [(0, USDC, 500_000), (29, WETH, -2 * 10**18)]
