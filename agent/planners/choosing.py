"""A model's draft becomes a plan by narrowing the mandate's own: it can leave out, take a part, and nothing more.

Payroll is exact: every payment that is due, once, in full. A swap is at most what the mandate wants of it, and all of
them together leave every token between where it is and where the mandate wants it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.planners.band import require_between
from agent.planners.draft import WHOLE, Choice, Draft
from agent.planners.unusable import Unusable
from policies.terms import PolicyDocument
from strongroom.model import Facts, Intent, Label, Labelled, Pay, Plan, Swap, Unit
from strongroom.untrusted import escaped, shown

Key = tuple[str, str, str]


def chosen(draft: Draft, wanted: Plan, facts: Facts, document: PolicyDocument) -> Plan:
    """The part of `wanted` (the mandate's own plan) that the model chose, in the mandate's order and under its ids.
    Amounts are rounded down. Raises `Unusable` for anything outside."""
    choices = _by_key(draft.choices, {_key(i) for unit in wanted.units for i in choosable(unit.intents)}, document)
    units = tuple(unit for each in wanted.units if (unit := _narrowed(each, choices)).intents)
    require_between(_swaps(units), _swaps(wanted.units), facts, document)
    return replace(wanted, units=units, rationale=_rationale(wanted, units))


def choosable(intents: Sequence[Intent]) -> tuple[Pay | Swap, ...]:
    """What a model chooses among; what is lent or taken back for it follows by rule."""
    return tuple(intent for intent in intents if isinstance(intent, Pay | Swap))


def _by_key(choices: Sequence[Choice], wanted: set[Key], document: PolicyDocument) -> dict[Key, Choice]:
    found: dict[Key, Choice] = {}
    for choice in choices:
        key = (choice.kind, choice.asset_id, choice.counterparty_id)
        _require_listed(choice, document)
        if key not in wanted:
            raise Unusable(f"the mandate wants no {_words(choice)} now")
        if key in found:
            raise Unusable(f"the model chose the {_words(choice)} twice")
        if not choice.reason.isprintable():
            raise Unusable(f"the reason of the {_words(choice)} is not printable")
        found[key] = choice
    return found


def _require_listed(choice: Choice, document: PolicyDocument) -> None:
    others = document.payees if choice.kind == "pay" else document.tokens
    for id_, known in ((choice.asset_id, document.tokens), (choice.counterparty_id, others)):
        if id_ not in known:
            raise Unusable(f"`{shown(id_)}` is not in the policy")


def _narrowed(unit: Unit, choices: Mapping[Key, Choice]) -> Unit:
    taken = tuple(_take(intent, choices.get(_key(intent))) for intent in choosable(unit.intents))
    chosen = tuple(intent for intent in taken if intent is not None)
    # What is taken back for a swap that is not made stays where it is.
    by_rule = tuple(intent for intent in unit.intents if not isinstance(intent, Pay | Swap))
    return replace(unit, intents=(*by_rule, *chosen) if chosen else ())


def _take(intent: Pay | Swap, choice: Choice | None) -> Intent | None:
    if isinstance(intent, Pay):
        if choice is None:
            raise Unusable(f"the model left out what is due to `{intent.payee.value}`")
        if choice.amount.value != WHOLE:
            raise Unusable(f"the model would pay `{intent.payee.value}` a part of what is due")
        # Nothing was chosen: payee, token and amount are the mandate's, and so is the reason people read.
        return intent
    return None if choice is None else _part(intent, choice)


def _part(swap: Swap, choice: Choice) -> Swap:
    units = swap.amount_in_units.value * choice.amount.value // WHOLE
    if units == 0:
        raise Unusable(f"so small a part of the {_words(choice)} is nothing")
    return replace(
        swap,
        token_in=Labelled(swap.token_in.value, Label.MODEL),
        token_out=Labelled(swap.token_out.value, Label.MODEL),
        amount_in_units=Labelled(units, Label.MODEL),
        reason=Labelled(_told(choice.reason), Label.MODEL),
    )


def _told(reason: str) -> str:
    """In quotes and in ASCII: what people read beside the policy's findings must not pass for one."""
    return f"a model says {escaped(reason)}" if reason else "a model chose it"


def _key(intent: Pay | Swap) -> Key:
    if isinstance(intent, Pay):
        return ("pay", intent.token.value, intent.payee.value)
    return ("swap", intent.token_in.value, intent.token_out.value)


def _swaps(units: Sequence[Unit]) -> tuple[Swap, ...]:
    return tuple(intent for unit in units for intent in unit.intents if isinstance(intent, Swap))


def _words(choice: Choice) -> str:
    """Both ids are listed: they are the policy's words, not the model's."""
    joined = "to" if choice.kind == "pay" else "for"
    return f"{choice.kind} of `{choice.asset_id}` {joined} `{choice.counterparty_id}`"


def _rationale(wanted: Plan, units: Sequence[Unit]) -> str:
    kept, all_ = (sum(len(unit.intents) for unit in each) for each in (units, wanted.units))
    return f"{wanted.rationale}; a model chose {kept} of {all_}"
