"""The tables of a policy: what it means that an entry is new or gone, and the keys of tokens that have defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.differing import shown
from policies.differing.change import Change, Direction, Place, Row
from policies.differing.compare import compare
from policies.differing.entries import Meaning, by_key, entries, means, section, tiers_forget
from policies.differing.payments import order_gone, order_new
from policies.markets import LENDING, Market, Reserve
from policies.terms import SWAPS, Cap, ListedToken, Payee, Pool, Venue
from policies.vaults import Vault
from policies.watching import WatchTerms
from strongroom.model import TokenId
from strongroom.quantities import format_seconds

LOOSER, TIGHTER, UNCLEAR, NEITHER = Direction.LOOSER, Direction.TIGHTER, Direction.UNCLEAR, Direction.NEITHER
_NEW, _GONE = means(LOOSER, "new"), means(TIGHTER, "gone")
_FORGOTTEN = "gone; what went there before no longer counts in the tiers of its class"


def _payee_new(payee: Payee, place: Place) -> tuple[Direction, str]:
    most = ", ".join(shown.units(u, place.new, place.below(t, t)) for t, u in payee.max_units.items())
    return LOOSER, f"new: `{payee.address}` in class {payee.bucket_class}, at most {most}"


def _cap_new(cap: Cap, place: Place) -> tuple[Direction, str]:
    most, held = (shown.units(units, place.new, place) for units in (cap.cap_units, cap.at_once_units))
    return LOOSER, f"new: at most {most} per {format_seconds(cap.window_seconds)}, {held} at once"


def _left(forgets: bool, was_new: bool = False) -> tuple[Direction, str]:
    if was_new:
        return UNCLEAR, "gone; what went there before no longer counts in what this newcomer got"
    return (UNCLEAR, _FORGOTTEN) if forgets else (TIGHTER, "gone")


def _is_newcomer(place: Place) -> bool:
    """Whether the venue that the place is in gets little for now."""
    newcomers = place.new.newcomers
    return newcomers is not None and place.path.split(".")[1] in newcomers.venues


def _token_gone(listed: ListedToken, place: Place) -> tuple[Direction, str]:
    """A token that counts in the treasury's value was part of every share of it, and its price was needed for all."""
    if place.new.holdings is not None and (listed.feeds or listed.price_as):
        return UNCLEAR, "gone; the shares in [holdings] are of another whole"
    return TIGHTER, "gone"


def _watch_new(terms: WatchTerms, place: Place) -> tuple[Direction, str]:
    if terms.own_token is not None and place.new.holdings is not None:
        return UNCLEAR, "new: a fall pauses the Kernel; `own_token` is outside [holdings] now"
    return TIGHTER, "new: a fall pauses the Kernel"


def _pool_gone(pool: Pool, place: Place) -> tuple[Direction, str]:
    return _left(tiers_forget(place.new, SWAPS, pool.tokens), _is_newcomer(place))


def _venue_gone(venue: Venue, place: Place) -> tuple[Direction, str]:
    return _left(any(tiers_forget(place.new, SWAPS, pool.tokens) for pool in venue.pools))


def _reserve_gone(reserve: Reserve, place: Place) -> tuple[Direction, str]:
    return _left(tiers_forget(place.new, LENDING, (reserve.token,)), _is_newcomer(place))


def _market_gone(market: Market, place: Place) -> tuple[Direction, str]:
    return _left(tiers_forget(place.new, LENDING, tuple(reserve.token for reserve in market.reserves)))


def _vault_gone(vault: Vault, place: Place) -> tuple[Direction, str]:
    return _left(tiers_forget(place.new, LENDING, (vault.token,)))


def _flat(caps: Mapping[str, Mapping[TokenId, Cap]]) -> Mapping[str, Cap]:
    return {f"{name}.{token}": cap for name, by_token in caps.items() for token, cap in by_token.items()}


def _own_account(_old: Any, _new: Any, _place: Place) -> Iterator[Change]:
    """A token's account is the document's; [account] names it once."""
    return iter(())


def _feeds(old: ListedToken, new: ListedToken, place: Place) -> Iterator[Change]:
    at, said = place.below("feeds"), f"{shown.listed(new.feeds)}, was {shown.listed(old.feeds)}"
    if not old.feeds:
        yield at.change(LOOSER, f"{said}; it is priced now")
    elif sorted(old.feeds) == sorted(new.feeds) and not (place.old.volatility and place.new.volatility):
        yield at.change(NEITHER, "in another order")
    else:
        yield at.change(UNCLEAR, f"{said}; other feeds, other prices: what they let happen cannot be told")


def _max_age(old: ListedToken, new: ListedToken, place: Place) -> Iterator[Change]:
    """Without its own a token has that of [prices]."""
    before = old.max_age_seconds or place.old.bounds.max_age_seconds
    after = new.max_age_seconds or place.new.bounds.max_age_seconds
    direction = LOOSER if after > before else TIGHTER if after < before else NEITHER
    yield place.below("max_age").change(direction, shown.was(shown.seconds, before, after, place))


def _source(old: ListedToken, new: ListedToken, place: Place) -> Iterator[Change]:
    at, said = place.below("source"), shown.was(shown.plain, old.source, new.source, place)
    if old.source is None:
        yield at.change(LOOSER, f"{said}; the agent's key alone may swap it")
    elif new.source is None and place.old.watch is None and place.new.watch is None:
        yield at.change(TIGHTER, f"{said}; it is swapped only with guardians")
    else:
        yield at.change(UNCLEAR, f"{said}; what another source says cannot be told")


_DEBT = (
    means(UNCLEAR, "new: the agent may repay it, and the Kernel lets nobody take back what is lent there"),
    means(UNCLEAR, "gone: the agent repays it no more, and what is lent there may be taken back"),
)
_LOSSES: tuple[Meaning, Meaning] = (
    lambda limit, _: (LOOSER, f"new: the agent's key alone may swap, and lose {shown.usd(limit.cap_e8)}"),
    means(TIGHTER, "gone: swaps are for guardians"),
)
_STOP = _watch_new, means(LOOSER, "gone: no fall pauses the Kernel")
_GUARD = (
    means(TIGHTER, "new: changes of who commands the Safe wait"),
    means(LOOSER, "gone: changes of who commands the Safe wait for nothing"),
)

ACCOUNT = section("account", "account", None, compare)
OWN_ACCOUNT = Row(("account",), _own_account)
TOKEN = section("token", "", None, compare)
FEEDS, MAX_AGE, SOURCE = Row(("feeds",), _feeds), Row(("max_age_seconds",), _max_age), Row(("source",), _source)
TOKENS = entries("tokens", "tokens", (_NEW, _token_gone), compare, lambda listed: listed.token.id)
PAYEES = entries("payees", "payees", (_payee_new, means(TIGHTER, "gone: it is paid no more")), compare)
VENUES = entries("venues", "venues", (_NEW, _venue_gone), compare)
MARKETS = entries("markets", "venues", (_NEW, _market_gone), compare)
WRAPPERS = entries("wrappers", "venues", (_NEW, _GONE), compare)
VAULTS = entries("vaults", "venues", (_NEW, _vault_gone), compare, lambda vault: vault.token)
CAPS = entries("caps", "caps", (_cap_new, _GONE), compare, lambda cap: cap.token, _flat)
ORDERS = entries("orders", "orders", (order_new, order_gone), compare, lambda order: order.token)
POOLS = entries("pools", "pools", (_NEW, _pool_gone), compare, by=by_key("address"))
RESERVES = entries("reserves", "reserves", (_NEW, _reserve_gone), compare, lambda each: each.token, by_key("token"))
DEBTS = entries("debts", "debts", _DEBT, compare, by=by_key("token"))
GUARDIANS = section("guardians", "guardians", None, compare)
PRICES = section("bounds", "prices", None, compare)
LOSS_LIMIT = section("losses", "swaps", _LOSSES, compare)
ACTION_LIMIT = section("actions", "actions", None, compare)
GAS = section("gas", "gas", None, compare)
KERNEL = section("kernel", "kernel", None, compare)
WATCH = section("watch", "watch", _STOP, compare)
OWNER_GUARD = section("owner_guard", "owner_guard", _GUARD, compare)
