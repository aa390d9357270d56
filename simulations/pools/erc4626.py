"""What a tokenized vault's shares and assets are worth in each other, wei for wei.

Shares are assets times supply over holdings. OpenZeppelin's vaults (since 4.9) add 10^offset virtual shares and one
virtual asset; plain ones (Solmate's) add none and count one for one while there are no shares. What an account pays is
rounded up, what it gets is rounded down. Source: EIP-4626; OpenZeppelin `ERC4626.sol`, Solmate `ERC4626.sol`.
"""

from __future__ import annotations

from dataclasses import dataclass

_MOST = 2**256 - 1


@dataclass(frozen=True, slots=True)
class Vault:
    """`assets` and `shares` are `totalAssets` and `totalSupply` in units; `offset` is OpenZeppelin's decimals offset
    (0..77), or `None` for a plain vault. Every amount is in units, 0..2^256-1; `None` is what the contract reverts."""

    assets: int
    shares: int
    offset: int | None = 0

    def deposit(self, assets: int) -> int | None:
        """Shares given for exactly `assets`, rounded down: `previewDeposit`, `convertToShares`."""
        return self._rated(assets, to_shares=True, up=False)

    def mint(self, shares: int) -> int | None:
        """Assets that exactly `shares` cost, rounded up: `previewMint`."""
        return self._rated(shares, to_shares=False, up=True)

    def withdraw(self, assets: int) -> int | None:
        """Shares burned for exactly `assets`, rounded up: `previewWithdraw`."""
        return self._rated(assets, to_shares=True, up=True)

    def redeem(self, shares: int) -> int | None:
        """Assets given for exactly `shares`, rounded down: `previewRedeem`, `convertToAssets`."""
        return self._rated(shares, to_shares=False, up=False)

    def _rated(self, amount: int, *, to_shares: bool, up: bool) -> int | None:
        if self.offset is None and self.shares == 0:
            return amount
        assets, shares = self._priced()
        over, under = (shares, assets) if to_shares else (assets, shares)
        # A plain vault multiplies in one word; OpenZeppelin's product has two, and only its quotient must fit.
        if max(assets, shares) > _MOST or under == 0 or (self.offset is None and amount * over > _MOST):
            return None
        rated = -(-amount * over // under) if up else amount * over // under
        return rated if rated <= _MOST else None

    def _priced(self) -> tuple[int, int]:
        """Assets and shares that make the price."""
        if self.offset is None:
            return self.assets, self.shares
        return self.assets + 1, self.shares + 10**self.offset
