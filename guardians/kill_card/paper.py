"""The card on paper: text of 80 columns for one A4 page, the same as a page to print, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from textwrap import wrap
from typing import Any

from guardians.kill_card.cards import By, Card, Delegation, KillCard, Step, batch, typed_removal

COLUMNS = 80
_WORD = 64
"""Hexadecimal digits of one ABI word."""
_HOUR = "HOUR"
_SENDERS = {
    By.ANYBODY: "from any key at all",
    By.GUARDIAN: "from an owner or guardian",
    By.SAFE: "as a Safe transaction",
}
_STYLE = (
    "@page{size:A4;margin:10mm}body{margin:0;color:#000;background:#fff}"
    "pre{font:8.5pt/1.22 ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;margin:0}"
    "@media screen{pre{padding:2rem;font-size:13px;overflow-x:auto}}"
)


def text(card: KillCard) -> str:
    """The page. Calldata is broken at ABI words: the lines under `data` make one hexadecimal string."""
    return "\n".join(_lines(card)) + "\n"


def page(card: KillCard) -> str:
    """`text` as HTML for one A4 page; no script, nothing fetched."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Kill card: {escape(_plain(card.name))}</title><style>{_STYLE}</style></head>"
        f"<body><pre>{escape(text(card))}</pre></body></html>\n"
    )


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
    return call | ({"transaction_builder": batch(card, step, made_at)} if step.by is By.SAFE else {})


def _delegation_data(card: KillCard, each: Delegation) -> dict[str, Any]:
    return {
        "delegate": each.delegate,
        "delegator": each.delegator,
        "method": "DELETE",
        "url": card.service + _path(each),
        "typed_data": typed_removal(card.account.chain_id, each.delegate, _HOUR),
        "hour": "Unix time / 3600, rounded down; write it for HOUR, as a number",
    }


def _path(each: Delegation) -> str:
    return f"/api/v2/delegates/{each.delegate}/"


def _lines(card: KillCard) -> Iterator[str]:
    yield from _head(card)
    for number, each in enumerate(card.cards, 1):
        yield ""
        yield from _card(number, each)
    if card.delegations:
        yield ""
        yield from _removal(len(card.cards) + 1, card)
    if card.missing:
        yield ""
        yield from (line for each in card.missing for line in _wrapped(each))


def _head(card: KillCard) -> Iterator[str]:
    at = datetime.fromtimestamp(card.block.timestamp, UTC)
    dated = f"chain {card.account.chain_id}, block {card.block.number}, {at:%Y-%m-%d}"
    yield _fitted(f"KILL CARD  {_plain(card.name)}", dated)
    yield from _wrapped(
        "Works with any wallet and node, without Strongroom. Every call has value 0 and operation 0 (call). "
        "Print it anew after changes of owners, modules or keys. A Safe transaction: Safe{Wallet}, Transaction "
        "Builder, custom data. Without Safe{Wallet}: each owner sends the Safe approveHash of its own "
        "getTransactionHash(to, 0, data, 0, 0, 0, 0, 0x0, 0x0, nonce), then anybody execTransaction."
    )
    yield ""
    yield f"Safe      {card.account.safe}  {card.threshold} of {len(card.owners)} owners sign"
    yield f"Kernel    {card.kernel}  {card.state}" if card.kernel else "Kernel    none"
    yield f"Agent     {card.agent or 'not known'}"
    for each in card.delegations:
        yield f"Delegate  {each.delegate}"
    yield f"Registry  {card.registry or 'none'}"
    yield f"Guard     {card.guard or 'none'}"
    yield f"Service   {card.service}"


def _card(number: int, card: Card) -> Iterator[str]:
    yield f"{number} {card.title}  {card.when}"
    yield from (f"  {line}" for each in card.notes for line in _wrapped(each, COLUMNS - 2))
    for place, step in enumerate(card.steps):
        letter = chr(ord("a") + place) if len(card.steps) > 1 else " "
        yield f" {letter} {_SENDERS[step.by]:25}  to {step.to}"
        yield from _data(step)


def _data(step: Step) -> Iterator[str]:
    digits = step.data.hex()
    selector, rest = digits[:8], digits[8:]
    yield f"   data  0x{selector}"
    yield from (f"         {rest[start : start + _WORD]}" for start in range(0, len(rest), _WORD))


def _removal(number: int, card: KillCard) -> Iterator[str]:
    """The first delegation in full; what differs for others is in their own lines."""
    first = card.delegations[0]
    yield f"{number} REMOVE DELEGATE  ends proposals in an owner's name; not on chain"
    yield "  In Safe{Wallet}: Settings, Setup, Proposers. Or the owner signs this (EIP-712)"
    yield f"  with {_HOUR} = Unix time / 3600 rounded down, and asks the service that hour to:"
    shown = json.dumps(typed_removal(card.account.chain_id, first.delegate, _HOUR), separators=(",", ":"))
    yield from (f"   {line}" for line in _broken(shown.replace(f'"{_HOUR}"', _HOUR)))
    for each in card.delegations:
        yield f"   DELETE {_path(each)}"
        yield f'    {{"delegator":"{each.delegator or "THE-OWNER-IT-PROPOSES-FOR"}",'
        yield f'    "safe":"{card.account.safe}","signature":"SIGNATURE"}}'


def _broken(text: str) -> Iterator[str]:
    """Compact JSON in lines, broken behind commas only, so that joining the lines gives it back."""
    line = ""
    for part in text.replace(",", ",\n").split("\n"):
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


def _plain(name: str) -> str:
    """The treasury's name as paper takes it."""
    return "".join(each if each.isprintable() else "?" for each in name)
