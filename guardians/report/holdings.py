"""A treasury in shares, before and after, in integers: the numbers under the chart and its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

from strongroom.model import Block, Facts, TokenId
from strongroom.plain import from_plain, to_plain
from strongroom.valuation import BPS, Price, value_e8_down

if TYPE_CHECKING:
    from policies.terms import PolicyDocument
    from strongroom.ledger.entries import Entry
    from strongroom.settings import Weight


@dataclass(frozen=True, slots=True)
class Holding:
    """One listed token, in the Safe and lent together; `units` is missing where the chain did not answer, the value at
    the low price (USD scaled by 1e8) without a healthy price, the share of the weighted tokens (basis points, rounded
    down) without all of them. `lent_units` of `units` lie at markets, interest included."""

    units: int | None
    lent_units: int
    usd_e8: int | None
    share_bps: int | None


@dataclass(frozen=True, slots=True)
class Picture:
    """The treasury at one block. `nav_e8` counts unpriced tokens zero and is missing while a balance is."""

    block: Block
    holdings: Mapping[TokenId, Holding]
    nav_e8: int | None
    unpriced: tuple[TokenId, ...]


def picture(facts: Facts, document: PolicyDocument, weights: Mapping[TokenId, Weight]) -> Picture:
    """The treasury by the policy's own prices at the facts' block."""
    from policies.pricing import holdings as held_and_lent
    from policies.pricing import prices, supplied

    found, held = prices(facts, document), held_and_lent(facts, document)
    shares = _shares(facts, document, weights)
    holdings, unpriced = {}, []
    for token, listed in document.tokens.items():
        units, price = held.get(token), found[token]
        value = None
        if isinstance(price, Price) and units is not None:
            value = value_e8_down(units, listed.token.decimals, price.low_e8)
        elif not isinstance(price, Price):
            unpriced.append(token)
        lent = 0 if units is None else supplied(token, facts, document)
        holdings[token] = Holding(units, lent, value, shares.get(token))
    known = all(holding.units is not None for holding in holdings.values())
    nav = sum(holding.usd_e8 or 0 for holding in holdings.values()) if known else None
    return Picture(facts.block, holdings, nav, tuple(unpriced))


def _shares(facts: Facts, document: PolicyDocument, weights: Iterable[TokenId]) -> Mapping[TokenId, int]:
    """As the planner weighs; none while a weighted token has no value."""
    from policies.pricing import weighed

    values = weighed(weights, facts, document)
    total = sum(values.values())
    return {token: value * BPS // total for token, value in values.items()} if total else {}


def recorded_facts(entries: Iterable[Entry]) -> Facts | None:
    """The first facts among `entries` that this version can still read, as far as a picture needs them."""
    for entry in entries:
        if entry.type == "tool.res" and isinstance(entry.body.get("facts"), dict):
            try:
                return from_plain(Facts, _needed(entry.body["facts"]))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return None


def _needed(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What pictures are made of. Facts of an earlier version lack what was added since; that part is left empty."""
    empty = {each.name: to_plain(each.default) for each in fields(Facts) if each.default is not MISSING}
    empty |= {each.name: {} for each in fields(Facts) if each.default_factory is not MISSING}
    kept = {name: plain[name] for name in ("account", "block", "safe", "tokens", "balances", "rounds", "gas")}
    return {"kind": "Facts", **empty, "queue": [], "outflows": [], **kept}
