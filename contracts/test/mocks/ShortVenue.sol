// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Token} from "./Token.sol";

/// @title A venue that pays `shortBps` less than it quotes, whatever minimum it was given
contract ShortVenue {
    Token public immutable tokenIn;
    Token public immutable tokenOut;
    uint256 public immutable rateE18;
    uint256 public immutable shortBps;

    event Swapped(address indexed to, uint256 amountIn, uint256 promised, uint256 paid);

    /// @param rateE18_ Units of tokenOut for 1e18 units of tokenIn.
    constructor(Token tokenIn_, Token tokenOut_, uint256 rateE18_, uint256 shortBps_) {
        tokenIn = tokenIn_;
        tokenOut = tokenOut_;
        rateE18 = rateE18_;
        shortBps = shortBps_;
    }

    /// @notice What it promises for `amountIn`.
    function quote(uint256 amountIn) public view returns (uint256) {
        return amountIn * rateE18 / 1e18;
    }

    /// @notice Takes `amountIn`, pays `to` less than `quote` said, and ignores the minimum and the deadline.
    function swap(uint256 amountIn, uint256, address to, uint256) external returns (uint256 paid) {
        uint256 promised = quote(amountIn);
        paid = promised - promised * shortBps / 10_000;
        tokenIn.transferFrom(msg.sender, address(this), amountIn);
        tokenOut.mint(to, paid);
        emit Swapped(to, amountIn, promised, paid);
    }
}
