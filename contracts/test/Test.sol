// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The cheat codes these tests use
interface Vm {
    function warp(uint256 timestamp) external;
    function roll(uint256 number) external;
    function deal(address account, uint256 balance) external;
    function etch(address account, bytes calldata code) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function expectRevert(bytes calldata data) external;
    function expectRevert() external;
    function expectEmit(bool topic1, bool topic2, bool topic3, bool data, address emitter) external;
    function load(address target, bytes32 slot) external view returns (bytes32);
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function projectRoot() external view returns (string memory);
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);
    function assume(bool condition) external pure;
    function getBlockTimestamp() external view returns (uint256);
    function getBlockNumber() external view returns (uint256);
    function getCode(string calldata artifact) external view returns (bytes memory);
}

/// @title What create answers itself: `vm.deployCode` has no reason to show
contract Nursery {
    function born(bytes memory creation) external returns (address made) {
        assembly {
            made := create(0, add(creation, 0x20), mload(creation))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
}

/// @title What a test needs of a test library, and no more
abstract contract Test {
    /// @dev forge looks for this flag; a failed assertion reverts, so it never changes.
    bool public constant IS_TEST = true;
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error NotEqual(string what, uint256 found, uint256 expected);
    error NotTrue(string what);
    error TooLarge(string what, uint256 found, uint256 maximum);

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    function assertEq(uint256 found, uint256 expected, string memory what) internal pure {
        if (found != expected) revert NotEqual(what, found, expected);
    }

    function assertEq(address found, address expected, string memory what) internal pure {
        assertEq(uint256(uint160(found)), uint256(uint160(expected)), what);
    }

    function assertEq(bytes32 found, bytes32 expected, string memory what) internal pure {
        assertEq(uint256(found), uint256(expected), what);
    }

    function assertLe(uint256 found, uint256 maximum, string memory what) internal pure {
        if (found > maximum) revert TooLarge(what, found, maximum);
    }

    /// @dev That one of our contracts, by its artifact, is not born of these arguments, and says why. `vm.expectRevert` with
    /// `vm.deployCode` would end the test there and then, green, whatever follows.
    function assertUnborn(string memory artifact, bytes memory arguments, bytes memory reason) internal {
        try new Nursery().born(bytes.concat(vm.getCode(artifact), arguments)) {
            revert NotTrue("it was born");
        } catch (bytes memory found) {
            assertEq(keccak256(found), keccak256(reason), "reason");
        }
    }

    /// @dev `x` folded into [low, high].
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        if (low == 0 && high == type(uint256).max) return x;
        return low + x % (high - low + 1);
    }
}
