// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelVenues} from "./KernelVenues.sol";
import {IPriceSource} from "./interfaces/IPriceSource.sol";
import {Leg} from "./interfaces/KernelTypes.sol";
import {LeakyBucket} from "./libraries/LeakyBucket.sol";

/// @title Money that leaves the Safe for another token at a market's price: two oracles bound what it may lose
abstract contract KernelSwaps is KernelVenues {
    /// @dev What a swap's rule says after its venue, but for its delay: whoever runs the leg has read that.
    struct SwapTerms {
        address sourceIn;
        address sourceOut;
        uint16 maxSlippageBps;
        uint32 class;
    }

    /// @dev bucketKey(LOSS, 0).
    bytes32 internal constant LOSS_KEY = 0xabbb5caa7dda850e60932de0934eb1f9d0f59695050f761dc64e443e5030a569;

    /// @return isOver Whether its loss lifted the loss bucket over the soft limit.
    // Behind the transient lock.
    // slither-disable-next-line reentrancy-no-eth,reentrancy-events
    function _swap(bytes32 leaf, bytes calldata rule, Leg calldata leg, bytes32 ledgerLeaf, bool isScreened)
        internal
        returns (bool isOver)
    {
        Venue memory venue = abi.decode(rule, (Venue));
        SwapTerms memory terms = abi.decode(rule[VENUE_BYTES:], (SwapTerms));
        (uint256 amount, bytes calldata data) = (leg.amount, leg.data);
        _checkVenue(leaf, venue, terms.maxSlippageBps);
        if (!_isPricedBy(terms.sourceIn, venue.tokenIn)) revert BadRule(leaf);
        if (!_isPricedBy(terms.sourceOut, venue.tokenOut)) revert BadRule(leaf);
        _checkAsked(leaf, venue, leg, amount, data);
        if (amount == 0) revert AmountIsZero();
        if (isScreened) {
            _screenVenue(leaf, venue);
            _screen(leaf, terms.sourceIn, terms.sourceOut);
        }
        (uint256 spent, uint256 received) = _exchange(venue, terms.class, leg.minOut, amount, data);
        uint256 lossE8 = _lossE8(terms, spent, received);
        // Not before the calls: what it tells is measured after them.
        emit Swapped(leaf, venue.tokenIn, venue.tokenOut, spent, received, lossE8, ledgerLeaf);
        return lossE8 != 0 && _chargeLoss(lossE8);
    }

    /// @dev A price of another token would make any loss look small.
    function _isPricedBy(address source, address token) private view returns (bool) {
        return source != address(0) && IPriceSource(source).token() == token;
    }

    /// @dev Spent at the higher source rounded up, received at the lower rounded down: with the true prices between the
    /// sources, the real loss is at most this one. The allowed loss is rounded down.
    // Of each pair of values only the worse end counts.
    // slither-disable-next-line unused-return
    function _lossE8(SwapTerms memory terms, uint256 spent, uint256 received) private view returns (uint256 lossE8) {
        (, uint256 givenE8) = IPriceSource(terms.sourceIn).valueE8(spent);
        (uint256 gotE8,) = IPriceSource(terms.sourceOut).valueE8(received);
        lossE8 = _difference(givenE8, gotE8);
        uint256 allowedE8 = givenE8 * terms.maxSlippageBps / BPS;
        if (lossE8 > allowedE8) revert SlippageTooHigh(lossE8, allowedE8);
    }

    /// @dev Closed until it is set, like every bucket: without one, only swaps that lose nothing pass. Two limits: above the
    /// capacity the swap reverts; over three quarters of it the swap counts, and the run ends in a pause.
    function _chargeLoss(uint256 lossE8) private returns (bool) {
        return LeakyBucket.isLiftedOverSoft(_charge(LOSS_KEY, lossE8), lossE8);
    }
}
