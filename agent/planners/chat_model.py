"""An operator's free words rewritten into the chat's grammar by a model that may only point at them.

Amount, token, payee and venue must stand in the operator's own words, each the only one of its kind; otherwise there
is no line. A model can still misread what is meant (`do not pay …`), so a line is never an order: it is shown, and
becomes one when the operator says it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Literal

from pydantic import Field

from agent.planners.asking import Interview, Question, Unused
from agent.planners.draft import Words, read, schema_of
from agent.planners.prompt import as_data, load_prompt
from agent.planners.unusable import Unusable
from policies.terms import PolicyDocument
from strongroom.ports import Ledger, Model

_LONGEST = 500
_AROUND = ".,;:!?()[]\"'`"
_Word = Annotated[str, Field(max_length=64)]


class Reading(Words):
    """The operator's words as one command; `none` leaves the rest empty, and `supply` and `withdraw` the counterparty
    where the operator named no venue."""

    kind: Literal["pay", "swap", "supply", "withdraw", "none"]
    amount: _Word
    asset_id: _Word
    counterparty_id: _Word


class Rewriter:
    """Asks a model, on the record, what line of the grammar an operator may have meant."""

    def __init__(self, model: Model, ledger: Ledger, document: PolicyDocument) -> None:
        self._interview, self._document = Interview(model, ledger), document
        self._prompt, self._schema = load_prompt("chat.md"), schema_of(Reading)

    def line(self, text: str, cause: int | None = None) -> str | Unused:
        """A line of the grammar, such as `pay 2,500 USDC to alice`, or why there is none. `cause` is the ledger's
        entry of what was said."""
        if len(text) > _LONGEST:
            return Unused(f"more than {_LONGEST} characters")
        policy = self._document
        known = {"tokens": list(policy.tokens), "payees": list(policy.payees), "venues": list(policy.markets)}
        data = f"{as_data('known', known)}\n{as_data('operator', text)}"
        question = Question(self._prompt, data, self._schema)
        return self._interview.ask(question, lambda raw: literal(read(Reading, raw), text, self._document), cause)


def literal(reading: Reading, text: str, document: PolicyDocument) -> str:
    """The reading as a line, every part of it the operator's. Raises `Unusable`."""
    if reading.kind == "none":
        raise Unusable("the model sees no command in it")
    words = [word for each in text.split() if (word := each.strip(_AROUND))]
    _require_amount(reading, words, document)
    _require_named(reading, words, document)
    joined = "from" if reading.kind == "withdraw" else "to"
    place = f" {joined} {reading.counterparty_id}" if reading.counterparty_id else ""
    return f"{reading.kind} {reading.amount} {reading.asset_id}{place}"


def _require_amount(reading: Reading, words: Sequence[str], document: PolicyDocument) -> None:
    """The only number, and right after it the token it counts."""
    numbers = [place for place, word in enumerate(words) if any(character.isnumeric() for character in word)]
    numbers = [place for place in numbers if words[place] not in (*document.payees, *document.tokens)]
    if len(numbers) != 1 or words[numbers[0]] != reading.amount:
        raise Unusable("the amount is not the one number in these words")
    after = words[numbers[0] + 1 : numbers[0] + 2]
    if _mentioned(after, document.tokens) != {reading.asset_id}:
        raise Unusable("the amount is not followed by its token")


def _require_named(reading: Reading, words: Sequence[str], document: PolicyDocument) -> None:
    tokens, payees = _mentioned(words, document.tokens), _mentioned(words, document.payees)
    venues, other = _mentioned(words, document.markets), reading.counterparty_id
    # Where a venue is named, money is meant to come from there or to go there: that is a command of its own.
    lends = tokens == {reading.asset_id} and not payees and venues == ({other} if other else set())
    fits = {
        "pay": tokens == {reading.asset_id} and payees == {other} and not venues,
        "swap": tokens == {reading.asset_id, other} and len(tokens) == 2 and not payees and not venues,
        "supply": lends,
        "withdraw": lends,
    }
    if not fits[reading.kind]:
        raise Unusable("payee, tokens and venue are not exactly those in these words")


def _mentioned(words: Sequence[str], ids: Collection[str]) -> set[str]:
    """Ids that stand among the words, whatever their case."""
    said = {word.casefold() for word in words}
    return {str(id_) for id_ in ids if id_.casefold() in said}
