"""The tables about people and models: deny lists, and the agreement of models."""

from __future__ import annotations

from policies.schema.key import ADDRESS, DAY, DURATION, INTEGER, PERCENT, TEXT, Form, Key, TableOf, optional, several

PAYEE = (
    optional("operator", TEXT, "The operator of treasury.toml who is this payee, and never asks for it alone."),
    optional("guardian", ADDRESS, "The guardian who is this payee, and never signs for it."),
)
"""Of [payees.NAME]."""

_DISPUTES = TableOf(
    "sanctions.disputes",
    Form.ROWS,
    "An entry of a list that somebody appeals against: guardians are asked, where it would be denied.",
    (
        Key("address", ADDRESS, "Who stands on the list."),
        Key("note", TEXT, "Why the entry is wrong; one line of at most 200 characters."),
        Key("by", TEXT, "Who appeals; one line of at most 200 characters."),
        Key("until", DAY, "The first day on which it is denied again, UTC."),
    ),
)
SANCTIONS = TableOf(
    "sanctions",
    Form.ONCE,
    "Deny lists: whoever stands on one is neither paid nor traded with. Leave the table out for none.",
    (
        Key("sources", several(TEXT), "The lists in denied.toml that must be there, by name."),
        Key("max_age", DURATION, "How old each may be by its own date; past that nothing is done."),
    ),
    rows=(_DISPUTES,),
)
MODELS = TableOf(
    "models",
    Form.ONCE,
    "What one language model chose, another must have chosen too, or guardians are asked.",
    (
        Key("agree", INTEGER, "How many models must mean the same: `2`."),
        Key("tolerance", PERCENT, "How far their amounts may differ, of the smaller one; below `100 %`."),
    ),
)
