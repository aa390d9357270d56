"""The tables of policy.toml. What stands here and what `policies.document` reads are the same keys; a test says so."""

from __future__ import annotations

from policies.schema import market, people, timing, value
from policies.schema.key import (
    ADDRESS,
    AMOUNT,
    CAP,
    DAY,
    DURATION,
    FLAG,
    GWEI,
    INTEGER,
    NAME,
    OFTEN,
    PERCENT,
    TEXT,
    TIER,
    USD,
    USD_CAP,
    Form,
    Key,
    TableOf,
    by_name,
    either,
    optional,
    several,
)
from policies.schema.venues import VENUES

ACCOUNT = TableOf(
    "account",
    Form.ONCE,
    "The one Safe that the policy is for.",
    (
        Key("chain_id", INTEGER, "The chain's id, `1` for Ethereum."),
        Key("safe", ADDRESS, "The Safe's address."),
        Key("multisend", ADDRESS, "Safe's MultiSendCallOnly, the only contract that it may ever delegate a call to."),
    ),
    required=True,
)
TOKENS = TableOf(
    "tokens",
    Form.NAMED,
    "A token that the treasury may touch. Two price feeds make it swappable; without any it is payable only.",
    (
        Key("address", ADDRESS, "Its contract; the zero address for the chain's own coin."),
        Key("decimals", INTEGER, "Its decimals, at most 36."),
        optional("feeds", several(ADDRESS), "Its price feeds, at least as many as `sources` in [prices]."),
        optional("price_as", NAME, "The listed token whose price it has, such as `WETH` for ether."),
        optional("max_age", DURATION, "How old its price may be, instead of `max_age` in [prices]."),
        optional(
            "keep", AMOUNT, "Before less than this stays in the Safe, what waits counted as gone, guardians are asked."
        ),
        optional(
            "source", ADDRESS, "The price source that the Kernel asks; without it the agent's key alone swaps none."
        ),
    ),
    required=True,
)
PAYEES = TableOf(
    "payees",
    Form.NAMED,
    "Who may be paid; nobody else is, whoever signs.",
    (
        Key("address", ADDRESS, "Where payments go."),
        Key("class", NAME, "Which of the caps meter it."),
        Key("at_most", several(AMOUNT), "At most this in one unit, for each token that it is paid in."),
        optional("note", TEXT, "For people; one line of at most 200 characters."),
        optional("delay", DURATION, "How long the agent announces a payment before, 1 hour to 30 days."),
        *people.PAYEE,
        *timing.PAYEE,
    ),
)
ORDERS = TableOf(
    "orders",
    Form.NAMED,
    "A standing order: exactly this amount again and again, outside the caps.",
    (
        Key("payee", NAME, "Who is paid."),
        Key("amount", AMOUNT, "Exactly how much."),
        Key("every", DURATION, "The least time between two payments."),
        optional("from", DAY, "The first day with a payment, UTC."),
        optional("until", DAY, "The first day without one any more, UTC."),
    ),
)
CAPS = TableOf(
    "caps",
    Form.NAMED_TWICE,
    "What a class may move of a token without guardians. What has no cap never moves.",
    (
        Key("cap", CAP, "At the very most in any window of this length."),
        Key("at_once", AMOUNT, "In one moment; at most nine tenths of `cap`, the rest of which flows back evenly."),
        Key("never_above", AMOUNT, "In one unit, whoever signs."),
        optional("ask", several(TIER), "More guardians by what one recipient gets, the smallest amount first."),
        optional("model_alone", AMOUNT, "What a language model may choose by itself."),
    ),
)
GUARDIANS = TableOf(
    "guardians",
    Form.ONCE,
    "Who signs what is asked.",
    (
        Key("approvals", INTEGER, "How many of them, where no tier says more."),
        Key("members", either(several(ADDRESS), by_name(ADDRESS)), "The Safe's owners who sign."),
    ),
    required=True,
)
PRICES = TableOf(
    "prices",
    Form.ONCE,
    "When a price counts.",
    (
        Key("sources", INTEGER, "How many feeds a price needs, at least two."),
        Key("max_age", DURATION, "How old a feed's answer may be."),
        Key("max_deviation", PERCENT, "How far apart the feeds may be."),
    ),
    required=True,
)
SWAPS = TableOf(
    "swaps",
    Form.ONCE,
    "What swaps may lose.",
    (
        Key("max_loss", PERCENT, "One swap, against the prices, fees and slippage included."),
        optional(
            "loss_cap",
            USD_CAP,
            "All swaps of the agent's key alone; without it that key swaps nothing alone.",
            "loss_at_once",
        ),
        optional("loss_at_once", USD, "Of `loss_cap`, in one moment; at most nine tenths of it.", "loss_cap"),
        *market.SWAPS,
    ),
    required=True,
)
ACTIONS = TableOf(
    "actions",
    Form.ONCE,
    "How often the agent's key may act by itself.",
    (
        Key("cap", OFTEN, "At most so often in any window of this length."),
        Key("at_once", INTEGER, "Of them in one moment; at most nine tenths."),
    ),
    required=True,
)
KERNEL = TableOf(
    "kernel",
    Form.ONCE,
    "The Kernel's own terms, for guarded mode; they hold for good.",
    (
        Key("config_delay", DURATION, "How long what loosens waits, 1 hour to 30 days."),
        Key("rekey_delay", DURATION, "How long a new agent key waits, 1 hour to 30 days."),
        Key("window", DURATION, "How long either is usable then, 1 to 30 days."),
        Key(
            "pause_only", several(ADDRESS), "Keys beside the owners' that may pause, block and veto, and sign nothing."
        ),
    ),
    required=True,
)
WATCH = TableOf(
    "watch",
    Form.ONCE,
    "The drawdown stop: after a fall anybody may make the Kernel pause. Leave the table out for none.",
    (
        Key("max_drawdown", PERCENT, "How far below its mark the treasury may fall."),
        Key("confirm_blocks", INTEGER, "The least blocks between the two calls that pause it."),
        Key("expiry_blocks", INTEGER, "After so many more the first call is void."),
        Key("tokens", several(NAME), "The tokens that count, with price feeds, eight in all."),
        optional("own_token", ADDRESS, "The DAO's own token, which never counts."),
        optional("inherits", ADDRESS, "The watch before this one, whose mark goes on."),
    ),
)
OWNER_GUARD = TableOf(
    "owner_guard",
    Form.ONCE,
    "The owners' guard: changes of who commands the Safe are announced and wait. Without the table: 2 and 7 days.",
    (
        optional("install", FLAG, "`false` for a Safe without it; then neither of the two."),
        optional("delay", DURATION, "How long a change waits, 1 hour to 30 days."),
        optional("window", DURATION, "How long it is usable then, 1 to 30 days."),
    ),
)
GAS = TableOf(
    "gas",
    Form.ONCE,
    "Gas of one unit.",
    (
        Key("max_units", INTEGER, "At most so much gas."),
        Key("max_price", GWEI, "Above this price of gas the treasurer waits."),
    ),
    required=True,
)

TABLES = (
    *(
        ACCOUNT,
        TOKENS,
        PAYEES,
        ORDERS,
        *VENUES,
        CAPS,
        value.OUTFLOW,
        value.HOLDINGS,
        value.RUNWAY,
        GUARDIANS,
        PRICES,
        SWAPS,
        market.VOLATILITY,
        ACTIONS,
        KERNEL,
        WATCH,
        OWNER_GUARD,
        people.SANCTIONS,
        people.MODELS,
        timing.HOURS,
        timing.FREEZES,
        timing.NEWCOMERS,
        GAS,
    ),
)
"""All of them, in the order of the template."""
