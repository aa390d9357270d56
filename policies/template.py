"""A policy as the commented policy.toml that a treasurer reads, edits and signs off; `load` of it is the same
policy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from policies.agreement import render_agreement
from policies.health import written
from policies.holdings import holdings_lines
from policies.markets import Market
from policies.orders import Order
from policies.outflow import outflow_lines
from policies.owner_guarding import OwnerGuardTerms
from policies.runway import runway_lines
from policies.sanctions import render_sanctions
from policies.terms import Cap, KernelTerms, ListedToken, LossLimit, Payee, PolicyDocument, Pool, Tier, Venue
from policies.tiers import after, members_lines, who_signs
from policies.timing import payee_keys, timing_lines
from policies.trading import trading_keys, volatility_lines
from policies.vaults import ERC4626
from policies.watching import WatchTerms
from policies.wrapping import WETH, Wrapper
from strongroom.model import TokenId
from strongroom.quantities import format_bps, format_day, format_seconds, quantity

_HEAD = """\
# policy.toml: what the treasurer may do. Nothing else may happen: whatever is not written here is refused.
# Amounts name their token (`25_000.50 USDC`), shares are `1.5 %`, windows are `30 days`. Windows roll: no cap resets at
# midnight. After a change run `strongroom policy check`, and in guarded mode `strongroom policy update`.
"""
_ACCOUNT = """\
# The one Safe this policy is for, and the only contract it may ever delegate a call to (Safe's MultiSendCallOnly)."""
_TOKENS = """\
# Listed tokens. Two independent price feeds make a token swappable and part of the treasury's value; one without feeds
# can be paid out, never swapped. `price_as` borrows another token's feeds. `keep`: before less than this stays in the
# Safe, guardians are asked."""
_PAYEES = """\
# The address book: nobody else is ever paid. `at_most` is per unit of work and token, and no signature lifts it.
# `class` says which of the caps below meter the payee. With a `delay` of 1 hour to 30 days, such as `24 hours`, the
# agent announces each payment that long before it pays, and any guardian may veto it until it is paid. `operator` (a
# name in treasury.toml) and `guardian` (an owner's address) say who of them this payee is: what an operator asks for in
# their own favour goes to guardians, and no guardian's signature counts for a payment to themselves. Guardians are
# asked for a payment sooner than `apart = "1 day"` after the last, or beyond `often = "3 per 30 days"` (any 30 days,
# orders aside); `since = "2026-11-20"` is the day it was listed."""
_ORDERS = """\
# Standing orders, such as salaries: exactly `amount` to the payee, outside caps and tiers, from the day `from` on and
# no more from the day `until` on (UTC; leave either out). `every` is the least time between two payments, whoever asks:
# with a stolen key nobody but the payee is paid, and a month sees one payment too many at most. Write `3 weeks` for a
# monthly salary: shorter than any month by a week, so that a late payment does not hold up the next, and longer than
# half a month. Another amount, or one too early, is paid within caps only. `strongroom policy compile` adds up what
# payees could get within 30 days with the key stolen."""
_VENUES = """\
# Where swaps may happen. Only these routers are ever approved, only these pools are used. A venue of kind `uniswap_v2`
# names its pairs as pools and needs no quoter and no lens; their fee is 0.3 %."""
_MARKETS = """\
# Where idle tokens may be lent, in the Safe's own name: `share` is the aToken that stands for what lies there. No
# supply takes a position above `most`. What is lent, and what is taken back, counts in [caps.lending.TOKEN]."""
_DEBTS = """\
# What the owners borrow there, at a variable rate, each with the `meter` of that debt: the Kernel lets the agent, and
# guardians in a pause, repay it within [caps.repayments.TOKEN]. While a market has such rows, the Kernel lets nobody
# take back what is lent there: it is collateral, and the Kernel does not see the health of a debt. With the
# market's `health_least = "1.5"` the owners take back what leaves at least that health factor; else nothing. The
# treasurer plans no repayment of its own yet."""
_VAULTS = """\
# ERC-4626 vaults. A vault names its own rate, so the Kernel believes it while one whole share is worth `least_worth`
# to `most_worth`, and else stops both ways; at `most_worth` no deposit takes the position above `most`. `max_loss` is
# what a fee may take. What is put in counts in [caps.lending.TOKEN], what comes back by itself, as at a market. The
# treasurer plans neither yet: list a vault for guardians' way home, knowing what the agent's key may do there."""
_WRAPPERS = """\
# Where ether becomes its wrapped token and back, one for one: each way that has a cap, [caps.wraps.TOKEN] of what goes
# in. The treasurer plans neither yet."""
_CAPS = """\
# [caps.CLASS.TOKEN] is what may move without guardians: `at_once` in one moment, `cap` at the very most in any window;
# what was used flows back evenly, `cap` less `at_once` a window. A payroll of 40_000 a month needs `at_once` of 40_000
# and a `cap` of 80_000 per 30 days, or standing orders. Above, guardians are asked; `ask` adds tiers by what one
# recipient gets, orders aside.
# `never_above` holds for one unit, whoever signs. `model_alone` is what a language model may choose by itself. The
# class `swaps` meters what is sold, `lending` what is lent and, each by itself, what is taken back. What has no cap
# never moves."""
_GUARDIANS = """\
# Who signs what is asked: so many of these Safe owners, or more where a tier says so. With names, as a table
# [guardians.members] and `carol = "0x..."`, a tier can ask some of them, and wait: `2 guardians of carol, dave above
# 50_000 USDC per day after 2 days` is carried out that long after it was proposed, no sooner."""
_PRICES = """\
# A price counts while every source is fresh and they agree; otherwise nothing is swapped. Payments need no price."""
_SWAPS = """\
# What a swap may lose against the prices, fees and slippage included; what leaves counts at the high price. The
# agent's key swaps alone only where `loss_cap` says what all its swaps may lose together, `loss_at_once` of it in one
# moment, and both tokens name the `source` that the Kernel asks for their price. Optional bounds, held by the engine
# and not by the Kernel: `max_slippage` is how much less than the rehearsal brings a swap accepts, so what a sandwich
# may take; `max_impact` how much it moves its price against itself, fees aside; above `max_pool_share` of what a pool
# trades at its price, guardians are asked; no pool may stand more than `max_from_average` from its own average over
# `average_over` (a pair of Uniswap V2 keeps none: that of a pool of its tokens
# counts, and without one guardians are asked)."""
_ACTIONS = """\
# How often the agent's key may act by itself: at most `cap` times in any window, `at_once` of them in one moment."""
_KERNEL = """\
# The Kernel's own terms, for guarded mode. What loosens (another policy, a guardian less) is announced, waits
# `config_delay` and may be vetoed; a new agent key waits `rekey_delay`; either is then usable for `window` (a delay is
# 1 hour to 30 days, the window 1 to 30 days; for good: others take another Kernel). `pause_only` keys, beside the
# owners, may pause, block and veto; they sign nothing."""
_WATCH = """\
# The drawdown stop, for guarded mode: once what counts is worth less than the owners' last mark less `max_drawdown`,
# anybody may make the Kernel pause, with two calls at least `confirm_blocks` apart; the first is void `expiry_blocks`
# after that. What the Kernel pays is no loss; after large payments of their own the owners set the mark anew. `tokens`
# count, with what stands for them where they are lent, eight in all; `own_token`, the DAO's own, never does. The
# watch's address stands in treasury.toml. With another Kernel comes another watch: `inherits` names the one before it,
# whose mark goes on."""
_NO_WATCH = """\
# No drawdown stops the agent. With this table a guardian that anybody may call pauses the Kernel after a fall:
#
# [watch]
# max_drawdown = "10 %"
# confirm_blocks = 25
# expiry_blocks = 600
# tokens = ["ETH", "USDC"]
"""
_OWNER_GUARD = """\
# The owners' guard, a contract installed with the Kernel (guardians are people): who commands the Safe (modules,
# guards, handler, owners, threshold) then changes only if the owners announced it, `delay` is over and no owner vetoed
# it; after `window` more it is void. So stolen owners' keys cannot take the Safe unseen. Payments by the owners wait
# for nothing. Taking the guard out waits twice the delay, and nobody vetoes that. A Safe without it: `install = false`,
# and neither of the two."""
_GAS = """\
# Gas of one unit, and the price of gas above which the treasurer waits."""

_ONE_LINE = 80


def render(document: PolicyDocument) -> str:
    """policy.toml for `document`: entries by name, every amount exact. `load(render(d)) == d`, for every document that
    `load` accepts."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: PolicyDocument) -> Iterator[str]:
    account = document.account
    yield _HEAD
    yield from _section(
        _ACCOUNT, "[account]", chain_id=account.chain_id, safe=account.safe, multisend=document.multisend
    )
    yield _TOKENS
    for token in document.tokens.values():
        yield from _token(token)
    yield _PAYEES
    for payee in document.payees.values():
        yield from _payee(payee, document)
    yield from _orders(document)
    yield _VENUES
    for venue in document.venues.values():
        yield from _venue(venue)
    if document.markets:
        yield _MARKETS
    for market in document.markets.values():
        yield from _market(market, document)
    yield from _vaults(document)
    if document.wrappers:
        yield _WRAPPERS
    for wrapper in document.wrappers.values():
        yield from _wrapper(wrapper)
    yield _CAPS
    for cap in document.all_caps():
        yield from _cap(cap, document)
    yield from outflow_lines(document.outflow)
    yield from holdings_lines(document.holdings)
    yield from runway_lines(document.runway)
    yield from _bounds(document)


def _bounds(document: PolicyDocument) -> Iterator[str]:
    guardians, bounds, gas = document.guardians, document.bounds, document.gas
    members = None if guardians.names else list(guardians.members)
    yield from _section(_GUARDIANS, "[guardians]", approvals=guardians.approvals, members=members)
    yield from members_lines(guardians)
    yield from _section(
        _PRICES,
        "[prices]",
        sources=bounds.min_sources,
        max_age=format_seconds(bounds.max_age_seconds),
        max_deviation=format_bps(bounds.max_deviation_bps),
    )
    market = trading_keys(document.trading)
    yield from _section(
        _SWAPS, "[swaps]", max_loss=format_bps(document.max_loss_bps), **_losses(document.losses), **market
    )
    yield from volatility_lines(document.volatility)
    limit = document.actions
    often = f"{limit.count} per {_window(limit.window_seconds)}"
    yield from _section(_ACTIONS, "[actions]", cap=often, at_once=limit.at_once)
    yield from _kernel(document.kernel)
    yield from _watch(document.watch)
    yield from _owner_guard(document.owner_guard)
    yield from render_sanctions(document)
    yield from render_agreement(document)
    yield from timing_lines(document, _section)
    yield from _section(
        _GAS, "[gas]", max_units=gas.max_gas_units, max_price=f"{quantity(gas.max_base_fee_wei, 9)} gwei"
    )


def _kernel(terms: KernelTerms) -> Iterator[str]:
    return _section(
        _KERNEL,
        "[kernel]",
        config_delay=format_seconds(terms.config_delay_seconds),
        rekey_delay=format_seconds(terms.rekey_delay_seconds),
        window=format_seconds(terms.window_seconds),
        pause_only=list(terms.pause_only),
    )


def _watch(terms: WatchTerms | None) -> Iterator[str]:
    if terms is None:
        yield _NO_WATCH
        return
    yield from _section(
        _WATCH,
        "[watch]",
        max_drawdown=format_bps(terms.max_drawdown_bps),
        confirm_blocks=terms.confirm_blocks,
        expiry_blocks=terms.expiry_blocks,
        tokens=list(terms.tokens),
        own_token=terms.own_token,
        inherits=terms.inherits,
    )


def _owner_guard(terms: OwnerGuardTerms | None) -> Iterator[str]:
    if terms is None:
        return _section(_OWNER_GUARD, "[owner_guard]", install=False)
    delay, window = format_seconds(terms.delay_seconds), format_seconds(terms.window_seconds)
    return _section(_OWNER_GUARD, "[owner_guard]", delay=delay, window=window)


def _losses(limit: LossLimit | None) -> dict[str, object]:
    if limit is None:
        return {}
    cap, at_once = (f"{quantity(units, 8)} USD" for units in (limit.cap_e8, limit.at_once_e8))
    return {"loss_cap": f"{cap} per {_window(limit.window_seconds)}", "loss_at_once": at_once}


def _section(comment: str, head: str, **keys: object) -> Iterator[str]:
    if comment:
        yield comment
    yield head
    yield from (f"{key} = {_value(value)}" for key, value in keys.items() if value is not None)
    yield ""


def _value(value: object) -> str:
    if isinstance(value, list):
        items = [_value(item) for item in value]
        short = sum(map(len, items)) < _ONE_LINE
        return "[" + ", ".join(items) + "]" if short else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    # TOML's basic strings are JSON's, but for characters that `load` lets into no text.
    return str(value) if isinstance(value, int) else json.dumps(str(value), ensure_ascii=False)


def _token(listed: ListedToken) -> Iterator[str]:
    token = listed.token
    return _section(
        "",
        f"[tokens.{token.id}]",
        address=token.address,
        decimals=token.decimals,
        feeds=list(listed.feeds) or None,
        price_as=listed.price_as,
        max_age=format_seconds(listed.max_age_seconds) if listed.max_age_seconds else None,
        source=listed.source,
        keep=f"{quantity(listed.keep_units, token.decimals)} {token.id}" if listed.keep_units else None,
    )


def _payee(payee: Payee, document: PolicyDocument) -> Iterator[str]:
    at_most = [_amount(document, token, units) for token, units in payee.max_units.items()]
    delay = format_seconds(payee.delay_seconds) if payee.delay_seconds else None
    keys = {"address": payee.address, "class": payee.bucket_class, "at_most": at_most, "delay": delay}
    people = {"operator": payee.operator or None, "guardian": payee.guardian}
    return _section("", f"[payees.{payee.id}]", **keys, **people, **payee_keys(payee), note=payee.note or None)


def _orders(document: PolicyDocument) -> Iterator[str]:
    if document.orders:
        yield _ORDERS
    for order in document.orders.values():
        yield from _order(order, document)


def _order(order: Order, document: PolicyDocument) -> Iterator[str]:
    days = {"from": order.not_before, "until": order.not_after and order.not_after + 1}
    written = {key: format_day(second) for key, second in days.items() if second}
    keys = {"payee": order.payee, "amount": _amount(document, order.token, order.units)}
    return _section("", f"[orders.{order.id}]", **keys, every=format_seconds(order.every_seconds), **written)


def _venue(venue: Venue) -> Iterator[str]:
    contracts = {"router": venue.router, "quoter": venue.quoter, "lens": venue.lens}
    yield from _section("", f"[venues.{venue.id}]", kind=venue.kind, **contracts)
    for pool in venue.pools:
        yield from _section("", f"[[venues.{venue.id}.pools]]", **_pool(pool))


def _market(market: Market, document: PolicyDocument) -> Iterator[str]:
    yield from _section(
        "", f"[venues.{market.id}]", kind=market.kind, pool=market.pool, health_least=written(market.health_least_e18)
    )
    for each in market.reserves:
        keys = {"token": each.token, "share": each.share, "most": _amount(document, each.token, each.most_units)}
        yield from _section("", f"[[venues.{market.id}.reserves]]", **keys)
    if market.debts:
        yield _DEBTS
    for debt in market.debts:
        yield from _section("", f"[[venues.{market.id}.debts]]", token=debt.token, meter=debt.meter)


def _vaults(document: PolicyDocument) -> Iterator[str]:
    if document.vaults:
        yield _VAULTS
    for each in document.vaults.values():
        named = {"kind": ERC4626, "vault": each.address, "token": each.token, "share_decimals": each.share_decimals}
        worths = {"least_worth": each.least_worth_units, "most_worth": each.most_worth_units, "most": each.most_units}
        amounts = {key: _amount(document, each.token, units) for key, units in worths.items()}
        loss = format_bps(each.max_loss_bps) if each.max_loss_bps else None
        yield from _section("", f"[venues.{each.id}]", **named, **amounts, max_loss=loss)


def _wrapper(wrapper: Wrapper) -> Iterator[str]:
    return _section("", f"[venues.{wrapper.id}]", kind=WETH, coin=wrapper.coin, token=wrapper.token)


def _pool(pool: Pool) -> dict[str, object]:
    fee = f"{quantity(pool.fee_pips, 4)} %"
    return {"address": pool.address, "tokens": list(pool.tokens), "fee": fee}


def _cap(cap: Cap, document: PolicyDocument) -> Iterator[str]:
    return _section(
        "",
        f"[caps.{cap.bucket_class}.{cap.token}]",
        cap=f"{_amount(document, cap.token, cap.cap_units)} per {_window(cap.window_seconds)}",
        at_once=_amount(document, cap.token, cap.at_once_units),
        ask=list(_tiers(cap.tiers, cap.token, document)) or None,
        never_above=_amount(document, cap.token, cap.never_units),
        model_alone=_amount(document, cap.token, cap.model_units) if cap.model_units else None,
    )


def _tiers(tiers: Iterable[Tier], token: TokenId, document: PolicyDocument) -> Iterator[str]:
    for tier in tiers:
        amount = _amount(document, token, tier.above_units)
        yield f"{who_signs(tier)} above {amount} per {_window(tier.window_seconds)}{after(tier)}"


def _window(seconds: int) -> str:
    text = format_seconds(seconds)
    return text.removeprefix("1 ") if text.startswith("1 ") else text


def _amount(document: PolicyDocument, token: TokenId, units: int) -> str:
    return f"{quantity(units, document.tokens[token].token.decimals)} {token}"
