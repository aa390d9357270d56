// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The ERC-20 functions the Kernel uses. `transfer` and `approve` are only encoded: their answers are read leniently
interface IERC20 {
    function balanceOf(address holder) external view returns (uint256);
    function allowance(address holder, address spender) external view returns (uint256);
    function transfer(address to, uint256 amount) external returns (bool);
    function approve(address spender, uint256 amount) external returns (bool);
}

/// @title The optional part of ERC-20 that says how many units a whole token has
interface IERC20Decimals {
    function decimals() external view returns (uint8);
}
