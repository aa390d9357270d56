// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelPayments} from "./KernelPayments.sol";
import {IERC20} from "./interfaces/IERC20.sol";
import {IPriceSource} from "./interfaces/IPriceSource.sol";
import {ISafe} from "./interfaces/ISafe.sol";
import {Leg, SwapRule} from "./interfaces/KernelTypes.sol";
import {CalldataTemplate} from "./libraries/CalldataTemplate.sol";
import {Forbidden} from "./libraries/Forbidden.sol";

/// @title Money that leaves the Safe for another token: what a venue may take, and what it must bring
/// @dev The venue is taken for hostile. What bounds it whatever it does is the bucket of tokenIn, charged before the call
/// and without any price; floors, slippage and the loss bucket bound an honest venue in a hostile market.
abstract contract KernelSwaps is KernelPayments {
    bytes32 private constant LOSS_KEY = keccak256(abi.encode(LOSS, uint32(0)));
    /// @dev keccak256("guard_manager.guard.address"): where a Safe keeps its transaction guard.
    uint256 private constant GUARD_SLOT = 0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8;
    uint256 private constant BPS = 10_000;

    function _swap(bytes32 leaf, SwapRule memory rule, Leg calldata leg, bytes32 ledgerLeaf) internal {
        _checkSwapRule(leaf, rule);
        _checkAsked(rule, leg);
        _screen(leaf, rule.target, rule.tokenIn);
        _screen(leaf, rule.spender, rule.tokenOut);
        // The dust too: then no venue gets more out of a bucket than the bucket says.
        _charge(bucketKey(rule.tokenIn, rule.class), uint256(leg.amount) + rule.dust);
        (uint256 spent, uint256 received) = _exchange(rule, leg);
        uint256 lossE8 = _lossE8(rule, spent, received);
        // Closed until it is set, like every bucket: without one, only swaps that lose nothing pass.
        _charge(LOSS_KEY, lossE8);
        // Not before the calls: what it tells is measured after them.
        emit Swapped(leaf, rule.tokenIn, rule.tokenOut, spent, received, lossE8, ledgerLeaf);
    }

    /* BEFORE THE CALL */

    /// @dev Rules are leaves of a root: the first time the Kernel sees one is when it is used.
    function _checkSwapRule(bytes32 leaf, SwapRule memory rule) private view {
        if (rule.delay != 0) revert RuleDelayed(leaf, rule.delay);
        if (rule.tokenIn == rule.tokenOut) revert BadRule(leaf);
        if (rule.maxSlippageBps >= BPS) revert BadRule(leaf);
        // Native coin is sent along, not fetched.
        if (rule.tokenIn == address(0) && rule.spender != address(0)) revert BadRule(leaf);
        if (rule.target == address(0) || _isProtected(rule.target)) revert BadRule(leaf);
        if (rule.spender != address(0) && rule.spender != rule.target && _isProtected(rule.spender)) {
            revert BadRule(leaf);
        }
        if (!_isPricedBy(rule.sourceIn, rule.tokenIn)) revert BadRule(leaf);
        if (!_isPricedBy(rule.sourceOut, rule.tokenOut)) revert BadRule(leaf);
        if (!CalldataTemplate.isSound(rule.template)) revert BadRule(leaf);
    }

    /// @dev Contracts that obey the Safe, or spend for it long after the leg.
    function _isProtected(address target) private view returns (bool) {
        if (target == safe || target == address(this) || target == registry) return true;
        return target == Forbidden.PERMIT2 || target == _guard();
    }

    function _guard() private view returns (address) {
        return abi.decode(ISafe(safe).getStorageAt(GUARD_SLOT, 1), (address));
    }

    /// @dev A price of another token would make any loss look small.
    function _isPricedBy(address source, address token) private view returns (bool) {
        return source != address(0) && IPriceSource(source).token() == token;
    }

    function _checkAsked(SwapRule memory rule, Leg calldata leg) private view {
        if (leg.amount == 0) revert AmountIsZero();
        if (leg.amount > rule.maxAmount) revert AboveRuleMaximum(leg.amount, rule.maxAmount);
        if (block.timestamp > leg.deadline) revert DeadlinePassed(leg.deadline);
        bytes4 selector = bytes4(leg.data);
        if (Forbidden.isForbidden(selector)) revert SelectorForbidden(selector);
        CalldataTemplate.check(rule.template, leg);
    }

    /* THE CALL */

    /// @dev Balances are read around everything that hands out control, the approvals included. What the Safe gets
    /// meanwhile from elsewhere counts as received: no balance tells it apart, which is why the bucket was charged first.
    function _exchange(SwapRule memory rule, Leg calldata leg) private returns (uint256 spent, uint256 received) {
        uint256 heldIn = _balance(rule.tokenIn);
        uint256 heldOut = _balance(rule.tokenOut);
        _callVenue(rule, leg);
        spent = _difference(heldIn, _balance(rule.tokenIn));
        uint256 holding = _balance(rule.tokenOut);
        received = _difference(holding, heldOut);
        uint256 allowed = uint256(leg.amount) + rule.dust;
        if (spent > allowed) revert SpentTooMuch(rule.tokenIn, spent, allowed);
        if (received < leg.minOut) revert ReceivedTooLittle(rule.tokenOut, received, leg.minOut);
        if (holding > rule.maxHolding) revert HoldingTooLarge(rule.tokenOut, holding, rule.maxHolding);
    }

    function _callVenue(SwapRule memory rule, Leg calldata leg) private {
        if (rule.spender == address(0)) {
            _call(rule.target, rule.tokenIn == address(0) ? leg.amount : 0, leg.data);
        } else {
            _requireNoAllowance(rule.tokenIn, rule.spender);
            _approve(rule.tokenIn, rule.spender, leg.amount);
            _call(rule.target, 0, leg.data);
            if (_allowance(rule.tokenIn, rule.spender) == 0) return;
            _approve(rule.tokenIn, rule.spender, 0);
            _requireNoAllowance(rule.tokenIn, rule.spender);
        }
    }

    /// @dev Some tokens refuse to change an allowance that is not zero; an older one is not the Kernel's to take away.
    function _requireNoAllowance(address token, address spender) private view {
        uint256 left = _allowance(token, spender);
        if (left != 0) revert AllowanceRemains(token, spender, left);
    }

    function _allowance(address token, address spender) private view returns (uint256) {
        return IERC20(token).allowance(safe, spender);
    }

    function _approve(address token, address spender, uint256 amount) private {
        bytes memory returned = _call(token, 0, abi.encodeCall(IERC20.approve, (spender, amount)));
        if (!_isTrueOrNothing(returned)) revert TransferRefused(token);
    }

    /* AFTER THE CALL */

    /// @dev Spent at the higher source rounded up, received at the lower rounded down: with the true prices between the
    /// sources, the real loss is at most this one. The allowed loss is rounded down.
    function _lossE8(SwapRule memory rule, uint256 spent, uint256 received) private view returns (uint256 lossE8) {
        (, uint256 givenE8) = IPriceSource(rule.sourceIn).valueE8(spent);
        (uint256 gotE8,) = IPriceSource(rule.sourceOut).valueE8(received);
        lossE8 = _difference(givenE8, gotE8);
        uint256 allowedE8 = givenE8 * rule.maxSlippageBps / BPS;
        if (lossE8 > allowedE8) revert SlippageTooHigh(lossE8, allowedE8);
    }

    function _difference(uint256 larger, uint256 smaller) private pure returns (uint256) {
        return larger > smaller ? larger - smaller : 0;
    }
}
