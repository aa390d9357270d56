// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelSwaps} from "./KernelSwaps.sol";
import {IERC4626Rates} from "./interfaces/IERC4626Rates.sol";
import {Kind, Leg} from "./interfaces/KernelTypes.sol";

/// @title Money that changes its form at a rate known before: supply, withdraw, wrap, claim; and the way home in a pause
abstract contract KernelActs is KernelSwaps {
    /// @dev What an act's or exit's rule says after its venue, but for its delay: whoever runs the leg has read that.
    struct ActTerms {
        address vault;
        uint256 minRate;
        uint256 maxRate;
        uint16 maxSlippageBps;
        uint32 class;
    }

    /// @dev Units of tokenIn that a rate is for.
    uint256 private constant RATE_UNITS = 1e27;

    // Behind the transient lock; the event tells what was measured after the call.
    // slither-disable-next-line reentrancy-events
    function _act(bytes32 leaf, bytes calldata rule, Leg calldata leg, bytes32 ledgerLeaf, bool isScreened) internal {
        Venue memory venue = abi.decode(rule, (Venue));
        (uint256 spent, uint256 received) = _exchangeAtRate(leaf, venue, rule, leg, isScreened);
        emit Acted(leaf, venue.tokenIn, venue.tokenOut, spent, received, ledgerLeaf);
    }

    // slither-disable-next-line reentrancy-events (as in `_act`)
    function _exit(bytes32 leaf, bytes calldata rule, Leg calldata leg, bool isScreened) internal {
        Venue memory venue = abi.decode(rule, (Venue));
        (uint256 spent, uint256 received) = _exchangeAtRate(leaf, venue, rule, leg, isScreened);
        emit Exited(leaf, msg.sender, venue.tokenOut, venue.tokenIn, spent, received);
    }

    function _exchangeAtRate(bytes32 leaf, Venue memory venue, bytes calldata rule, Leg calldata leg, bool isScreened)
        private
        returns (uint256, uint256)
    {
        ActTerms memory terms = abi.decode(rule[VENUE_BYTES:], (ActTerms));
        (uint256 amount, bytes calldata data) = (leg.amount, leg.data);
        _checkVenue(leaf, venue, terms.maxSlippageBps);
        if (!_isRated(venue, terms)) revert BadRule(leaf);
        _checkAsked(leaf, venue, leg, amount, data);
        if (isScreened) _screenVenue(leaf, venue);
        // Asked before the call: afterwards the vault would be judged by the state that it made.
        uint256 floor = _floor(venue, terms, amount);
        return _exchange(venue, terms.class, floor < leg.minOut ? leg.minOut : floor, amount, data);
    }

    /// @dev A claim asks for nothing and is promised nothing; whatever takes something has a floor above zero.
    function _isRated(Venue memory venue, ActTerms memory terms) private pure returns (bool) {
        if (venue.maxAmount == 0) return terms.maxRate == 0 && terms.minRate == 0 && terms.vault == address(0);
        if (terms.minRate == 0 || terms.minRate > terms.maxRate) return false;
        if (terms.vault == address(0)) return terms.minRate == terms.maxRate;
        return terms.vault == venue.tokenIn || terms.vault == venue.tokenOut;
    }

    /// @dev Least units of tokenOut for `amount`, rounded up both times.
    function _floor(Venue memory venue, ActTerms memory terms, uint256 amount) private view returns (uint256) {
        uint256 expected = terms.vault == address(0)
            ? _dividedUp(amount * terms.minRate, RATE_UNITS)
            : _answered(terms, terms.vault == venue.tokenOut, amount);
        return _dividedUp(expected * (BPS - terms.maxSlippageBps), BPS);
    }

    /// @dev The vault says what it likes, so outside the rule's range its word stops the leg.
    function _answered(ActTerms memory terms, bool isDeposit, uint256 amount) private view returns (uint256 expected) {
        IERC4626Rates vault = IERC4626Rates(terms.vault);
        expected = isDeposit ? vault.convertToShares(amount) : vault.convertToAssets(amount);
        uint256 rate = expected * RATE_UNITS / amount;
        if (rate < terms.minRate || rate > terms.maxRate) revert RateOutOfRange(rate, terms.minRate, terms.maxRate);
    }

    function _dividedUp(uint256 dividend, uint256 divisor) private pure returns (uint256) {
        return (dividend + divisor - 1) / divisor;
    }
}
