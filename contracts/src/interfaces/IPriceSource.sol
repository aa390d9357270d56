// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice All that a price source is born with. `token` zero is the native coin. `feeds` are two different Chainlink proxies
/// of the token in USD, pushed by their own nodes. `maxAges`: seconds up to which an answer of each counts, inclusive, at
/// most 7 days. `maxDeviationBps`: of the lower price, inclusive. `sequencer`: the L2's uptime feed, zero on an L1.
struct PriceConfig {
    address token;
    uint8 decimals;
    address[2] feeds;
    uint32[2] maxAges;
    uint16 maxDeviationBps;
    address sequencer;
}

/// @title The price of one token from two sources; immutable, named in the leaves of swaps
interface IPriceSource {
    /// @notice Sources disagree by more than the bound: (high - low) / low > maxDeviationBps / 10,000. Prices are USD 1e-18
    /// for a whole token.
    error SourcesDeviate(uint256 low, uint256 high, uint256 maxDeviationBps);
    /// @notice A feed has no usable answer; `why` is one of: "absent", "not positive", "incomplete", "stale", "future".
    error FeedUnusable(address feed, bytes32 why);
    /// @notice The L2 sequencer is down (`upSince` zero), or up for less than an hour.
    error SequencerDown(uint256 upSince);
    /// @notice The configuration contradicts itself or the chain; `field` is the name in PriceConfig.
    error BadConfig(bytes32 field);

    /// @notice The token priced; zero is the native coin.
    function token() external view returns (address);

    /// @notice USD 1e-8 value of `units` of the token: `lowE8` at the lower source rounded down, `highE8` at the higher
    /// rounded up. Reverts on anything off: stale, incomplete, non-positive, future or absent answers, deviation, sequencer.
    function valueE8(uint256 units) external view returns (uint256 lowE8, uint256 highE8);

    /// @notice The lower and the higher of both prices, USD 1e-18 for a whole token. Reverts as `valueE8` does.
    function prices() external view returns (uint256 low, uint256 high);
}
