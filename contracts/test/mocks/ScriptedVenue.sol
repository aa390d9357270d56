// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Token} from "./Token.sol";

/// @title A venue that takes what it is told of what it was promised, pays what it is told, and calls whom it is told
/// @dev Token zero is ether. What it pays it mints, or has; what it takes it keeps.
contract ScriptedVenue {
    uint256 private constant BPS = 10_000;

    uint256 public takeBps = BPS;
    uint256 public give;
    address public hook;
    bytes public payload;
    /// @notice Whether the hook's call worked, and what it answered.
    bool public succeeded;
    bytes public answer;

    /// @param takeBps_ Part of amountIn that is fetched. @param give_ Units of tokenOut paid, whatever the minimum.
    function instruct(uint256 takeBps_, uint256 give_, address hook_, bytes calldata payload_) external {
        (takeBps, give, hook, payload) = (takeBps_, give_, hook_, payload_);
    }

    function swap(Token tokenIn, Token tokenOut, address to, uint256 amountIn, uint256, uint256) external payable {
        if (address(tokenIn) != address(0)) _fetch(tokenIn, msg.sender, amountIn * takeBps / BPS);
        if (hook != address(0)) (succeeded, answer) = hook.call(payload);
        if (address(tokenOut) != address(0)) tokenOut.mint(to, give);
        else payable(to).transfer(give);
    }

    /// @notice Comes back later for what is still approved.
    function drain(Token token, address from, uint256 amount) external {
        token.transferFrom(from, address(this), amount);
    }

    function _fetch(Token token, address from, uint256 amount) private {
        // By hand: some tokens answer nothing.
        (bool success,) = address(token).call(abi.encodeCall(Token.transferFrom, (from, address(this), amount)));
        require(success, "fetch");
    }

    receive() external payable {}
}

/// @title Money of the Safe's own that anybody may send home: a vesting, a claim, a payment that was only waiting
contract Inflow {
    function release(Token token, address to, uint256 amount) external {
        token.mint(to, amount);
    }
}
