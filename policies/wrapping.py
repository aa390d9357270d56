"""Ether and its wrapped token as the policy pairs them: one for one, at a contract that keeps nothing for itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import TokenId

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

WETH = "weth"
WRAPS = "wraps"
"""The class that wrapping and unwrapping are metered in, each by itself: [caps.wraps.ETH] bounds what is wrapped,
[caps.wraps.WETH] what is unwrapped. Nothing is lost either way, but a thief's turnover is noise and gas; without its
cap a direction is closed."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """The chain's coin and the listed token, a WETH9, that stands for it. The token itself is what is called."""

    id: str
    coin: TokenId
    token: TokenId

    @property
    def ways(self) -> tuple[tuple[str, TokenId], tuple[str, TokenId]]:
        """Both directions by name, each with the token that goes in."""
        return ("wrap", self.coin), ("unwrap", self.token)


def wrapper(id_: str, row: Table, listed: Collection[TokenId]) -> Wrapper:
    """The rows of [venues.NAME] with `kind = "weth"`. Raises `InputError`."""
    coin, token = (TokenId(row.text(key)) for key in ("coin", "token"))
    for key, each in (("coin", coin), ("token", token)):
        if each not in listed:
            raise BadValue(each, row.path(key), "name a listed token: " + ", ".join(f"`{known}`" for known in listed))
    return Wrapper(id_, coin, token)


def check_wrappers(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction."""
    for each in document.wrappers.values():
        where = f"[venues.{each.id}] of {name}"
        _pair(document, each, where)
        if not any(document.cap(WRAPS, token) for _, token in each.ways):
            mend = f"write [caps.{WRAPS}.{each.coin}] or [caps.{WRAPS}.{each.token}] first"
            raise BadValue(each.id, where, mend)
        if sum(other.token == each.token for other in document.wrappers.values()) > 1:
            raise BadValue(each.token, f"`token` in {where}", "it is wrapped at one venue; take the others out")


def _pair(document: PolicyDocument, each: Wrapper, where: str) -> None:
    coin, token = document.tokens[each.coin], document.tokens[each.token]
    if not document.is_native(each.coin):
        raise BadValue(each.coin, f"`coin` in {where}", "name the chain's own coin, at the zero address")
    if document.is_native(each.token) or coin.token.decimals != token.token.decimals:
        raise BadValue(each.token, f"`token` in {where}", "name the coin's wrapped token, with as many decimals")
    if coin.price_as is not None and coin.price_as != each.token:
        mend = f"`{each.coin}` has the price of `{coin.price_as}`; it is wrapped as that"
        raise BadValue(each.token, f"`token` in {where}", mend)
