// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "./interfaces/IERC20.sol";

/// @title DebtMeter: a debt seen from its other side, so that paying it back brings something
/// @notice UNAUDITED. The Kernel counts what comes in, and a repayment brings nothing: it burns debt. As the tokenOut of
/// an act at a rate of one for one this meter says what was received: by how much the account's debt fell.
/// @dev Views only. No owner, no storage, nothing to hold or to approve: one meter serves everybody who owes `debt`.
/// It never is a tokenIn, since it knows no allowance. Its word is the debt token's; who lists it trusts that token.
contract DebtMeter {
    /// @notice What an account without debt has: the most that a rule's `maxHolding` can say, so that none is too much.
    uint256 public constant CEILING = type(uint128).max;

    /// @notice The debt that is measured: for Aave V3 a reserve's variable debt token.
    address public immutable debt;

    /// @notice `debt` is an account without code. Name the token that stands for what is owed.
    error NoDebtToken(address debt);
    /// @notice The account owes more than can be measured. The Safe repays it itself.
    error DebtTooLarge(uint256 owed);

    constructor(address debt_) {
        if (debt_.code.length == 0) revert NoDebtToken(debt_);
        debt = debt_;
        // What does not answer here would stop every repayment later.
        balanceOf(address(this));
    }

    /// @notice CEILING less what `account` owes, in the debt's smallest unit: it rises by what is repaid.
    function balanceOf(address account) public view returns (uint256) {
        uint256 owed = IERC20(debt).balanceOf(account);
        if (owed > CEILING) revert DebtTooLarge(owed);
        return CEILING - owed;
    }
}
