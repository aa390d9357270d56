// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What only a symbolic executor knows
interface SymbolicVm {
    function createUint(uint256 bits, string calldata name) external returns (uint256);
    function createUint256(string calldata name) external returns (uint256);
    function createAddress(string calldata name) external returns (address);
    function createBytes32(string calldata name) external returns (bytes32);
    function createBool(string calldata name) external returns (bool);
    function createCalldata(string calldata contractName) external returns (bytes memory);
    function enableSymbolicStorage(address account) external;
    function snapshotStorage(address account) external returns (uint256);
}

SymbolicVm constant svm = SymbolicVm(address(uint160(uint256(keccak256("svm cheat code")))));

/// @title The one cheat code that no other test uses
interface StoringVm {
    function store(address target, bytes32 slot, bytes32 value) external;
}

/// @title A Safe that answers anything: what holds for it holds for every Safe, token, venue, price source and registry
/// @dev It never calls back. Every entry of the Kernel but `pause` refuses it then (`Busy`), and `pause` only stops.
contract AnySafe {
    mapping(address account => bool) public isOwner;

    function execTransactionFromModuleReturnData(address, uint256, bytes calldata, uint8)
        external
        returns (bool, bytes memory)
    {
        return (svm.createBool("the call succeeded"), abi.encode(svm.createUint256("what came back")));
    }

    function getStorageAt(uint256, uint256) external returns (bytes memory) {
        return abi.encode(svm.createAddress("the guard"));
    }

    function balanceOf(address) external returns (uint256) {
        return svm.createUint(128, "a balance");
    }

    function bind(bytes32, bytes32) external {}
}
