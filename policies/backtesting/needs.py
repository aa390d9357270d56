"""What each rule must know of a transaction, and whether a history says it: a rule that lacks something is not
evaluable for that row, which is neither an allow nor a deny."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from policies.backtesting.rows import By, HistoryRow
from policies.case import Case
from policies.effects import Rebase
from policies.rules import RULES


class Known(StrEnum):
    """What a rule may need, in words for people."""

    BYTES = "calldata"
    EFFECTS = "what really moved"
    ALLOWANCES = "what stayed approved"
    BALANCES = "balances at that time"
    PRICES = "prices of that day"
    PAST_PRICES = "the feeds' earlier rounds"
    POOLS = "the pools' state at that time"
    MARKETS = "the markets' state at that time"
    GAS = "gas used and its base fee"
    SAFE = "the Safe's owners, modules and guard before and after"
    KERNEL = "the Kernel's state at that time"
    WATCH = "the watch's state at that time"
    LISTS = "the deny lists of that day"
    INTENTS = "what was meant and who chose it"
    ENVELOPE = "what was declared beforehand"
    ACTOR = "who asked for it"


When = Callable[[Case, HistoryRow], bool]


def _always(case: Case, row: HistoryRow) -> bool:
    return True


def _swaps(case: Case, row: HistoryRow) -> bool:
    return bool(case.exchanges)


def _moves_value(case: Case, row: HistoryRow) -> bool:
    return bool(case.payments or case.exchanges or case.conversions)


def _holdings(case: Case, row: HistoryRow) -> bool:
    return case.document.holdings is not None and _moves_value(case, row)


def _runway(case: Case, row: HistoryRow) -> bool:
    return case.document.runway is not None and _holdings(case, row)


def _watched(case: Case, row: HistoryRow) -> bool:
    return case.document.watch is not None or any(isinstance(move, Rebase) for move in case.moves)


def _drawn(case: Case, row: HistoryRow) -> bool:
    return case.document.watch is not None and bool(case.exchanges or case.conversions)


def _in_usd(case: Case, row: HistoryRow) -> bool:
    return case.document.outflow is not None and bool(case.payments)


def _asks_models(case: Case, row: HistoryRow) -> bool:
    return case.document.models is not None


def _asks_lists(case: Case, row: HistoryRow) -> bool:
    return case.document.sanctions is not None


def _pays_operator(case: Case, row: HistoryRow) -> bool:
    payees = (case.document.payee_at(payment.recipient) for payment in case.payments)
    return any(payee is not None and payee.operator for payee in payees)


def _by_module(case: Case, row: HistoryRow) -> bool:
    return row.by is By.MODULE


def _lends(case: Case, row: HistoryRow) -> bool:
    return bool(case.conversions)


def _bounds(bound: str) -> When:
    """Where the policy's `trading` has this bound and something is swapped."""
    return lambda case, row: bool(case.exchanges) and getattr(case.document.trading, bound) is not None


def _swings(case: Case, row: HistoryRow) -> bool:
    return case.document.volatility is not None and bool(case.exchanges)


@dataclass(frozen=True, slots=True)
class Need:
    """What a rule must know, `when` the policy and the transaction make it ask."""

    of: frozenset[Known]
    when: When = _always


def _need(*of: Known, when: When = _always) -> Need:
    return Need(frozenset(of), when)


NEEDS: Mapping[str, Need] = {
    "account": _need(),
    "action": _need(Known.BYTES),
    "rehearsed": _need(Known.EFFECTS),
    "calls": _need(Known.BYTES),
    "intents": _need(Known.INTENTS),
    "provenance": _need(Known.INTENTS),
    "agreement": _need(Known.INTENTS, when=_asks_models),
    "tokens": _need(),
    # By the calls alone where nothing shows what moved: who gains besides is then not seen, who is paid is.
    "payees": _need(),
    "lookalikes": _need(),
    "conflicts": _need(Known.ACTOR, when=_pays_operator),
    "sanctions": _need(Known.LISTS, when=_asks_lists),
    "payments": _need(),
    "venues": _need(Known.BYTES),
    "lending": _need(Known.MARKETS, when=_lends),
    "envelope": _need(Known.ENVELOPE, Known.EFFECTS),
    "leftovers": _need(Known.ALLOWANCES),
    "safe_state": _need(Known.SAFE),
    "grants": _need(Known.KERNEL, when=_by_module),
    # The past is the history itself, as far back as it goes.
    "caps": _need(),
    "outflow": _need(Known.PRICES, when=_in_usd),
    "approvals": _need(),
    "reserves": _need(Known.EFFECTS, Known.BALANCES),
    "concentration": _need(Known.EFFECTS, Known.BALANCES, Known.PRICES, when=_holdings),
    "stables": _need(Known.EFFECTS, Known.BALANCES, Known.PRICES, when=_holdings),
    "runway": _need(Known.EFFECTS, Known.BALANCES, Known.PRICES, when=_runway),
    "prices": _need(Known.PRICES, when=_swaps),
    "losses": _need(Known.EFFECTS, Known.PRICES, when=_swaps),
    "drawdown": _need(Known.WATCH, when=_drawn),
    "watch": _need(Known.WATCH, when=_watched),
    "gas": _need(Known.GAS),
    "slippage": _need(Known.EFFECTS, when=_bounds("max_slippage_bps")),
    "impact": _need(Known.EFFECTS, Known.POOLS, when=_bounds("max_impact_bps")),
    "depth": _need(Known.POOLS, when=_bounds("max_pool_share_bps")),
    "averages": _need(Known.POOLS, when=_bounds("max_from_average_bps")),
    "volatility": _need(Known.PAST_PRICES, when=_swings),
    "hours": _need(),
    "freezes": _need(),
    "pace": _need(),
    "newcomers": _need(),
}
"""Every rule by its name. The engine's own findings need nothing."""

_UNKNOWN = _need(Known.INTENTS)
"""A rule that is not in the table needs what nobody knows: it is never taken to allow."""


def lacks(case: Case, row: HistoryRow, known: frozenset[Known]) -> dict[str, frozenset[Known]]:
    """What each rule that cannot judge the row would need and does not know here; all others can."""
    return {rule: want for rule, want, when in _wanting(known) if when is _always or when(case, row)}


@cache
def _wanting(known: frozenset[Known]) -> tuple[tuple[str, frozenset[Known], When], ...]:
    """The rules that know too little, what they lack, and which rows make them ask for it."""
    needs = ((rule, NEEDS.get(rule, _UNKNOWN)) for rule in RULES)
    return tuple((rule, need.of - known, need.when) for rule, need in needs if need.of - known)
