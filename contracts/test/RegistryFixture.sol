// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAuditRegistry} from "../src/interfaces/IAuditRegistry.sol";
import {Rfc9162} from "./Rfc9162.sol";
import {Test} from "./Test.sol";
import {LoggedKernel} from "./mocks/LoggedKernel.sol";

/// @title An open log, its entries, and the hands of those who may touch it
abstract contract RegistryFixture is Test {
    uint32 internal constant K = 4;
    uint32 internal constant T = 1 days;
    bytes32 internal constant GENESIS = keccak256("leaf of the log's first entry");
    bytes32 internal constant EMPTY = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    IAuditRegistry internal registry;
    LoggedKernel internal kernel;
    address internal safe = address(0x5AFE);
    address internal agent = address(0xA6E27);
    address internal anchorer = address(0xA4C04);
    address internal stranger = address(0x57A46E);

    /// @dev Leaf hashes of the log off chain.
    bytes32[] internal entries;
    /// @dev The accumulators as this test computes them, and when each action was bound; from 0, the genesis.
    bytes32[] internal accumulators;
    uint256[] internal times;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        // From the artifact: what is tested is byte for byte what ships.
        registry = IAuditRegistry(vm.deployCode("AuditRegistry.sol:AuditRegistry", ""));
        kernel = new LoggedKernel(safe, agent);
        _open(K);
    }

    function _open(uint32 maxActions) internal {
        vm.prank(safe);
        registry.open(address(kernel), GENESIS, anchorer, maxActions, T, 0, EMPTY);
        accumulators.push(GENESIS);
        times.push(0);
    }

    /* THE LOG */

    function record(bytes memory entry) internal {
        entries.push(Rfc9162.leaf(entry));
    }

    function recordSome(uint256 count) internal {
        for (uint256 i = 0; i < count; i++) {
            record(abi.encode("entry", entries.length));
        }
    }

    /// @dev The bytes of an entry that binds `word`.
    function entryOf(bytes32 word) internal pure returns (bytes memory) {
        return bytes.concat("1 anchor.bound ", hexOf(word), "\n{\"seq\":7}");
    }

    function hexOf(bytes32 word) internal pure returns (bytes memory digits) {
        digits = new bytes(64);
        for (uint256 i = 0; i < 64; i++) {
            digits[i] = bytes("0123456789abcdef")[uint256(word) >> (252 - 4 * i) & 15];
        }
    }

    /* ACTS */

    function act() internal {
        (bytes32 leaf, bytes32 action) = (keccak256(abi.encode("leaf", times.length)), keccak256("action"));
        kernel.act(registry, leaf, action);
        accumulators.push(keccak256(abi.encode(accumulators[accumulators.length - 1], leaf, action)));
        times.push(vm.getBlockTimestamp());
    }

    function actRefused(uint256 waiting, uint256 since) internal {
        vm.expectRevert(abi.encodeWithSelector(IAuditRegistry.LogBehind.selector, waiting, since));
        kernel.act(registry, 0, 0);
    }

    function acts(uint256 count) internal {
        for (uint256 i = 0; i < count; i++) {
            act();
        }
    }

    function wait_(uint256 delay) internal {
        vm.warp(vm.getBlockTimestamp() + delay);
    }

    /// @dev Anchors all entries from the size that is anchored; reverts as the registry does.
    function anchorWith(IAuditRegistry.Coverage memory coverage) internal {
        bytes32[] memory all = entries;
        uint64 size = uint64(all.length);
        bytes32 root = Rfc9162.root(all, size);
        bytes32[] memory path = Rfc9162.consistency(all, registry.log(address(kernel)).size, size);
        vm.prank(anchorer);
        registry.anchor(address(kernel), size, root, path, coverage);
    }

    function anchor() internal {
        IAuditRegistry.Coverage memory none;
        anchorWith(none);
    }

    /// @dev Records an entry with the accumulator after `number` actions, some more, and anchors it all.
    function cover(uint256 number) internal {
        anchorWith(coverageOf(entryOf(accumulators[number])));
    }

    function coverageOf(bytes memory entry) internal returns (IAuditRegistry.Coverage memory coverage) {
        coverage.index = uint64(entries.length);
        record(entry);
        recordSome(2);
        coverage.entry = entry;
        coverage.inclusion = Rfc9162.inclusion(entries, coverage.index, entries.length);
    }

    /// @dev `arguments` of `anchor` refused with `reason`, to whoever sends them.
    function anchorRefused(
        address sender,
        uint64 size,
        bytes32 root,
        bytes32[] memory path,
        IAuditRegistry.Coverage memory coverage,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        vm.prank(sender);
        registry.anchor(address(kernel), size, root, path, coverage);
    }

    function coverRefused(IAuditRegistry.Coverage memory coverage, bytes memory reason) internal {
        bytes32[] memory all = entries;
        bytes32[] memory path = Rfc9162.consistency(all, registry.log(address(kernel)).size, all.length);
        anchorRefused(anchorer, uint64(all.length), Rfc9162.root(all, all.length), path, coverage, reason);
    }

    function refusal(bytes4 selector, uint256 first) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first);
    }

    function refusal(bytes4 selector, uint256 first, uint256 second) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }

    function notAnchorer(address caller) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAuditRegistry.NotAnchorer.selector, caller);
    }

    function notSafe(address caller) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IAuditRegistry.NotSafeOf.selector, address(kernel), caller);
    }
}
