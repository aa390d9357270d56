"""What must hold between the parts of a policy; each check names the key to mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from policies.addressbook import check_lookalikes
from policies.conflicts import check_conflicts
from policies.debts import REPAYMENTS, check_debts
from policies.delays import check_delays
from policies.health import check_health
from policies.holdings import check_holdings
from policies.markets import EXITS, LENDING, Market
from policies.orders import amount, check_orders
from policies.outflow import check_outflow
from policies.owner_guarding import check_owner_guard
from policies.runway import check_runway
from policies.sanctions import check_sanctions
from policies.terms import SWAPS, UNISWAP_V2, Cap, ListedToken, Payee, PolicyDocument, Pool, Venue
from policies.tiers import check_tiers
from policies.timing import check_timing
from policies.trading import check_trading
from policies.usd import written_usd
from policies.vaults import check_vaults
from policies.watching import check_watch
from policies.wrapping import WRAPS, check_wrappers
from strongroom.errors import BadValue, NotNamed
from strongroom.model import NATIVE, Address
from strongroom.protocols.kernel import MAX_DELAY_SECONDS, MIN_DELAY_SECONDS, MIN_WINDOW_SECONDS
from strongroom.quantities import format_seconds, quantity

_PAIR_FEE_PIPS = 3_000


def check(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction."""
    checks: tuple[Callable[[PolicyDocument, str], None], ...] = (
        _addresses_differ,
        check_lookalikes,
        _tokens,
        _payees,
        _pools,
        _markets,
        _caps,
        _guardians,
        _scalars,
        _kernel,
        check_orders,
        check_delays,
        check_watch,
        check_wrappers,
        check_debts,
        check_vaults,
        check_owner_guard,
        check_conflicts,
        check_tiers,
        check_sanctions,
        check_timing,
        check_health,
        check_outflow,
        check_holdings,
        check_runway,
        check_trading,
    )
    for one in checks:
        one(document, name)


def _addresses_differ(document: PolicyDocument, name: str) -> None:
    """One address has one meaning: a payee that is also a token or a router would be paid into a hole."""
    places: dict[Address, str] = {}
    for address, place in _named(document):
        if address in places:
            mend = f"it stands there twice, also for {places[address]}; give each entry its own address"
            raise BadValue(address, f"{place} of {name}", mend)
        places[address] = place


def _named(document: PolicyDocument) -> Iterable[tuple[Address, str]]:
    """Each address with the key that it stands at."""
    yield document.account.safe, "`safe` in [account]"
    yield document.multisend, "`multisend` in [account]"
    yield from ((each.token.address, f"`address` in [tokens.{id_}]") for id_, each in document.tokens.items())
    yield from (
        (each.address, f"`address` in [payees.{id_}]")
        for id_, each in document.payees.items()
        if each.address != NATIVE
    )
    for id_, venue in document.venues.items():
        yield from ((each.address, f"a pool of [venues.{id_}]") for each in venue.pools)
        parts = (("router", venue.router), ("quoter", venue.quoter), ("lens", venue.lens))
        yield from ((each, f"`{key}` in [venues.{id_}]") for key, each in parts if each is not None)
    for id_, market in document.markets.items():
        yield market.pool, f"`pool` in [venues.{id_}]"
        yield from ((each.share, f"`share` of {each.token} in [venues.{id_}]") for each in market.reserves)
        yield from ((each.meter, f"`meter` of {each.token} in [venues.{id_}]") for each in market.debts)
    yield from ((vault.address, f"`vault` in [venues.{id_}]") for id_, vault in document.vaults.items())


def _tokens(document: PolicyDocument, name: str) -> None:
    if not document.tokens:
        raise NotNamed("tokens", name, "list at least one token")
    for listed in document.tokens.values():
        _token(document, listed, f"token `{listed.token.id}` in {name}")


def _token(document: PolicyDocument, listed: ListedToken, where: str) -> None:
    if listed.source and not listed.feeds:
        raise BadValue(listed.source, f"`source` of {where}", "only a token with feeds of its own has a source")
    least = document.bounds.min_sources
    if listed.feeds and (len(listed.feeds) < least or len(set(listed.feeds)) != len(listed.feeds)):
        raise BadValue(
            ", ".join(listed.feeds), f"`feeds` of {where}", f"name at least {least} different sources, or none"
        )
    if listed.price_as is None:
        return
    lender = document.tokens.get(listed.price_as)
    if listed.feeds or lender is None or not lender.feeds or lender.token.decimals != listed.token.decimals:
        raise BadValue(listed.price_as, f"`price_as` of {where}", "name a listed token with feeds and as many decimals")


def _payees(document: PolicyDocument, name: str) -> None:
    for payee in document.payees.values():
        where = f"payee `{payee.id}` in {name}"
        if payee.address == NATIVE:
            raise BadValue(payee.address, where, "the zero address burns what it gets")
        if payee.bucket_class in (SWAPS, LENDING, WRAPS, REPAYMENTS, EXITS):
            mend = "swaps, lending, wrapping and repayments have theirs for themselves; name another"
            raise BadValue(payee.bucket_class, f"`class` of {where}", mend)
        _payee_is_capped(document, payee, where)


def _payee_is_capped(document: PolicyDocument, payee: Payee, where: str) -> None:
    for token, units in payee.max_units.items():
        cap = document.cap(payee.bucket_class, token)
        if cap is None:
            raise BadValue(
                payee.bucket_class, f"`class` of {where}", f"write [caps.{payee.bucket_class}.{token}] first"
            )
        if units > cap.never_units:
            most = amount(token, cap.never_units, document)
            mend = f"`never_above` of [caps.{payee.bucket_class}.{token}] is {most}; change one of the two"
            raise BadValue(amount(token, units, document), f"`at_most` of {where}", mend)


def _pools(document: PolicyDocument, name: str) -> None:
    for venue in document.venues.values():
        for pool in venue.pools:
            _pool(document, venue, pool, f"pool `{pool.address}` in {name}")
        _pools_differ(venue.pools, name)


def _pool(document: PolicyDocument, venue: Venue, pool: Pool, where: str) -> None:
    for token in pool.tokens:
        if not document.feeds_of(token) or document.is_native(token):
            raise BadValue(token, where, "only tokens with price feeds are swapped, and ether as its wrapped token")
    if not 0 < pool.fee_pips < 1_000_000:
        raise BadValue(pool.fee_pips, f"`fee` of {where}", "write the pool's fee, for example `0.05 %`")
    if venue.kind == UNISWAP_V2 and pool.fee_pips != _PAIR_FEE_PIPS:
        raise BadValue(f"{quantity(pool.fee_pips, 4)} %", f"`fee` of {where}", "a pair takes `0.3 %`")


def _pools_differ(pools: Sequence[Pool], name: str) -> None:
    """Within a venue; tokens and fee tell which pool a call means."""
    for one, other in combinations(pools, 2):
        if set(one.tokens) == set(other.tokens) and one.fee_pips == other.fee_pips:
            raise BadValue(other.address, f"pools of {name}", f"`{one.address}` has the same tokens and fee; keep one")


def _markets(document: PolicyDocument, name: str) -> None:
    for market in document.markets.values():
        where = f"[venues.{market.id}] of {name}"
        if not market.reserves and not market.debts:
            raise NotNamed("reserves", where, f"write rows: [[venues.{market.id}.reserves]]")
        for token, count in Counter(reserve.token for reserve in market.reserves).items():
            if count > 1:
                raise BadValue(token, f"`reserves` in {where}", "list each token once")
        _reserves(document, market, f"`reserves` in {where}")


def _reserves(document: PolicyDocument, market: Market, where: str) -> None:
    for reserve in market.reserves:
        if document.is_native(reserve.token):
            raise BadValue(reserve.token, where, "ether is lent as its wrapped token")
        if document.cap(LENDING, reserve.token) is None:
            raise BadValue(reserve.token, where, f"write [caps.{LENDING}.{reserve.token}] first")
        if not reserve.most_units:
            raise BadValue(0, f"`most` of {reserve.token} in {where}", "write how much may lie there at most")


def _caps(document: PolicyDocument, name: str) -> None:
    if EXITS in document.caps:
        raise BadValue(EXITS, f"[caps] of {name}", "guardians' exits have this class for themselves; name another")
    for cap in document.all_caps():
        _cap(document, cap, f"[caps.{cap.bucket_class}.{cap.token}] of {name}")


def _cap(document: PolicyDocument, cap: Cap, where: str) -> None:
    if not 0 < cap.at_once_units * 10 <= cap.cap_units * 9:
        most = amount(cap.token, cap.cap_units * 9 // 10, document)
        mend = f"it is more than zero and at most nine tenths of `cap`, {most}, or it hardly flows back"
        raise BadValue(amount(cap.token, cap.at_once_units, document), f"`at_once` in {where}", mend)
    at_once = f"`at_once`, {amount(cap.token, cap.at_once_units, document)}"
    if cap.never_units < cap.at_once_units:
        never = amount(cap.token, cap.never_units, document)
        raise BadValue(never, f"`never_above` in {where}", f"it is at least {at_once}")
    if cap.model_units > cap.at_once_units:
        alone = amount(cap.token, cap.model_units, document)
        raise BadValue(alone, f"`model_alone` in {where}", f"it is at most {at_once}")
    _tiers(document, cap, f"`ask` in {where}")


def _tiers(document: PolicyDocument, cap: Cap, where: str) -> None:
    count = len(document.guardians.members)
    for tier in cap.tiers:
        if not 0 < tier.approvals <= count:
            raise BadValue(f"{tier.approvals} guardians", where, f"write 1 to {count}, as there are {count}")
    for lower, upper in zip(cap.tiers, cap.tiers[1:], strict=False):
        if not (lower.above_units < upper.above_units and (lower.approvals <= upper.approvals or upper.named)):
            first, second = (
                f"{t.approvals} above {amount(cap.token, t.above_units, document)}" for t in (lower, upper)
            )
            mend = "write its lines from the smallest amount and the fewest guardians upwards"
            raise BadValue(f"{first}, then {second}", where, mend)


def _guardians(document: PolicyDocument, name: str) -> None:
    guardians, where = document.guardians, f"[guardians] of {name}"
    if len(set(guardians.members)) != len(guardians.members):
        twice = next(each for each, count in Counter(guardians.members).items() if count > 1)
        raise BadValue(twice, f"`members` in {where}", "name each guardian once")
    if not 0 < guardians.approvals <= len(guardians.members):
        raise BadValue(
            guardians.approvals,
            f"`approvals` in {where}",
            f"between one and the number of members, {len(guardians.members)}",
        )


def _scalars(document: PolicyDocument, name: str) -> None:
    if document.account.chain_id == 0:
        raise BadValue(0, f"`chain_id` in [account] of {name}", "write the chain's id, for example `1`")
    if document.bounds.min_sources < 2:
        raise BadValue(
            document.bounds.min_sources, f"`sources` in [prices] of {name}", "at least two, or no source is checked"
        )
    if document.max_loss_bps >= 10_000:
        raise BadValue("100 %", f"`max_loss` in [swaps] of {name}", "write how much a swap may lose, for example `1 %`")
    losses = document.losses
    if losses and not 0 < losses.at_once_e8 * 10 <= losses.cap_e8 * 9:
        mend = "more than zero, at most nine tenths of `loss_cap`"
        raise BadValue(written_usd(losses.at_once_e8), f"`loss_at_once` in [swaps] of {name}", mend)
    limit = document.actions
    if not 0 < limit.at_once * 10 <= limit.count * 9:
        raise BadValue(
            limit.at_once,
            f"`at_once` in [actions] of {name}",
            f"write 1 to {limit.count * 9 // 10}, nine tenths of `cap`",
        )
    if not document.gas.max_gas_units or not document.gas.max_base_fee_wei:
        raise BadValue(0, f"[gas] of {name}", "zero gas sends nothing; write a budget")


def _kernel(document: PolicyDocument, name: str) -> None:
    terms, where = document.kernel, f"[kernel] of {name}"
    for key, seconds, least in (
        ("config_delay", terms.config_delay_seconds, MIN_DELAY_SECONDS),
        ("rekey_delay", terms.rekey_delay_seconds, MIN_DELAY_SECONDS),
        ("window", terms.window_seconds, MIN_WINDOW_SECONDS),
    ):
        if not least <= seconds <= MAX_DELAY_SECONDS:
            mend = f"the Kernel takes `{format_seconds(least)}` to `{format_seconds(MAX_DELAY_SECONDS)}`"
            raise BadValue(format_seconds(seconds), f"`{key}` in {where}", mend)
    _pause_only(document, f"`pause_only` in {where}")


def _pause_only(document: PolicyDocument, where: str) -> None:
    keys = document.kernel.pause_only
    for key in keys:
        if key in (NATIVE, document.account.safe):
            raise BadValue(key, where, "name a key that somebody holds, not the zero address or the Safe")
        if key in document.guardians.members:
            # Named here as well, an owner would stay a guardian after leaving the Safe.
            raise BadValue(key, where, "an owner is a guardian already; name other keys")
        if keys.count(key) > 1:
            raise BadValue(key, where, "name each key once")
