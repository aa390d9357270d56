// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker, IKernelConfig} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {BucketSetting} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";

/// @title What the Safe may change: announced, delayed and vetoable where it loosens, at once where it tightens
contract KernelChangesTest is Fixture, IKernelEvents {
    bytes32 private constant NEW_ROOT = keccak256("new root");

    /* ANNOUNCEMENTS */

    function test_a_new_policy_waits_and_then_any_human_makes_it() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY - 1);
        uint256 readyAt = vm.getBlockTimestamp() + 1;
        makeRefused(guardian, call, abi.encodeWithSelector(IKernelErrors.NotReady.selector, keccak256(call), readyAt));
        wait_(1);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit PolicySet(NEW_ROOT, 2, keccak256("doc 2"));
        make(guardian, call);
        assertEq(kernel.root(), NEW_ROOT, "root");
        assertEq(kernel.documentHash(), keccak256("doc 2"), "document");
        assertEq(kernel.version(), 2, "version");
    }

    function test_a_change_is_made_once() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        makeRefused(safe, call, _notAnnounced(call));
    }

    function test_an_owner_of_the_safe_may_make_a_change_too() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY);
        make(owners[2], call);
        assertEq(kernel.root(), NEW_ROOT, "root");
    }

    function test_neither_agent_nor_stranger_makes_an_announced_change() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY);
        makeRefused(agent, call, abi.encodeWithSelector(IKernelErrors.NotGuardian.selector, agent));
        makeRefused(stranger, call, abi.encodeWithSelector(IKernelErrors.NotGuardian.selector, stranger));
    }

    function test_only_the_very_bytes_that_were_announced_count() external {
        announce(policyCall(NEW_ROOT));
        wait_(CONFIG_DELAY);
        bytes memory other = policyCall(keccak256("another root"));
        makeRefused(safe, other, _notAnnounced(other));
        bytes memory longer = bytes.concat(policyCall(NEW_ROOT), hex"00");
        makeRefused(safe, longer, _notAnnounced(longer));
    }

    function test_an_announcement_expires() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY + WINDOW + 1);
        makeRefused(safe, call, _notAnnounced(call));
        assertEq(kernel.pending(keccak256(call)).readyAt, 0, "nothing is shown");
        announce(call);
        wait_(CONFIG_DELAY + WINDOW);
        make(safe, call);
    }

    function test_announcing_again_does_not_restart_the_clock() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.AlreadyAnnounced.selector, keccak256(call)));
        vm.prank(safe);
        kernel.announce(call);
    }

    function test_only_loosening_calls_are_announced() external {
        bytes memory call = abi.encodeCall(IKernelConfig.addGuardian, (stranger));
        vm.expectRevert(
            abi.encodeWithSelector(IKernelErrors.NotAnnounceable.selector, IKernelConfig.addGuardian.selector)
        );
        vm.prank(safe);
        kernel.announce(call);
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotAnnounceable.selector, bytes4(0)));
        vm.prank(safe);
        kernel.announce(hex"00");
    }

    function test_the_safe_takes_an_announcement_back() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit ChangeCancelled(keccak256(call));
        vm.prank(safe);
        kernel.cancel(keccak256(call));
        wait_(CONFIG_DELAY);
        makeRefused(safe, call, _notAnnounced(call));
        vm.expectRevert(_notAnnounced(call));
        vm.prank(safe);
        kernel.cancel(keccak256(call));
    }

    function testFuzz_nobody_but_the_safe_configures(address caller) external {
        vm.assume(caller != safe);
        bytes[5] memory calls = [
            abi.encodeCall(IKernelConfig.announce, (policyCall(NEW_ROOT))),
            abi.encodeCall(IKernelConfig.cancel, (bytes32(0))),
            abi.encodeCall(IKernelConfig.addGuardian, (stranger)),
            abi.encodeCall(IKernelConfig.lowerBucket, (BucketSetting(address(usdc), 0, 0, 0, 0))),
            abi.encodeCall(IKernelConfig.revoke, (leaves[0]))
        ];
        for (uint256 i = 0; i < calls.length; i++) {
            makeRefused(caller, calls[i], abi.encodeWithSelector(IKernelErrors.NotSafe.selector, caller));
        }
    }

    /* VETOES */

    function test_one_guardian_vetoes_a_change() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit ChangeVetoed(keccak256(call), guardian, 1, 1);
        _veto(guardian, call);
        wait_(CONFIG_DELAY);
        makeRefused(safe, call, _notAnnounced(call));
    }

    function test_each_announcement_after_a_veto_takes_one_more() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        _veto(guardian, call);
        announce(call);
        _veto(guardian, call);
        assertEq(kernel.pending(keccak256(call)).vetoes, 1, "one of two");
        _vetoRefused(guardian, call, IKernelErrors.AlreadyVetoed.selector);
        _veto(owners[0], call);
        announce(call);
        _veto(guardian, call);
        _veto(owners[0], call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        assertEq(kernel.root(), NEW_ROOT, "two hostile guardians do not stop the third announcement");
    }

    function test_a_change_that_was_made_forgets_its_vetoes() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        _veto(guardian, call);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        announce(call);
        assertEq(kernel.pending(keccak256(call)).needed, 1, "needed");
    }

    function test_nobody_vetoes_their_own_removal() external {
        bytes memory call = abi.encodeCall(IKernelConfig.removeGuardian, (guardian));
        announce(call);
        _vetoRefused(guardian, call, IKernelErrors.NotVetoable.selector);
        wait_(CONFIG_DELAY);
        make(safe, call);
        assertTrue(!kernel.isGuardian(guardian), "removed");
    }

    function test_another_guardian_vetoes_a_removal() external {
        bytes memory call = abi.encodeCall(IKernelConfig.removeGuardian, (guardian));
        announce(call);
        _veto(owners[1], call);
        wait_(CONFIG_DELAY);
        makeRefused(safe, call, _notAnnounced(call));
    }

    function test_a_rekey_cannot_be_vetoed() external {
        bytes memory call = abi.encodeCall(IKernelBreaker.rekey, (stranger, bytes32(0), new address[](0)));
        announce(call);
        _vetoRefused(guardian, call, IKernelErrors.NotVetoable.selector);
    }

    function test_neither_agent_nor_stranger_nor_safe_vetoes() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        address[3] memory others = [agent, stranger, safe];
        for (uint256 i = 0; i < others.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotGuardian.selector, others[i]));
            vm.prank(others[i]);
            kernel.veto(keccak256(call));
        }
    }

    function test_what_was_not_announced_is_not_vetoed() external {
        bytes memory call = policyCall(NEW_ROOT);
        vm.expectRevert(_notAnnounced(call));
        vm.prank(guardian);
        kernel.veto(keccak256(call));
    }

    /* SHORTHAND */

    function _veto(address who, bytes memory call) private {
        vm.prank(who);
        kernel.veto(keccak256(call));
    }

    function _vetoRefused(address who, bytes memory call, bytes4 selector) private {
        bool namesCaller = selector == IKernelErrors.AlreadyVetoed.selector;
        vm.expectRevert(
            namesCaller
                ? abi.encodeWithSelector(selector, keccak256(call), who)
                : abi.encodeWithSelector(selector, keccak256(call))
        );
        vm.prank(who);
        kernel.veto(keccak256(call));
    }

    function _notAnnounced(bytes memory call) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.NotAnnounced.selector, keccak256(call));
    }
}
