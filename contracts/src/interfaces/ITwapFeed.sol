// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAggregator} from "./IAggregator.sol";

/// @notice All that a TWAP feed is born with. `pool`: the Uniswap V3 pool of `token` and another, whose USD price
/// `quoteFeed` (a Chainlink proxy) tells. `window`: seconds over which the tick is averaged, 30 minutes to 1 day.
/// `minLiquidity`: least harmonic mean of the liquidity in use over the window, in the pool's units, more than zero.
struct TwapConfig {
    address pool;
    address token;
    address quoteFeed;
    uint32 window;
    uint128 minLiquidity;
}

/// @title A token's USD price from a pool's past, in the form of a Chainlink proxy; immutable
interface ITwapFeed is IAggregator {
    /// @notice The configuration contradicts itself or the chain; `field` is the name in TwapConfig.
    error BadTwap(bytes32 field);
    /// @notice So little liquidity was in use that the average could be moved: harmonic mean over the window.
    error ThinPool(uint256 liquidity, uint256 minimum);

    /// @notice Immutable, as in TwapConfig.
    function pool() external view returns (address);

    function token() external view returns (address);

    function quoteFeed() external view returns (address);

    function window() external view returns (uint32);

    function minLiquidity() external view returns (uint128);

    /// @notice The tick's average over the window, rounded down, and the harmonic mean of the liquidity in use. Reverts with
    /// the pool's own reason where its record is shorter than the window.
    function consult() external view returns (int256 tick, uint256 liquidity);
}
