"""The tables about the treasury's value: what leaves in USD, what it is made of, how long it lasts."""

from __future__ import annotations

from policies.schema.key import (
    DURATION,
    NAME,
    PERCENT,
    USD,
    USD_CAP,
    Form,
    Key,
    TableOf,
    by_name,
    one_of,
    optional,
    several,
)

_OTHERWISE = one_of("otherwise", ("ask", "deny"), "What becomes of a unit beyond it; without it, `ask`.")

OUTFLOW = TableOf(
    "outflow",
    Form.ONCE,
    "What may leave in USD, all tokens and classes together. Leave the table out for no such limit.",
    (
        Key("cap", USD_CAP, "At the very most in any window of this length; beyond, guardians are asked."),
        Key("at_once", USD, "In one moment; at most nine tenths of `cap`."),
        Key("never_above", USD, "In one unit, whoever signs."),
        optional("unpriced", several(NAME), "Payable tokens without price feeds, which do not count."),
    ),
)
HOLDINGS = TableOf(
    "holdings",
    Form.ONCE,
    "What the treasury's value may be made of, after each unit that makes it worse, with what waits and without.",
    (
        optional("most", by_name(PERCENT), "The largest part of the value that a token with price feeds may be."),
        optional("stables", several(NAME), "The tokens that hold a dollar."),
        optional("stables_least", PERCENT, "The least part of the value that `stables` are together."),
        _OTHERWISE,
    ),
)
RUNWAY = TableOf(
    "runway",
    Form.ONCE,
    "How long the stables of [holdings] must last. Leave the table out for no such limit.",
    (
        Key("least", DURATION, "At least so long, after each unit that shortens it and all that waits."),
        Key("spend", USD_CAP, "What the DAO spends; more than zero."),
        _OTHERWISE,
    ),
)
