// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What is read of a Uniswap V3 pool's own record of its past
interface IUniswapV3Oracle {
    function token0() external view returns (address);

    function token1() external view returns (address);

    /// @notice Sums since the pool began, at each of `secondsAgos` before now: of the tick, and of the inverse of the
    /// liquidity in use (scaled by 2^128), each times the seconds it held. Both wrap. Reverts (`OLD`) before its record.
    function observe(uint32[] calldata secondsAgos)
        external
        view
        returns (int56[] memory tickCumulatives, uint160[] memory secondsPerLiquidityCumulativeX128s);
}
