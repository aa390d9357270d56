"""The tables of time and pace: business hours, freezes, newcomers."""

from __future__ import annotations

from policies.schema.key import (
    AMOUNT,
    CLOCK,
    DAY,
    DURATION,
    FLAG,
    MOMENT,
    NAME,
    OFTEN,
    TEXT,
    WEEKDAY,
    Form,
    Key,
    TableOf,
    by_name,
    one_of,
    optional,
    several,
)

PAYEE = (
    optional("since", DAY, "The day on which it was listed, UTC; [newcomers] asks for it."),
    optional("apart", DURATION, "The least time between two payments; sooner, guardians are asked."),
    optional("often", OFTEN, "At most so often in any window of this length; beyond, guardians are asked."),
)
"""Of [payees.NAME]."""

HOURS = TableOf(
    "hours",
    Form.ONCE,
    "Business hours: outside them guardians are asked, or nothing moves. Leave the table out for any hour.",
    (
        Key("days", several(WEEKDAY), "On which days of the week."),
        Key("open", CLOCK, "From when on; on the clocks of `timezone`."),
        Key("close", CLOCK, "Until just before when, on the same day; `24:00` for its end."),
        Key("timezone", TEXT, "A place of the zone database, such as `Europe/Berlin`."),
        one_of("otherwise", ("ask", "deny"), "What becomes of a move outside them.", required=True),
        optional("holidays", several(DAY), "Days on which they are shut."),
        optional("orders_too", FLAG, "`true` where standing orders keep them as well."),
    ),
)
FREEZES = TableOf(
    "freezes",
    Form.ROWS,
    "A time in which nothing moves, whoever signs, such as a vote or a migration.",
    (
        Key("from", MOMENT, "The first moment."),
        Key("until", MOMENT, "The first moment after it."),
        Key("reason", TEXT, "Why; one line of at most 200 characters."),
        optional("classes", several(NAME), "Only moves of these classes."),
        optional("tokens", several(NAME), "Only moves of these tokens."),
    ),
)
NEWCOMERS = TableOf(
    "newcomers",
    Form.ONCE,
    "How little a payee, or a venue, gets until it has been listed for a while. Leave the table out for no such limit.",
    (
        Key("cooling_off", DURATION, "How long it is new, from its day on."),
        Key("at_most", several(AMOUNT), "At most this much of a token, all in all; nothing of tokens not named."),
        one_of("otherwise", ("ask", "deny"), "What becomes of more.", required=True),
        optional("venues", by_name(DAY), "The venues for swaps and loans that are new as well, with their days, UTC."),
    ),
)
