// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAuditRegistry} from "../src/interfaces/IAuditRegistry.sol";
import {RegistryFixture} from "./RegistryFixture.sol";
import {Rfc9162} from "./Rfc9162.sol";
import {LoggedKernel} from "./mocks/LoggedKernel.sol";

contract AuditRegistryTest is RegistryFixture {
    bytes32 private constant OTHER = bytes32(uint256(1));
    IAuditRegistry.Coverage private none;

    /* OPENING */

    function _openRefused(address sender, LoggedKernel made, uint32 actions, uint32 time, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(sender);
        registry.open(address(made), GENESIS, anchorer, actions, time, 0, EMPTY);
    }

    function test_only_the_kernels_safe_opens_its_log_and_only_once() public {
        LoggedKernel fresh = new LoggedKernel(safe, agent);
        address[4] memory others = [stranger, agent, anchorer, address(fresh)];
        for (uint256 i = 0; i < others.length; i++) {
            bytes memory notIts = abi.encodeWithSelector(IAuditRegistry.NotSafeOf.selector, address(fresh), others[i]);
            _openRefused(others[i], fresh, K, T, notIts);
        }
        _openRefused(safe, kernel, K, T, abi.encodeWithSelector(IAuditRegistry.AlreadyOpen.selector, address(kernel)));
    }

    function test_an_account_without_code_has_no_safe() public {
        bytes memory reason = abi.encodeWithSelector(IAuditRegistry.NotSafeOf.selector, stranger, safe);
        _openRefused(safe, LoggedKernel(stranger), K, T, reason);
    }

    function test_limits_are_1_to_256_actions_and_some_time() public {
        LoggedKernel fresh = new LoggedKernel(safe, agent);
        bytes4 bad = IAuditRegistry.BadLimits.selector;
        _openRefused(safe, fresh, 0, T, refusal(bad, 0, T));
        _openRefused(safe, fresh, 257, T, refusal(bad, 257, T));
        _openRefused(safe, fresh, 65_537, T, refusal(bad, 65_537, T));
        _openRefused(safe, fresh, K, 0, refusal(bad, K, 0));
        vm.prank(safe);
        registry.open(address(fresh), GENESIS, anchorer, 256, 1, 0, EMPTY);
        assertEq(registry.log(address(fresh)).maxActions, 256, "the largest");
    }

    function test_an_empty_log_has_the_empty_root() public {
        LoggedKernel fresh = new LoggedKernel(safe, agent);
        vm.expectRevert(abi.encodeWithSelector(IAuditRegistry.NotConsistent.selector, 0, OTHER));
        vm.prank(safe);
        registry.open(address(fresh), GENESIS, anchorer, K, T, 0, OTHER);
    }

    function test_a_log_is_opened_with_a_head_and_its_genesis_as_first_accumulator() public {
        LoggedKernel fresh = new LoggedKernel(safe, agent);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IAuditRegistry.Opened(address(fresh), GENESIS, anchorer, K, T, 9, OTHER);
        vm.prank(safe);
        registry.open(address(fresh), GENESIS, anchorer, K, T, 9, OTHER);
        IAuditRegistry.Log memory log = registry.log(address(fresh));
        assertEq(log.anchorer, anchorer, "anchorer");
        assertTrue(log.maxActions == K && log.maxSeconds == T && log.size == 9, "limits and size");
        assertTrue(log.bound == 0 && log.covered == 0, "nothing is bound");
        assertEq(log.root, OTHER, "root");
        assertEq(log.accumulator, GENESIS, "newest accumulator");
        assertEq(registry.accumulator(address(fresh), 0), GENESIS, "accumulator 0");
    }

    function test_what_was_never_opened_has_no_log() public {
        LoggedKernel fresh = new LoggedKernel(safe, agent);
        bytes memory reason = abi.encodeWithSelector(IAuditRegistry.NotOpen.selector, address(fresh));
        vm.expectRevert(reason);
        fresh.act(registry, 0, 0);
        vm.expectRevert(reason);
        vm.prank(safe);
        registry.setAnchorer(address(fresh), anchorer);
        vm.expectRevert(reason);
        vm.prank(anchorer);
        registry.anchor(address(fresh), 0, EMPTY, new bytes32[](0), none);
        assertEq(registry.log(address(fresh)).accumulator, 0, "no accumulator");
        assertEq(registry.accumulator(address(fresh), 0), 0, "none remembered");
    }

    /* THE ANCHORER */

    function test_the_anchorer_is_never_the_agent() public {
        vm.expectRevert(notAnchorer(agent));
        vm.prank(safe);
        registry.setAnchorer(address(kernel), agent);
        LoggedKernel fresh = new LoggedKernel(safe, anchorer);
        _openRefused(safe, fresh, K, T, notAnchorer(anchorer));
    }

    function test_the_safe_names_another_anchorer_and_nobody_else_does() public {
        vm.expectRevert(notSafe(anchorer));
        vm.prank(anchorer);
        registry.setAnchorer(address(kernel), anchorer);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IAuditRegistry.AnchorerChanged(address(kernel), stranger);
        vm.prank(safe);
        registry.setAnchorer(address(kernel), stranger);
        recordSome(1);
        bytes32[] memory path;
        anchorRefused(anchorer, 1, entries[0], path, none, notAnchorer(anchorer));
        vm.prank(stranger);
        registry.anchor(address(kernel), 1, entries[0], path, none);
    }

    function test_nobody_but_the_anchorer_anchors() public {
        recordSome(1);
        address[4] memory others = [stranger, agent, safe, address(kernel)];
        for (uint256 i = 0; i < others.length; i++) {
            anchorRefused(others[i], 1, entries[0], new bytes32[](0), none, notAnchorer(others[i]));
        }
    }

    /* HEADS */

    function testFuzz_a_log_that_only_grows_is_anchored_step_by_step(uint8[5] calldata growths) public {
        for (uint256 i = 0; i < growths.length; i++) {
            recordSome(growths[i] % 40);
            bytes32 root = Rfc9162.root(entries, entries.length);
            vm.expectEmit(true, true, true, true, address(registry));
            emit IAuditRegistry.Anchored(address(kernel), uint64(entries.length), root, 0);
            anchor();
            IAuditRegistry.Log memory log = registry.log(address(kernel));
            assertTrue(log.size == entries.length && log.root == root, "the newest head");
        }
    }

    function testFuzz_a_rewritten_log_is_not_anchored(uint256 size, uint256 more, uint256 changed) public {
        size = bound(size, 1, 60);
        recordSome(size);
        anchor();
        recordSome(bound(more, 0, 20));
        entries[bound(changed, 0, size - 1)] = OTHER;
        bytes32 root = Rfc9162.root(entries, entries.length);
        coverRefused(none, abi.encodeWithSelector(IAuditRegistry.NotConsistent.selector, entries.length, root));
    }

    function test_a_log_never_shrinks() public {
        recordSome(8);
        bytes32 root = Rfc9162.root(entries, 7);
        anchor();
        bytes32[] memory path = Rfc9162.consistency(entries, 7, 8);
        bytes memory reason = refusal(IAuditRegistry.SizeShrinks.selector, 7, 8);
        anchorRefused(anchorer, 7, root, path, none, reason);
        reason = refusal(IAuditRegistry.SizeShrinks.selector, 0, 8);
        anchorRefused(anchorer, 0, EMPTY, new bytes32[](0), none, reason);
    }

    function test_kernels_share_nothing() public {
        LoggedKernel other = new LoggedKernel(stranger, agent);
        vm.prank(stranger);
        registry.open(address(other), OTHER, anchorer, 1, T, 0, EMPTY);
        recordSome(3);
        anchor();
        acts(2);
        IAuditRegistry.Log memory log = registry.log(address(other));
        assertTrue(log.size == 0 && log.bound == 0 && log.accumulator == OTHER, "untouched");
        vm.expectRevert(abi.encodeWithSelector(IAuditRegistry.NotSafeOf.selector, address(other), safe));
        vm.prank(safe);
        registry.setAnchorer(address(other), safe);
    }
}
