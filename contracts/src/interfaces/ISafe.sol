// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What the Kernel needs of a Safe, 1.4.1 or 1.5.0
interface ISafe {
    /// @notice Executes a call for an enabled module; never reverts for the inner call. `operation` zero is a plain call.
    function execTransactionFromModuleReturnData(address to, uint256 value, bytes memory data, uint8 operation)
        external
        returns (bool success, bytes memory returned);

    /// @notice `length` words of the Safe's storage from slot `offset` on.
    function getStorageAt(uint256 offset, uint256 length) external view returns (bytes memory);

    function isOwner(address account) external view returns (bool);
}
