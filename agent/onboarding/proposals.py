"""Past payees and unlisted tokens as lines that an owner can uncomment in policy.toml. Proposed, not trusted: the chain
says that they were paid, not that they should be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from agent.onboarding.survey import PastPayee, Survey, Unlisted
from agent.onboarding.warnings import imitated_name, trusted_enough
from strongroom.model import Address, TokenId
from strongroom.quantities import quantity
from strongroom.templates import toml_text

CLASS = "past"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_WINDOW = "30 days"
_HEAD = """
## ---------------------------------------------------------------------------------------------------------------------
## PROPOSED FROM THE CHAIN, NOT TRUSTED. `strongroom init` found what follows in the Safe's past. None of it is
## active. Ask each payee for their address anew, over a channel you trust, and compare every digit; then rename them,
## lower the amounts and take the `# ` away.
"""
_TOKENS = "## Tokens that nobody vouches for. Names are what the contracts call themselves; compare the addresses."
_PAYEES = "## Whom the Safe itself paid, the most often paid first. `at_most` is the largest payment so far."
_CAPS = "## What these payees could be paid together without guardians: each one's largest payment, once a month."


def proposals(survey: Survey) -> str:
    """Comment lines to follow a policy.toml; empty when the Safe's past holds nothing. Every line of the result is a
    comment whatever the chain said."""
    tokens = [
        token for token in survey.unlisted if imitated_name(token, survey.chain) is None and token.decimals is not None
    ]
    named = _names(survey, tokens)
    payees = [payee for payee in survey.payees if trusted_enough(payee, survey) and set(payee.largest) & set(named)]
    if not tokens and not payees:
        return ""
    lines = [*_token_lines(tokens, named), *_payee_lines(payees, named), *_cap_lines(payees, named)]
    return _HEAD + "".join(line + "\n" for line in lines)


Named = Mapping[Address, tuple[TokenId, int]]
"""Id in the policy, and decimals, by token address."""


def _names(survey: Survey, tokens: Iterable[Unlisted]) -> Named:
    named = {holding.token.address: (holding.token.id, holding.token.decimals) for holding in survey.holdings}
    for number, token in enumerate(tokens, 1):
        taken = {id_.casefold() for id_, _ in named.values()}
        usable = _NAME.fullmatch(token.symbol) and token.symbol.casefold() not in taken
        named[token.address] = (TokenId(token.symbol if usable else f"token_{number}"), token.decimals or 0)
    return named


def _token_lines(tokens: Iterable[Unlisted], named: Named) -> Iterator[str]:
    for number, token in enumerate(tokens):
        id_, decimals = named[token.address]
        if number == 0:
            yield "#\n" + _TOKENS
        yield f"#\n# [tokens.{id_}]\n# address = {toml_text(token.address)}\n# decimals = {decimals}"


def _payee_lines(payees: Iterable[PastPayee], named: Named) -> Iterator[str]:
    for number, payee in enumerate(payees, 1):
        if number == 1:
            yield "#\n" + _PAYEES
        amounts = [_amount(units, named[token]) for token, units in payee.largest.items() if token in named]
        kind = "a contract" if payee.is_contract else "an account without code"
        times = "once" if payee.payments == 1 else f"{payee.payments} times"
        yield f"#\n## {kind}, paid {times}\n# [payees.payee_{number}]"
        yield f"# address = {toml_text(payee.address)}\n# class = {toml_text(CLASS)}"
        yield f"# at_most = [{', '.join(map(toml_text, amounts))}]"


def _cap_lines(payees: Iterable[PastPayee], named: Named) -> Iterator[str]:
    totals: dict[Address, int] = {}
    for payee in payees:
        for token, units in payee.largest.items():
            if token in named:
                totals[token] = totals.get(token, 0) + units
    for number, (token, units) in enumerate(totals.items()):
        amount, twice = _amount(units, named[token]), _amount(2 * units, named[token])
        if number == 0:
            yield "#\n" + _CAPS
        yield f"#\n# [caps.{CLASS}.{named[token][0]}]\n# cap = {toml_text(f'{twice} per {_WINDOW}')}"
        yield f"# at_once = {toml_text(amount)}\n# never_above = {toml_text(amount)}"


def _amount(units: int, named: tuple[TokenId, int]) -> str:
    return f"{quantity(units, named[1])} {named[0]}"
