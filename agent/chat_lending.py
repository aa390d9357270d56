"""What an operator lends and takes back by chat: where, if one venue alone can be meant, and no more than is there."""

from __future__ import annotations

from collections.abc import Iterable

from policies.markets import Market
from policies.terms import PolicyDocument
from strongroom.errors import BadValue
from strongroom.model import Amount, Facts, Intent, Label, Labelled, Supply, TokenId, Withdraw
from strongroom.quantities import format_units

Kind = type[Supply] | type[Withdraw]


def lending(
    kind: Kind, id_: str, amount: Amount, said: str | None, reason: Labelled[str], document: PolicyDocument
) -> Supply | Withdraw:
    """The intent at the venue that was `said`, or at the only one that the policy lists with the token. Raises
    `BadValue` for a venue that is not listed with the token, and for none where several are."""
    venue = _named(said, amount.token, document) if said else _only(kind, amount, document)
    token, units = Labelled(amount.token, Label.OPERATOR), Labelled(amount.units, Label.OPERATOR)
    return kind(id_, token, units, venue, reason)


def require_there(intent: Intent, facts: Facts, document: PolicyDocument) -> None:
    """Raises `BadValue` for more than the Safe holds, or has lent at the venue. What was not observed is left to the
    policy, which denies it."""
    if isinstance(intent, Supply):
        held = facts.balances.get(intent.token.value)
        where, mend = "a supply", "the Safe holds `{}`, lend at most that"
    elif isinstance(intent, Withdraw):
        held = facts.balances.get(_share(intent, document))
        where, mend = "a withdrawal", f"`{{}}` are lent at `{intent.venue.value}`, take back at most that"
    else:
        return
    wanted = Amount(intent.token.value, intent.amount_units.value)
    if held is not None and wanted.units > held:
        raise BadValue(_shown(wanted, document), where, mend.format(_shown(Amount(wanted.token, held), document)))


def _named(said: str, token: TokenId, document: PolicyDocument) -> Labelled[str]:
    if said not in document.markets:
        raise BadValue(said, "the venue", f"policy.toml lends at {_list(document.markets)}")
    market = document.markets[said]
    if market.reserve(token) is None:
        listed = _list(reserve.token for reserve in market.reserves)
        raise BadValue(token, f"a token lent at {said}", f"policy.toml lists {listed} there")
    return Labelled(said, Label.OPERATOR)


def _only(kind: Kind, amount: Amount, document: PolicyDocument) -> Labelled[str]:
    """What the policy leaves no choice about was chosen by nobody."""
    fits = [market.id for market in document.markets.values() if market.reserve(amount.token)]
    if not fits:
        raise BadValue(amount.token, "a token that is lent", f"policy.toml lists {_list(_lendable(document))}")
    if len(fits) > 1:
        what, joined = ("a supply", "to") if kind is Supply else ("a withdrawal", "from")
        places = " or ".join(f"`{joined} {venue}`" for venue in fits)
        raise BadValue(_shown(amount, document), f"{what} that names no venue", f"add {places}")
    return Labelled(fits[0], Label.MANDATE)


def _lendable(document: PolicyDocument) -> Iterable[TokenId]:
    return dict.fromkeys(reserve.token for market in document.markets.values() for reserve in market.reserves)


def _share(intent: Withdraw, document: PolicyDocument) -> TokenId:
    market: Market = document.markets[intent.venue.value]
    reserve = market.reserve(intent.token.value)
    assert reserve is not None
    return market.share_id(reserve)


def _shown(amount: Amount, document: PolicyDocument) -> str:
    return f"{format_units(amount.units, document.tokens[amount.token].token.decimals)} {amount.token}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
