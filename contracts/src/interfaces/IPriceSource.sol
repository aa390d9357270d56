// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The price of one token from two sources; immutable, named in the leaves of swaps
interface IPriceSource {
    /// @notice Sources disagree by more than the bound.
    error SourcesDeviate(uint256 low, uint256 high, uint256 maxDeviationBps);
    /// @notice A feed has no usable answer; `why` is one of: "absent", "not positive", "incomplete", "stale", "future".
    error FeedUnusable(address feed, bytes32 why);
    /// @notice The L2 sequencer is down, or up for less than an hour.
    error SequencerDown(uint256 upSince);

    /// @notice The token priced; zero is the native coin.
    function token() external view returns (address);

    /// @notice USD 1e-8 value of `units` of the token: `lowE8` at the lower source rounded down, `highE8` at the higher
    /// rounded up. Reverts on anything off: stale, incomplete, non-positive, future or absent answers, deviation, sequencer.
    function valueE8(uint256 units) external view returns (uint256 lowE8, uint256 highE8);
}
