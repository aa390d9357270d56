"""The keys that bound the market of a swap, and the table about swinging prices."""

from __future__ import annotations

from policies.schema.key import DURATION, PERCENT, Form, Key, TableOf, optional

_FROM_AVERAGE = (
    "How far a pool may stand from its average over `average_over`; a pair, which keeps none, from that of a listed "
    "V3 pool of its tokens, and without one guardians are asked."
)
SWAPS = (
    optional("max_slippage", PERCENT, "How much less than rehearsed a swap may accept."),
    optional("max_impact", PERCENT, "How much less than the pool's own price promises a swap may bring."),
    optional("max_pool_share", PERCENT, "The part of a pool that one unit may sell into it without guardians."),
    optional("max_from_average", PERCENT, _FROM_AVERAGE, "average_over"),
    optional("average_over", DURATION, "The time of that average, 1 minute to 1 day.", "max_from_average"),
)
"""Of [swaps]."""

VOLATILITY = TableOf(
    "volatility",
    Form.ONCE,
    "While prices swing, less is sold without guardians. Leave the table out for no such limit.",
    (
        Key("over", DURATION, "The time over which a swing is measured, 1 hour to 7 days."),
        Key("calm", PERCENT, "Up to this swing nothing changes; above, what may be sold shrinks in proportion."),
    ),
)
