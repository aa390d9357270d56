"""ERC-4626 vaults as the policy lists them: whose shares are worth what the vault says, within the policy's range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.markets import LENDING
from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import Address, TokenId
from strongroom.protocols.kernel_acts import PAR
from strongroom.protocols.kernel_rules_erc4626 import ShareWorth
from strongroom.quantities import parse_bps

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

ERC4626 = "erc4626"
_MOST_SHARE_DECIMALS = 27
_ALL_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Vault:
    """A vault of `token`, which is its own share. One whole share, of `share_decimals`, is worth `least_worth_units` to
    `most_worth_units` of the token, or the Kernel stops both ways. No deposit takes the position above `most_units` at
    the highest worth. `max_loss_bps` is what a fee may take, in or out."""

    id: str
    address: Address
    token: TokenId
    share_decimals: int
    least_worth_units: int
    most_worth_units: int
    most_units: int
    max_loss_bps: int = 0

    @property
    def share_id(self) -> TokenId:
        """`USDC@vault`, for people; no listed token can be named so."""
        return TokenId(f"{self.token}@{self.id}")

    @property
    def worth(self) -> ShareWorth:
        """The range as the Kernel counts, exact. Raises `BadValue` for an empty one."""
        whole = PAR // 10**self.share_decimals
        return ShareWorth(self.least_worth_units * whole, self.most_worth_units * whole)

    def to_shares_down(self, units: int) -> int:
        """Units of the share that are never worth more than `units` of the token: at the highest worth, rounded
        down."""
        return units * PAR // self.worth.most


def vault(id_: str, row: Table, token: TokenId, units: Callable[[str], int]) -> Vault:
    """[venues.NAME] with `kind = "erc4626"`; `units` reads an amount of `token` by its key. Raises `InputError`."""
    decimals = row.integer("share_decimals")
    if decimals > _MOST_SHARE_DECIMALS:
        mend = f"a share has at most {_MOST_SHARE_DECIMALS} decimals here"
        raise BadValue(decimals, row.path("share_decimals"), mend)
    loss = parse_bps(row.text("max_loss", "0 %"), row.path("max_loss"))
    worth = (units("least_worth"), units("most_worth"))
    return Vault(id_, row.address("vault"), token, decimals, *worth, units("most"), loss)


def check_vaults(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction."""
    for each in document.vaults.values():
        where = f"[venues.{each.id}] of {name}"
        if document.is_native(each.token):
            raise BadValue(each.token, f"`token` in {where}", "ether lies there as its wrapped token")
        if document.cap(LENDING, each.token) is None:
            raise BadValue(each.token, f"`token` in {where}", f"write [caps.{LENDING}.{each.token}] first")
        if not 0 < each.least_worth_units <= each.most_worth_units:
            mend = "write what a whole share is worth at least: more than zero, and at most `most_worth`"
            raise BadValue(each.least_worth_units, f"`least_worth` in {where}", mend)
        if each.max_loss_bps >= _ALL_BPS:
            raise BadValue("100 %", f"`max_loss` in {where}", "write how much a fee may take, for example `0.1 %`")
        if not each.to_shares_down(each.most_units):
            raise BadValue(each.most_units, f"`most` in {where}", "write how much may lie there at most")
        if document.watch is not None and each.token in document.watch.tokens:
            mend = (
                f"the watch cannot count shares, so a deposit would look like a loss; take {each.token} out of [watch]"
            )
            raise BadValue(each.token, f"`token` in {where}", mend)
