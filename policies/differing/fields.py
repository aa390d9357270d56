"""Every field of a policy and what its change means.

A field that stands in no row is new to this comparison: its change is unclear, and so counts as looser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.debts import Debt
from policies.differing import listings as at
from policies.differing import market, people, shown, timing, value
from policies.differing.buckets import ACTIONS, CAP, LOSSES
from policies.differing.change import Row
from policies.differing.payments import DELAY, MAX_UNITS, ORDER_EVERY, ORDER_FROM, ORDER_UNITS, ORDER_UNTIL
from policies.differing.scalars import LOOSER, NEITHER, TIGHTER, UNCLEAR, always, members, more_is, other
from policies.differing.tiers import TIER, TIERS
from policies.markets import Market, Reserve
from policies.orders import Order
from policies.owner_guarding import OwnerGuardTerms
from policies.terms import (
    ActionLimit,
    Cap,
    GasBudget,
    Guardians,
    KernelTerms,
    ListedToken,
    LossLimit,
    Payee,
    PolicyDocument,
    Pool,
    Tier,
    Venue,
)
from policies.vaults import Vault
from policies.watching import WatchTerms
from policies.wrapping import Wrapper
from strongroom.model import Account, Token
from strongroom.valuation import Bounds

_MEMBERS = members(
    *("members", "members", LOOSER, UNCLEAR),
    why_lost=": it signs no more, and vetoes and pauses no more",
)

ROWS: Mapping[type[Any], tuple[Row, ...]] = {
    PolicyDocument: (
        at.ACCOUNT,
        other("multisend", "account.multisend"),
        at.TOKENS,
        at.PAYEES,
        at.VENUES,
        at.MARKETS,
        at.WRAPPERS,
        at.VAULTS,
        at.CAPS,
        at.ORDERS,
        at.GUARDIANS,
        at.PRICES,
        more_is(LOOSER, "max_loss_bps", "swaps.max_loss", shown.bps),
        at.LOSS_LIMIT,
        at.GAS,
        at.ACTION_LIMIT,
        at.KERNEL,
        at.WATCH,
        at.OWNER_GUARD,
        people.SANCTIONS,
        people.MODELS,
        timing.HOURS,
        timing.FREEZES,
        timing.NEWCOMERS,
        value.OUTFLOW,
        value.HOLDINGS,
        value.RUNWAY,
        market.TRADING,
        market.VOLATILITY,
    ),
    Account: (other("chain_id", "chain_id"), other("safe", "safe")),
    # Whose token it is, the table [account] says for all.
    Token: (at.OWN_ACCOUNT, other("id", "id"), other("address", "address"), other("decimals", "decimals")),
    ListedToken: (
        at.TOKEN,
        at.FEEDS,
        other("price_as", "price_as"),
        at.MAX_AGE,
        more_is(TIGHTER, "keep_units", "keep", shown.units),
        at.SOURCE,
    ),
    Payee: (
        other("id", "id"),
        other("address", "address"),
        always(UNCLEAR, "bucket_class", "class", "other caps meter it, and room is left in the former ones"),
        MAX_UNITS,
        always(NEITHER, "note", "note"),
        DELAY,
        *people.PAYEE,
        *timing.PAYEE,
    ),
    Order: (
        other("id", "id"),
        other("payee", "payee"),
        other("token", "amount"),
        ORDER_UNITS,
        ORDER_EVERY,
        ORDER_FROM,
        ORDER_UNTIL,
    ),
    Venue: (
        *(other(name, name) for name in ("id", "kind", "router", "quoter", "lens")),
        at.POOLS,
    ),
    Pool: (other("address", "address"), always(UNCLEAR, "tokens", "tokens"), always(UNCLEAR, "fee_pips", "fee")),
    Market: (*(other(name, name) for name in ("id", "kind", "pool")), at.RESERVES, at.DEBTS, market.HEALTH),
    Reserve: (
        other("token", "token"),
        other("share", "share"),
        more_is(LOOSER, "most_units", "most", shown.units),
    ),
    Debt: (other("token", "token"), other("meter", "meter")),
    Wrapper: tuple(other(name, name) for name in ("id", "coin", "token")),
    Vault: (
        other("id", "id"),
        other("address", "vault"),
        other("token", "token"),
        other("share_decimals", "share_decimals"),
        more_is(TIGHTER, "least_worth_units", "least_worth", shown.units),
        always(
            UNCLEAR, "most_worth_units", "most_worth", "it bounds both what is believed and what is put in", shown.units
        ),
        more_is(LOOSER, "most_units", "most", shown.units),
        more_is(LOOSER, "max_loss_bps", "max_loss", shown.bps),
    ),
    Cap: (
        other("bucket_class", "class"),
        other("token", "token"),
        CAP,
        more_is(LOOSER, "never_units", "never_above", shown.units),
        TIERS,
        more_is(LOOSER, "model_units", "model_alone", shown.units),
    ),
    Tier: (TIER,),
    Guardians: (_MEMBERS, more_is(TIGHTER, "approvals", "approvals"), people.NAMES),
    Bounds: (
        more_is(LOOSER, "max_age_seconds", "max_age", shown.seconds),
        more_is(LOOSER, "max_deviation_bps", "max_deviation", shown.bps),
        more_is(TIGHTER, "min_sources", "sources"),
    ),
    GasBudget: (
        more_is(LOOSER, "max_gas_units", "max_units"),
        more_is(LOOSER, "max_base_fee_wei", "max_price", shown.gwei),
    ),
    LossLimit: (LOSSES,),
    ActionLimit: (ACTIONS,),
    KernelTerms: (
        more_is(TIGHTER, "config_delay_seconds", "config_delay", shown.seconds),
        more_is(TIGHTER, "rekey_delay_seconds", "rekey_delay", shown.seconds),
        more_is(LOOSER, "window_seconds", "window", shown.seconds),
        members("pause_only", "pause_only", TIGHTER, LOOSER, why_lost=": it pauses and vetoes no more"),
    ),
    WatchTerms: (
        more_is(LOOSER, "max_drawdown_bps", "max_drawdown", shown.bps),
        more_is(LOOSER, "confirm_blocks", "confirm_blocks"),
        more_is(TIGHTER, "expiry_blocks", "expiry_blocks"),
        always(UNCLEAR, "tokens", "tokens", "another sum is watched", lambda value, *_: shown.listed(value)),
        other("own_token", "own_token"),
        other("inherits", "inherits"),
    ),
    OwnerGuardTerms: (
        more_is(TIGHTER, "delay_seconds", "delay", shown.seconds),
        more_is(LOOSER, "window_seconds", "window", shown.seconds),
    ),
    **people.ROWS,
    **timing.ROWS,
    **value.ROWS,
    **market.ROWS,
}
