"""What the treasury's value may be made of: the table [holdings], and what must hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policies.remembering import kept
from strongroom.documents import Table
from strongroom.errors import BadValue, NotNamed
from strongroom.model import TokenId, Verdict
from strongroom.quantities import format_bps, parse_bps

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

OTHERWISE = (Verdict.ASK, Verdict.DENY)
"""What may become of a unit that breaks a rule of value."""

_ALL_BPS = 10_000
_COMMENT = """\
# What the treasury's value may be made of, after each unit: no token above its share in `most`, and `stables`, tokens
# that hold a dollar, together at least `stables_least`. What is lent counts as its token and ether as its wrapped
# token; tokens without feeds and the DAO's own token are outside. Only a unit that makes it worse is stopped: selling
# down from 70 % to 65 % is good. `otherwise`: `ask` guardians (as if left out), or `deny`."""


@dataclass(frozen=True, slots=True)
class HoldingTerms:
    """Shares of the treasury's value in basis points. Beyond them a unit that makes it worse gets `otherwise`."""

    most_bps: Mapping[TokenId, int] = field(default_factory=dict)
    stables: tuple[TokenId, ...] = ()
    stables_least_bps: int = 0
    otherwise: Verdict = Verdict.ASK


def holdings(row: Table) -> HoldingTerms | None:
    """The table [holdings], `None` where it is absent."""
    if not row.keys():
        return None
    with row:
        most = row.table("most")
        return HoldingTerms(
            most_bps={TokenId(id_): parse_bps(most.text(id_), most.path(id_)) for id_ in most.keys()},  # noqa: SIM118
            stables=tuple(map(TokenId, row.texts("stables", ()))),
            stables_least_bps=parse_bps(row.text("stables_least", "0 %"), row.path("stables_least")),
            otherwise=otherwise(row),
        )


def otherwise(row: Table) -> Verdict:
    """The key `otherwise` of a rule of value: `ask` where it is left out."""
    return Verdict(row.choice("otherwise", OTHERWISE, Verdict.ASK))


def check_holdings(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction."""
    terms, where = document.holdings, f"[holdings] of {name}"
    if terms is None:
        return
    for token, most_bps in terms.most_bps.items():
        _counts(token, document, f"`most` in {where}")
        if not 0 < most_bps < _ALL_BPS:
            mend = f"write a share of `{token}` between nothing and all, for example `60 %`"
            raise BadValue(format_bps(most_bps), f"`most` in {where}", mend)
    for token in terms.stables:
        _counts(token, document, f"`stables` in {where}")
        if terms.stables.count(token) > 1:
            raise BadValue(token, f"`stables` in {where}", "name each token once")
    if terms.stables_least_bps and not terms.stables:
        raise NotNamed("stables", where, "name the tokens that hold a dollar, or leave `stables_least` out")
    _possible(terms, document, where)


def _counts(token: TokenId, document: PolicyDocument, where: str) -> None:
    counted = assets(document)
    if token not in counted:
        mend = "name tokens that have price feeds of their own: " + ", ".join(f"`{each}`" for each in counted)
        raise BadValue(token, where, mend)


def _possible(terms: HoldingTerms, document: PolicyDocument, where: str) -> None:
    """Some treasury must be within all shares, or every unit would be stopped."""
    most = {token: terms.most_bps.get(token, _ALL_BPS) for token in assets(document)}
    if terms.most_bps and sum(most.values()) < _ALL_BPS:
        mend = "these shares of all tokens add up to less than `100 %`; raise one"
        raise BadValue(", ".join(map(format_bps, most.values())), f"`most` in {where}", mend)
    reach = sum(most[token] for token in terms.stables)
    if terms.stables_least_bps > reach:
        mend = f"`most` lets `stables` be {format_bps(reach)} together; change one of the two"
        raise BadValue(format_bps(terms.stables_least_bps), f"`stables_least` in {where}", mend)


@kept
def assets(document: PolicyDocument) -> tuple[TokenId, ...]:
    """The tokens that a treasury's worth is in: those with feeds of their own, without the DAO's own token."""
    own = document.watch.own_token if document.watch else None
    listed = document.tokens.values()
    return tuple(each.token.id for each in listed if each.feeds and each.token.address != own)


def holdings_lines(terms: HoldingTerms | None) -> Iterator[str]:
    """The table as policy.toml has it; nothing where there is none."""
    if terms is None:
        return
    yield _COMMENT
    yield "[holdings]"
    if terms.most_bps:
        shares = ", ".join(f'{token} = "{format_bps(bps)}"' for token, bps in terms.most_bps.items())
        yield f"most = {{ {shares} }}"
    if terms.stables:
        yield f"stables = {json.dumps(terms.stables)}"
    if terms.stables_least_bps:
        yield f'stables_least = "{format_bps(terms.stables_least_bps)}"'
    yield f'otherwise = "{terms.otherwise}"'
    yield ""
