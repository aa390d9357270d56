"""Who is paid and who signs: conflicts of interest, names of guardians, deny lists, agreement of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.agreement import AgreementTerms
from policies.conflicts import guardian_of
from policies.differing import shown
from policies.differing.change import Change, Direction, Place, Row
from policies.differing.compare import compare
from policies.differing.entries import by_key, entries, means, section
from policies.differing.scalars import LOOSER, NEITHER, TIGHTER, UNCLEAR, always, members, more_is, other
from policies.sanctions import Dispute, SanctionTerms
from policies.terms import Guardians, Payee


def _since_none(old: object, new: object) -> Direction:
    """Of one person more, less, or another one who is bound."""
    if old == new:
        return NEITHER
    return TIGHTER if not old else LOOSER if not new else UNCLEAR


def _operator(old: Payee, new: Payee, place: Place) -> Iterator[Change]:
    said = shown.was(shown.name, old.operator, new.operator, place)
    yield place.below("operator").change(_since_none(old.operator, new.operator), said)


def _guardian(old: Payee, new: Payee, place: Place) -> Iterator[Change]:
    """A payee with a guardian's own address is that guardian as long as it names no other."""
    bound = _since_none(guardian_of(old, place.old), guardian_of(new, place.new))
    yield place.below("guardian").change(bound, shown.was(shown.plain, old.guardian, new.guardian, place))


def _names(old: Guardians, new: Guardians, place: Place) -> Iterator[Change]:
    for name in {**old.names, **new.names}:
        at = place.below(f"members.{name}")
        before, after = old.names.get(name), new.names.get(name)
        if before and after and before != after:
            said = f"`{after}`, was `{before}`; tiers that name it ask somebody else"
            yield at.change(UNCLEAR, said)
        elif before != after:
            yield at.change(NEITHER, f"a name for `{after}`" if after else f"no name for `{before}` any more")


PAYEE = (Row(("operator",), _operator), Row(("guardian",), _guardian))
NAMES = Row(("names",), _names)
SANCTIONS = section(
    "sanctions",
    "sanctions",
    (
        means(TIGHTER, "new: whoever stands on a list is not paid, and without lists nothing is done"),
        means(LOOSER, "gone: nobody looks at deny lists"),
    ),
    compare,
)
_DISPUTES = entries(
    "disputes",
    "disputes",
    (
        means(LOOSER, "new: guardians may pay whom a list denies"),
        means(TIGHTER, "gone: what the list says is denied again"),
    ),
    compare,
    by=by_key("address"),
)
MODELS = section(
    "models",
    "models",
    (
        means(TIGHTER, "new: what one model chose, another must have chosen too"),
        means(LOOSER, "gone: one model's choice is enough"),
    ),
    compare,
)
ROWS: Mapping[type[Any], tuple[Row, ...]] = {
    SanctionTerms: (
        members("sources", "sources", TIGHTER, LOOSER, why_lost=": nobody looks at that list"),
        more_is(LOOSER, "max_age_seconds", "max_age", shown.seconds),
        _DISPUTES,
    ),
    Dispute: (
        other("address", "address"),
        always(NEITHER, "note", "note"),
        always(NEITHER, "by", "by"),
        more_is(LOOSER, "until", "until", shown.day),
    ),
    AgreementTerms: (
        more_is(TIGHTER, "models", "agree"),
        more_is(LOOSER, "tolerance_bps", "tolerance", shown.bps),
    ),
}
