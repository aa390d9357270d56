// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelPayments} from "./KernelPayments.sol";
import {IERC20} from "./interfaces/IERC20.sol";
import {Leg, Template} from "./interfaces/KernelTypes.sol";
import {CalldataTemplate} from "./libraries/CalldataTemplate.sol";
import {Forbidden} from "./libraries/Forbidden.sol";

/// @dev A Safe's `getStorageAt` for one word: `bytes` of 32 are encoded as these three, which cost less to decode.
interface ISafeWord {
    function getStorageAt(uint256 slot, uint256 words)
        external
        view
        returns (uint256 offset, uint256 length, uint256 word);
}

/// @title One call of a venue: what it may be, what it may take, and what it must bring
/// @dev The venue is taken for hostile. What bounds it whatever it does is the bucket of tokenIn, charged before the call
/// and without any price; floors and slippage bound an honest venue in a hostile market.
abstract contract KernelVenues is KernelPayments {
    /// @dev What swaps, acts and exits have in common: the first words of their rules.
    struct Venue {
        address target;
        address spender;
        address tokenIn;
        address tokenOut;
        Template template;
        uint96 maxAmount;
        uint96 dust;
        uint128 maxHolding;
    }

    uint256 internal constant VENUE_BYTES = 11 * 32;
    uint256 internal constant BPS = 10_000;
    /// @dev keccak256("guard_manager.guard.address"): where a Safe keeps its transaction guard.
    uint256 private constant GUARD_SLOT = 0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8;

    /* BEFORE THE CALL */

    /// @dev Rules are leaves of a root: the first time the Kernel sees one is when it is used.
    function _checkVenue(bytes32 leaf, Venue memory venue, uint256 slippageBps) internal view {
        if (!_isSound(venue, slippageBps)) revert BadRule(leaf);
    }

    function _isSound(Venue memory venue, uint256 slippageBps) private view returns (bool) {
        if (venue.tokenIn == venue.tokenOut) return false;
        if (slippageBps >= BPS) return false;
        // Native coin is sent along, not fetched.
        if (venue.tokenIn == address(0) && venue.spender != address(0)) return false;
        address guard = _guard();
        if (venue.target == address(0) || _isProtected(venue.target, guard)) return false;
        bool isApart = venue.spender != address(0) && venue.spender != venue.target;
        return !isApart || !_isProtected(venue.spender, guard);
    }

    /// @dev Contracts that obey the Safe, or spend for it long after the leg.
    function _isProtected(address target, address guard) private view returns (bool) {
        if (target == safe || target == address(this) || target == registry) return true;
        return target == Forbidden.PERMIT2 || target == guard;
    }

    // Of the three only the word counts: a Safe answers one word where it is asked for one.
    // slither-disable-next-line unused-return
    function _guard() private view returns (address) {
        (,, uint256 word) = ISafeWord(safe).getStorageAt(GUARD_SLOT, 1);
        return address(uint160(word));
    }

    /// @dev Only claims, whose maximum is zero, ask for nothing.
    function _checkAsked(bytes32 leaf, Venue memory venue, Leg calldata leg, uint256 amount, bytes calldata data)
        internal
        view
    {
        if (amount == 0 && venue.maxAmount != 0) revert AmountIsZero();
        if (amount > venue.maxAmount) revert AboveRuleMaximum(amount, venue.maxAmount);
        if (block.timestamp > leg.deadline) revert DeadlinePassed(leg.deadline);
        bytes4 selector = bytes4(data);
        if (Forbidden.isForbidden(selector)) revert SelectorForbidden(selector);
        CalldataTemplate.check(venue.template, leg, leaf);
    }

    function _screenVenue(bytes32 leaf, Venue memory venue) internal view {
        _screen(leaf, venue.target, venue.tokenIn);
        // No spender: address zero would be the native coin, which others may have blocked.
        _screen(leaf, venue.spender == address(0) ? venue.target : venue.spender, venue.tokenOut);
    }

    /* THE CALL */

    /// @dev Balances are read around everything that hands out control, the approvals included. What the Safe gets
    /// meanwhile from elsewhere counts as received: no balance tells it apart, which is why the bucket is charged first.
    // Behind the transient lock; what comes in meanwhile is what the note above is about.
    // slither-disable-next-line reentrancy-balance
    function _exchange(Venue memory venue, uint256 class, uint256 floor, uint256 amount, bytes calldata data)
        internal
        returns (uint256 spent, uint256 received)
    {
        // The dust too: then no venue gets more out of a bucket than the bucket says.
        uint256 allowed = amount + venue.dust;
        _charge(bucketKey(venue.tokenIn, uint32(class)), allowed);
        uint256 heldIn = _balance(venue.tokenIn);
        uint256 heldOut = _balance(venue.tokenOut);
        _callVenue(venue, amount, data);
        spent = _difference(heldIn, _balance(venue.tokenIn));
        uint256 holding = _balance(venue.tokenOut);
        received = _difference(holding, heldOut);
        if (spent > allowed) revert SpentTooMuch(venue.tokenIn, spent, allowed);
        if (received < floor) revert ReceivedTooLittle(venue.tokenOut, received, floor);
        if (holding > venue.maxHolding) revert HoldingTooLarge(venue.tokenOut, holding, venue.maxHolding);
    }

    function _callVenue(Venue memory venue, uint256 amount, bytes calldata data) private {
        if (venue.spender == address(0)) {
            _call(venue.target, venue.tokenIn == address(0) ? amount : 0, data);
        } else {
            _requireNoAllowance(venue.tokenIn, venue.spender);
            _approve(venue.tokenIn, venue.spender, amount);
            _call(venue.target, 0, data);
            if (_allowance(venue.tokenIn, venue.spender) == 0) return;
            _approve(venue.tokenIn, venue.spender, 0);
            _requireNoAllowance(venue.tokenIn, venue.spender);
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
}
