"""What the card says in each of its forms: its senders, its addresses, the delegate's removal, and how to use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from guardians.kill_card.cards import By, Delegation, KillCard, typed_removal

HOUR = "HOUR"
SENDERS = {
    By.ANYBODY: "from any key at all",
    By.GUARDIAN: "from an owner or guardian",
    By.OWNER: "from an owner",
    By.SAFE: "as a Safe transaction",
}
HOW = (
    "Works with any wallet and node. Every call has value 0, operation 0 (call). Print it anew after changes of "
    "owners, modules or keys. Safe transaction: Safe{Wallet}, Transaction Builder, custom data; or "
    "each owner sends the Safe approveHash of its own getTransactionHash(to, 0, data, 0, 0, 0, 0, 0x0, 0x0, nonce), "
    "then anybody execTransaction."
)
REMOVAL = "REMOVE DELEGATE"
REMOVAL_WHEN = "ends proposals in an owner's name; not on chain"


def plain(name: str) -> str:
    """The treasury's name as paper takes it."""
    return "".join(each if each.isprintable() else "?" for each in name)


def dated(card: KillCard) -> str:
    """Chain, block and day."""
    at = datetime.fromtimestamp(card.block.timestamp, UTC)
    return f"chain {card.account.chain_id}, block {card.block.number}, {at:%Y-%m-%d}"


def places(card: KillCard) -> Iterator[tuple[str, str, str]]:
    """Every address that a step needs, with what it is and a word on it."""
    delegates = [each.delegate for each in card.delegations]
    yield "Safe", card.account.safe, f"{card.threshold} of {len(card.owners)} owners sign"
    yield from (("Owner", each, "") for each in card.owners)
    yield "Kernel", card.kernel or "none", card.state if card.kernel else ""
    yield "Watch", card.watch or "none", ""
    yield "Agent", card.agent or "not known", "also the delegate" if card.agent in delegates else ""
    yield from (("Delegate", each, "") for each in delegates if each != card.agent)
    yield "Guard", card.guard or "none", card.guard_word
    yield "Service", card.service, ""


def letters(count: int) -> str:
    """The steps of a card: `abc`; one alone has none."""
    return "".join(chr(ord("a") + place) for place in range(count)) if count > 1 else " "


def removal_message(card: KillCard) -> str:
    """What the first delegation's owner signs, as compact JSON; what differs for others is in their own requests."""
    typed = typed_removal(card.account.chain_id, card.delegations[0].delegate, HOUR)
    return json.dumps(typed, separators=(",", ":")).replace(f'"{HOUR}"', HOUR)


def removal_path(each: Delegation) -> str:
    return f"/api/v2/delegates/{each.delegate}/"


def removal_body(card: KillCard, each: Delegation) -> tuple[str, str]:
    """The request's body in two lines."""
    delegator = f'{{"delegator":"{each.delegator or "THE-OWNER-IT-PROPOSES-FOR"}",'
    return delegator, f'"safe":"{card.account.safe}","signature":"SIGNATURE"}}'
