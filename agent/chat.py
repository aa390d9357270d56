"""The command grammar of the chat: plain sentences with one meaning each, no model needed. docs/chat.md documents it.

pay AMOUNT TOKEN to PAYEE [for REASON]
swap AMOUNT TOKEN to TOKEN [for REASON]
supply AMOUNT TOKEN [to VENUE] [for REASON]
withdraw AMOUNT TOKEN [from VENUE] [for REASON]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from agent.chat_lending import lending, require_there
from agent.planners.chat_model import Rewriter
from agent.planners.deterministic import with_withdrawals
from policies.terms import PolicyDocument
from strongroom.addresses import parse_address
from strongroom.errors import BadAddress, BadValue, Unparseable
from strongroom.model import Amount, Facts, Intent, Label, Labelled, Pay, Plan, Supply, Swap, TokenId, Unit, Withdraw
from strongroom.quantities import parse_amount
from strongroom.untrusted import escaped

_PAY = re.compile(r"pay (?P<amount>\S+ \S+) to (?P<payee>\S+)(?: for (?P<reason>.+))?", re.IGNORECASE)
_SWAP = re.compile(r"swap (?P<amount>\S+ \S+) to (?P<token>\S+)(?: for (?P<reason>.+))?", re.IGNORECASE)
_SUPPLY = re.compile(r"supply (?P<amount>\S+ \S+)(?: to (?P<venue>\S+))?(?: for (?P<reason>.+))?", re.IGNORECASE)
_WITHDRAW = re.compile(r"withdraw (?P<amount>\S+ \S+)(?: from (?P<venue>\S+))?(?: for (?P<reason>.+))?", re.IGNORECASE)
_LONGEST_REASON = 200
HELP = (
    "write `pay 2,500 USDC to alice for the audit`, `swap 2 WETH to USDC`, `supply 20,000 USDC` or `withdraw 5,000 DAI`"
)


def require_operator(name: str, operators: Collection[str]) -> None:
    """Raises `BadValue` for a name that treasury.toml does not list."""
    if name not in operators:
        if not operators:
            raise BadValue(name, "an operator", "treasury.toml lists nobody; list one in `names` of its [operators]")
        known, first = ", ".join(f"`{each}`" for each in operators), next(iter(operators))
        raise BadValue(name, "an operator", f"treasury.toml lists {known}; give `--as {first}`")


Read = Callable[[str, str, Facts], Plan]
"""An operator's words, a plan's id and facts into that plan. Raises `InputError`."""


def reader(operator: str, document: PolicyDocument) -> Read:
    """Reads the grammar's lines into plans of one unit. Beside what `parse` raises, `BadValue` for more than there is
    to lend or take back."""

    def read(text: str, plan_id: str, facts: Facts) -> Plan:
        intent = parse(text, plan_id, document)
        require_there(intent, facts, document)
        intents = with_withdrawals(plan_id, [intent], facts, document)
        unit = Unit(plan_id, facts.account, intents)
        return Plan(plan_id, f"operator:{operator}", (unit,), " ".join(text.split()))

    return read


def offering(read: Read, rewriter: Rewriter | None) -> Read:
    """As `read`, but words outside the grammar come back with the line that a model believes was meant. It is an offer:
    the operator says it, or nothing happens."""
    if rewriter is None:
        return read

    def read_or_offer(text: str, plan_id: str, facts: Facts) -> Plan:
        try:
            return read(text, plan_id, facts)
        except Unparseable as error:
            if isinstance(line := rewriter.line(text), str):
                raise Unparseable(" ".join(text.split()), f"if you mean `{line}`, say so") from error
            raise

    return read_or_offer


def parse(text: str, id: str, document: PolicyDocument) -> Intent:
    """The one intent that the words mean. Everything in it was said by the operator. Raises `Unparseable` for words
    outside the grammar, `BadAddress` for an address without its checksum, `BadValue` for an amount that cannot be and a
    venue that lends nothing such."""
    words = " ".join(text.split())
    if found := _PAY.fullmatch(words):
        amount = _amount(found["amount"], document)
        payee = _payee(found["payee"])
        return Pay(id, _said(amount.token), _said(payee), _said(amount.units), _reason(found["reason"]))
    if found := _SWAP.fullmatch(words):
        amount = _amount(found["amount"], document)
        token_out = TokenId(found["token"])
        return Swap(id, _said(amount.token), _said(token_out), _said(amount.units), _reason(found["reason"]))
    for kind, sentence in ((Supply, _SUPPLY), (Withdraw, _WITHDRAW)):
        if found := sentence.fullmatch(words):
            amount, reason = _amount(found["amount"], document), _reason(found["reason"])
            return lending(kind, id, amount, found["venue"], reason, document)
    raise Unparseable(words, HELP)


def _payee(text: str) -> str:
    """An id, or an address for the policy to judge: one that is mistyped is not even judged."""
    if not text.lower().startswith("0x"):
        return text
    try:
        return parse_address(text)
    except BadAddress as error:
        raise BadAddress(error.value, error.is_address, "the payee") from error


def _amount(text: str, document: PolicyDocument) -> Amount:
    decimals = {listed.token.id: listed.token.decimals for listed in document.tokens.values()}
    amount = parse_amount(text, decimals, "the amount")
    if amount.units == 0:
        raise BadValue(text, "the amount", "write more than zero")
    return amount


def _reason(text: str | None) -> Labelled[str]:
    if text and len(text) > _LONGEST_REASON:
        raise BadValue(text[:40] + "…", "the reason", f"write at most {_LONGEST_REASON} characters")
    if text and not text.isprintable():
        raise BadValue(escaped(text), "the reason", "write it in printable characters")
    return _said(text or "")


T = TypeVar("T")


def _said(value: T) -> Labelled[T]:
    return Labelled(value, Label.OPERATOR)
