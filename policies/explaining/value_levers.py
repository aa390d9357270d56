"""The limits of what leaves in USD, of shares, runway and markets, as levers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from policies.case import Case
from policies.explaining.lever import WIDE_UNITS, Lever, with_entry, with_room
from policies.holdings import HoldingTerms
from policies.outflow import OutflowLimit
from policies.terms import PolicyDocument
from policies.trading import TradingTerms
from strongroom.model import TokenId

USD = "USD"
_WIDEST_BPS = 9_999
_SHORTEST_SECONDS = 1
Write = Callable[[PolicyDocument, int], PolicyDocument]

_BOUNDS: tuple[tuple[str, Callable[[TradingTerms], int | None], Callable[[TradingTerms, int], TradingTerms]], ...] = (
    ("max_slippage", lambda terms: terms.max_slippage_bps, lambda old, bps: replace(old, max_slippage_bps=bps)),
    ("max_impact", lambda terms: terms.max_impact_bps, lambda old, bps: replace(old, max_impact_bps=bps)),
    ("max_pool_share", lambda terms: terms.max_pool_share_bps, lambda old, bps: replace(old, max_pool_share_bps=bps)),
    (
        "max_from_average",
        lambda terms: terms.max_from_average_bps,
        lambda old, bps: replace(old, max_from_average_bps=bps),
    ),
)


def value_levers(case: Case) -> Iterator[Lever]:
    """Those of the tables that the policy has. The outflow's `cap` goes along with its `at_once`, which is at most
    `never_above`."""
    document = case.document
    if limit := document.outflow:
        yield Lever("outflow", "at_once", USD, limit.at_once_e8, WIDE_UNITS, _outflow(_write_at_once))
        never = _outflow(lambda old, e8: replace(old, never_e8=e8))
        yield Lever("outflow", "never_above", USD, limit.never_e8, WIDE_UNITS, never)
    if terms := document.holdings:
        yield from _holdings(terms)
    if (runway := document.runway) and runway.least_seconds > _SHORTEST_SECONDS:
        yield Lever("runway", "least", "seconds", runway.least_seconds, _SHORTEST_SECONDS, _write_runway)


def market_levers(document: PolicyDocument) -> Iterator[Lever]:
    """Those that swaps are measured by."""
    for key, read, write in _BOUNDS:
        bps = read(document.trading)
        if bps is not None:
            yield Lever("swaps", key, "bps", bps, _WIDEST_BPS, _traded(write))
    if swings := document.volatility:
        yield Lever("volatility", "calm", "bps", swings.calm_bps, _WIDEST_BPS, _write_calm)


def _outflow(write: Callable[[OutflowLimit, int], OutflowLimit]) -> Write:
    def written(document: PolicyDocument, e8: int) -> PolicyDocument:
        assert document.outflow is not None  # the lever is of its table
        return replace(document, outflow=write(document.outflow, e8))

    return written


def _write_at_once(old: OutflowLimit, e8: int) -> OutflowLimit:
    return replace(old, at_once_e8=e8, cap_e8=with_room(old.cap_e8, old.at_once_e8, e8))


def _holdings(terms: HoldingTerms) -> Iterator[Lever]:
    for token, bps in terms.most_bps.items():
        yield Lever("holdings", f"most of {token}", "bps", bps, _WIDEST_BPS, _most(token))
    if terms.stables_least_bps:
        yield Lever("holdings", "stables_least", "bps", terms.stables_least_bps, 0, _write_stables)


def _most(token: TokenId) -> Write:
    def written(document: PolicyDocument, bps: int) -> PolicyDocument:
        assert document.holdings is not None  # the lever is of its table
        most = with_entry(document.holdings.most_bps, token, bps)
        return replace(document, holdings=replace(document.holdings, most_bps=most))

    return written


def _write_stables(document: PolicyDocument, bps: int) -> PolicyDocument:
    assert document.holdings is not None  # the lever is of its table
    return replace(document, holdings=replace(document.holdings, stables_least_bps=bps))


def _write_runway(document: PolicyDocument, seconds: int) -> PolicyDocument:
    assert document.runway is not None  # the lever is of its table
    return replace(document, runway=replace(document.runway, least_seconds=seconds))


def _traded(write: Callable[[TradingTerms, int], TradingTerms]) -> Write:
    return lambda document, bps: replace(document, trading=write(document.trading, bps))


def _write_calm(document: PolicyDocument, bps: int) -> PolicyDocument:
    assert document.volatility is not None  # the lever is of its table
    return replace(document, volatility=replace(document.volatility, calm_bps=bps))
