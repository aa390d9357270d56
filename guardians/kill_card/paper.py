"""The card as text of 80 columns for one A4 page at eight lines an inch, and as JSON; `page`, the
one to print, is beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from guardians.kill_card.cards import By, Card, Delegation, KillCard, Step, batch, typed_removal
from guardians.kill_card.sheet import page
from guardians.kill_card.wording import (
    HOUR,
    HOW,
    REMOVAL,
    REMOVAL_WHEN,
    SENDERS,
    dated,
    letters,
    places,
    plain,
    removal_body,
    removal_message,
    removal_path,
)

__all__ = ["COLUMNS", "data", "page", "text"]

COLUMNS = 80
_WORD = 64
"""Hexadecimal digits of one ABI word."""


def text(card: KillCard) -> str:
    """The page. Calldata is broken at ABI words: the digits at and under `data` make one hexadecimal string."""
    return "\n".join(_lines(card)) + "\n"


def data(card: KillCard, made_at: int) -> dict[str, Any]:
    """The card for machines. Each Safe transaction is also a Transaction Builder batch, to be saved as a file."""
    return {
        "name": card.name,
        "chain_id": card.account.chain_id,
        "block": card.block.number,
        "safe": card.account.safe,
        "owners": list(card.owners),
        "threshold": card.threshold,
        "kernel": card.kernel,
        "watch": card.watch,
        "kernel_state": card.state if card.kernel else None,
        "agent": card.agent,
        "registry": card.registry,
        "guard": card.guard,
        "steps": [_step_data(card, step, made_at) for each in card.cards for step in each.steps],
        "delegates": [_delegation_data(card, each) for each in card.delegations],
        "missing": list(card.missing),
    }


def _step_data(card: KillCard, step: Step, made_at: int) -> dict[str, Any]:
    call = {"id": step.id, "by": step.by, "to": step.to, "value": "0", "data": "0x" + step.data.hex(), "operation": 0}
    call["function"] = step.function
    return call | ({"transaction_builder": batch(card, step, made_at)} if step.by is By.SAFE else {})


def _delegation_data(card: KillCard, each: Delegation) -> dict[str, Any]:
    return {
        "delegate": each.delegate,
        "delegator": each.delegator,
        "method": "DELETE",
        "url": card.service + removal_path(each),
        "typed_data": typed_removal(card.account.chain_id, each.delegate, HOUR),
        "hour": "Unix time / 3600, rounded down; write it for HOUR, as a number",
    }


def _lines(card: KillCard) -> Iterator[str]:
    """What to do before how to do it."""
    yield from _head(card)
    for number, each in enumerate(card.cards, 1):
        yield ""
        yield from _card(number, each)
    if card.delegations:
        yield ""
        yield from _removal(len(card.cards) + 1, card)
    for told in (*card.missing, HOW):
        yield ""
        yield from _wrapped(told)


def _head(card: KillCard) -> Iterator[str]:
    yield _fitted(f"KILL CARD  {plain(card.name)}", dated(card))
    for name, address, word in places(card):
        yield f"{name:<9} {address}{'  ' + word if word else ''}"


def _card(number: int, card: Card) -> Iterator[str]:
    yield f"{number} {card.title}  {card.when}"
    yield from (f"  {line}" for each in card.notes for line in _wrapped(each, COLUMNS - 2))
    for letter, step in zip(letters(len(card.steps)), card.steps, strict=True):
        yield f" {letter} {SENDERS[step.by]:25}  to {step.to}"
        yield from _data(step)


def _data(step: Step) -> Iterator[str]:
    digits = step.data.hex()
    selector, rest = digits[:8], digits[8:]
    yield f"   data  0x{selector}  {step.function}"
    yield from (f"         {rest[start : start + _WORD]}" for start in range(0, len(rest), _WORD))


def _removal(number: int, card: KillCard) -> Iterator[str]:
    """The first delegation in full; what differs for others is in their own lines."""
    yield f"{number} {REMOVAL}  {REMOVAL_WHEN}"
    yield "  In Safe{Wallet}: Settings, Setup, Proposers. Or the owner signs this (EIP-712)"
    yield f"  with {HOUR} = Unix time / 3600 rounded down, and asks the service that hour to:"
    yield from (f"   {line}" for line in _broken(removal_message(card)))
    for each in card.delegations:
        yield f"   DELETE {removal_path(each)}"
        yield from (f"    {line}" for line in removal_body(card, each))


def _broken(text: str) -> Iterator[str]:
    """Compact JSON in lines, broken behind its own marks only, so that joining the lines gives it back."""
    line = ""
    for part in re.split(r"(?<=[,:\[{])", text):
        if len(line) + len(part) > COLUMNS - 3:
            yield line
            line = ""
        line += part
    yield line


def _wrapped(text: str, width: int = COLUMNS) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _fitted(left: str, right: str) -> str:
    room = COLUMNS - len(right) - 2
    return f"{left[:room]:<{room}}  {right}"
