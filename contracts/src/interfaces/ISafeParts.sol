// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What decides who commands a Safe, 1.4.1 or 1.5.0: how it is read, and the calls to itself that change it
interface ISafeParts {
    /// @notice Modules from the one after `start` on, newest first; `next` is the sentinel `address(1)` at the end.
    function getModulesPaginated(address start, uint256 pageSize)
        external
        view
        returns (address[] memory modules, address next);

    /// @notice Owners, newest first.
    function getOwners() external view returns (address[] memory);

    function getThreshold() external view returns (uint256);

    function enableModule(address module) external;
    function disableModule(address previous, address module) external;
    function setGuard(address guard) external;
    function setFallbackHandler(address handler) external;

    /// @notice Since 1.5.0.
    function setModuleGuard(address moduleGuard) external;

    function addOwnerWithThreshold(address owner, uint256 threshold) external;
    function removeOwner(address previous, address owner, uint256 threshold) external;
    function swapOwner(address previous, address oldOwner, address newOwner) external;
    function changeThreshold(uint256 threshold) external;
}
