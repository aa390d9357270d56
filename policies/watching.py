"""The drawdown stop as the policy has it: how far the treasury may fall, what counts, and what must hold between them.

The policy cannot name the watch's address: the watch is made for a Kernel whose address commits to this very policy.
treasury.toml names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue, NotNamed
from strongroom.model import NATIVE, Address, TokenId
from strongroom.protocols.watch import MOST_TOKENS
from strongroom.quantities import format_bps, parse_bps

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_ALL_BPS = 10_000
_MOST_BLOCKS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class WatchTerms:
    """Once the treasury is worth less than its mark less `max_drawdown_bps`, two observations by anybody, at least
    `confirm_blocks` apart, pause the Kernel; a first one counts for `expiry_blocks` after that. `tokens` are the listed
    tokens that count; the DAO's own never does. `inherits` is the watch, of the same tokens, whose mark goes on: that
    of the Kernel which another one replaces; without it the mark is what the treasury is worth at its birth."""

    max_drawdown_bps: int
    confirm_blocks: int
    expiry_blocks: int
    tokens: tuple[TokenId, ...]
    own_token: Address | None = None
    inherits: Address | None = None


def watch(row: Table) -> WatchTerms | None:
    """The table [watch], `None` where it is absent."""
    if not row.keys():
        return None
    with row:
        return WatchTerms(
            max_drawdown_bps=parse_bps(row.text("max_drawdown"), row.path("max_drawdown")),
            confirm_blocks=row.integer("confirm_blocks"),
            expiry_blocks=row.integer("expiry_blocks"),
            tokens=tuple(map(TokenId, row.texts("tokens"))),
            own_token=row.address("own_token") if row.has("own_token") else None,
            inherits=row.address("inherits") if row.has("inherits") else None,
        )


def counted(document: PolicyDocument) -> dict[TokenId, TokenId]:
    """Every token that the watch counts, with the listed token whose price it has: the written ones, and what stands
    for them at the policy's markets, or a supply would look like a loss. Empty without a watch."""
    if document.watch is None:
        return {}
    written = {token: token for token in document.watch.tokens}
    lent = {share: reserve.token for share, (_, reserve) in document.shares().items() if reserve.token in written}
    return written | lent


def check_watch(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction; what passes, the contract takes."""
    terms, where = document.watch, f"[watch] of {name}"
    if terms is None:
        return
    if not 0 < terms.max_drawdown_bps < _ALL_BPS:
        mend = "write how far the treasury may fall, for example `10 %`"
        raise BadValue(format_bps(terms.max_drawdown_bps), f"`max_drawdown` in {where}", mend)
    for key, blocks in (("confirm_blocks", terms.confirm_blocks), ("expiry_blocks", terms.expiry_blocks)):
        if not 0 < blocks <= _MOST_BLOCKS:
            raise BadValue(blocks, f"`{key}` in {where}", f"at least one block, at most {_MOST_BLOCKS}")
    _tokens(document, terms, where)
    _own_token(document, terms, f"`own_token` in {where}")
    if terms.inherits == NATIVE:
        raise BadValue(terms.inherits, f"`inherits` in {where}", "leave it out where no watch was before")


def _tokens(document: PolicyDocument, terms: WatchTerms, where: str) -> None:
    if not terms.tokens:
        raise NotNamed("tokens", where, "name the tokens that the treasury's worth is in")
    for token in terms.tokens:
        if token not in document.tokens or not document.feeds_of(token):
            priced = ", ".join(f"`{id_}`" for id_ in document.tokens if document.feeds_of(id_))
            mend = f"name listed tokens with price feeds: {priced or 'there are none'}"
            raise BadValue(token, f"`tokens` in {where}", mend)
        if terms.tokens.count(token) > 1:
            raise BadValue(token, f"`tokens` in {where}", "name each token once")
    if len(found := counted(document)) > MOST_TOKENS:
        mend = f"with what stands for them at the markets these are more than {MOST_TOKENS}; leave some out"
        raise BadValue(", ".join(found), f"`tokens` in {where}", mend)


def _own_token(document: PolicyDocument, terms: WatchTerms, where: str) -> None:
    if terms.own_token == NATIVE:
        raise BadValue(terms.own_token, where, "leave it out where the DAO has none")
    for id_ in counted(document):
        found = document.token(id_)
        if found is not None and found.address == terms.own_token:
            raise BadValue(terms.own_token, where, f"it counts as `{id_}` too; take that out of `tokens`")
