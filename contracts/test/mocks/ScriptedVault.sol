// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Token} from "./Token.sol";

/// @title Shares of a vault that says they are worth what a test says
contract ScriptedVault is Token {
    uint256 private constant RATE_UNITS = 1e27;

    /// @notice Shares for 1e27 units of the asset, and the other way round.
    uint256 public sharesRate;
    uint256 public assetsRate;

    constructor(uint8 decimals_) Token("Vault", "VLT", decimals_) {}

    function setRates(uint256 sharesRate_, uint256 assetsRate_) external {
        (sharesRate, assetsRate) = (sharesRate_, assetsRate_);
    }

    function convertToShares(uint256 assets) external view returns (uint256) {
        return assets * sharesRate / RATE_UNITS;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        return shares * assetsRate / RATE_UNITS;
    }
}
