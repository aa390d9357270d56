// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {InterestToken} from "./LendingPool.sol";
import {Token} from "./Token.sol";

/// @title A pool that is owed, shaped as Aave V3's: it takes no more than the debt, and burns what its index rounds it to
/// @dev `burnBps`: of what it takes so much is burned.
contract Borrowed {
    Token public immutable asset;
    InterestToken public immutable debt;
    uint256 public burnBps = 10_000;
    uint256 public bookedIndex;

    error NoDebt(uint256 mode);

    constructor(Token asset_) {
        asset = asset_;
        debt = new InterestToken(address(this));
    }

    function setBurn(uint256 bps) external {
        burnBps = bps;
    }

    /// @dev Books interest in the next repayment, as no pool does that lets its views count it before.
    function setBooked(uint256 index) external {
        bookedIndex = index;
    }

    function lend(address borrower, uint256 amount) external {
        debt.mint(borrower, amount);
    }

    function repay(address, uint256 amount, uint256 mode, address onBehalfOf) external returns (uint256) {
        if (bookedIndex != 0) debt.setIndex(bookedIndex);
        uint256 owed = mode == 2 ? debt.balanceOf(onBehalfOf) : 0;
        if (owed == 0) revert NoDebt(mode);
        uint256 paid = amount < owed ? amount : owed;
        debt.burn(onBehalfOf, paid * burnBps / 10_000);
        asset.transferFrom(msg.sender, address(this), paid);
        return paid;
    }
}

/// @title A debt token that says what it is told to, and a pool of it that takes everything and burns nothing
contract StatedDebt {
    uint256 public owed;

    function repay(address asset, uint256 amount, uint256, address) external returns (uint256) {
        Token(asset).transferFrom(msg.sender, address(this), amount);
        owed -= amount;
        return amount;
    }

    function state(uint256 owed_) external {
        owed = owed_;
    }

    function balanceOf(address) external view returns (uint256) {
        return owed;
    }
}
