// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What an ERC-4626 vault says its shares are worth, both rounded down and before any fee
interface IERC4626Rates {
    /// @notice Shares for `assets` units of the asset.
    function convertToShares(uint256 assets) external view returns (uint256 shares);

    /// @notice Units of the asset for `shares`.
    function convertToAssets(uint256 shares) external view returns (uint256 assets);
}
