"""Agreement of two models, as the policy asks for it: when two models, each asked by itself, mean the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import Intent, Label, Pay, Supply, Swap, Withdraw
from strongroom.quantities import format_bps, parse_bps
from strongroom.valuation import BPS

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_MODELS = 2
"""The planner's own and the one of [model.second]; treasury.toml names no third."""
_COMMENT = """\
# What a language model chose counts as agreed once another model, asked the same by itself, chose it too: the same
# kind, tokens and counterparty, with amounts that differ by `tolerance` of the smaller one at most. Otherwise guardians
# are asked. The other model is [model.second] in treasury.toml."""
_NONE = """\
# One model's choice is enough, within `model_alone` of the caps. With this table another one, [model.second] in
# treasury.toml, must have chosen the same, or guardians are asked:
#
# [models]
# agree = 2
# tolerance = "10 %"
"""

Meant = tuple[str, ...]
"""What an intent is about, but for its amount: kind, tokens, counterparty."""


@dataclass(frozen=True, slots=True)
class AgreementTerms:
    """So many models must mean the same; amounts may differ by `tolerance_bps` of the smaller one."""

    models: int
    tolerance_bps: int


def agreement(row: Table) -> AgreementTerms | None:
    """The table [models]; `None` where it is absent. Raises `InputError`."""
    if not row.keys():
        return None
    with row:
        models, tolerance = row.integer("agree"), parse_bps(row.text("tolerance"), row.path("tolerance"))
        if models != _MODELS:
            raise BadValue(models, row.path("agree"), "write `2`, or leave the table out: there is one second model")
        if tolerance >= BPS:
            mend = "write how much amounts may differ, below `100 %`"
            raise BadValue(row.text("tolerance"), row.path("tolerance"), mend)
        return AgreementTerms(models, tolerance)


def by_model(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """Those in which a model chose something that matters; the reason never does."""
    return tuple(intent for intent in intents if Label.MODEL in labels_of(intent))


def labels_of(intent: Intent) -> tuple[Label, ...]:
    """Where everything that matters of an intent came from: tokens, amount, payee and venue."""
    if isinstance(intent, Swap):
        return (intent.token_in.label, intent.token_out.label, intent.amount_in_units.label)
    other = intent.payee if isinstance(intent, Pay) else intent.venue
    return (intent.token.label, intent.amount_units.label, other.label)


def agree(some: Iterable[Intent], others: Iterable[Intent], tolerance_bps: int) -> bool:
    """Whether both mean the same: no intent is about what the other's are not, and no amount differs by more than
    `tolerance_bps` of the smaller one, exactly."""
    one, other = _amounts(some), _amounts(others)
    return one.keys() == other.keys() and all(
        abs(units - other[meant]) * BPS <= tolerance_bps * min(units, other[meant]) for meant, units in one.items()
    )


def _amounts(intents: Iterable[Intent]) -> Counter[Meant]:
    """Units together by what they are about: however it is split, it is the same wish."""
    together: Counter[Meant] = Counter()
    for intent in intents:
        together[_meant(intent)] += (intent.amount_in_units if isinstance(intent, Swap) else intent.amount_units).value
    return together


def _meant(intent: Intent) -> Meant:
    kind = type(intent).__name__
    if isinstance(intent, Swap):
        return (kind, intent.token_in.value, intent.token_out.value)
    if isinstance(intent, Pay):
        return (kind, intent.token.value, intent.payee.value)
    assert isinstance(intent, Supply | Withdraw)
    return (kind, intent.token.value, intent.venue.value)


def agreement_off_chain(document: PolicyDocument) -> tuple[str, ...]:
    """What the Kernel does not know of it, in words."""
    return ("agreement of two models",) if document.models else ()


def render_agreement(document: PolicyDocument) -> Iterator[str]:
    """The table's lines in policy.toml, or how to write it."""
    terms = document.models
    if terms is None:
        yield _NONE
        return
    yield from (_COMMENT, "[models]", f"agree = {terms.models}", f'tolerance = "{format_bps(terms.tolerance_bps)}"', "")
