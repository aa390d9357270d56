// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker, IKernelConfig} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {Birth, Bucket, BucketSetting} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";

/// @title What the Safe may change: announced, delayed and vetoable where it loosens, at once where it tightens
contract KernelChangesTest is Fixture, IKernelEvents {
    bytes32 private constant NEW_ROOT = keccak256("new root");

    /* ANNOUNCEMENTS */

    function test_a_new_policy_waits_and_then_any_human_makes_it() external {
        bytes memory call = _policy(NEW_ROOT);
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
        bytes memory call = _policy(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        makeRefused(safe, call, _notAnnounced(call));
    }

    function test_an_owner_of_the_safe_may_make_a_change_too() external {
        bytes memory call = _policy(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY);
        make(owners[2], call);
        assertEq(kernel.root(), NEW_ROOT, "root");
    }

    function test_neither_agent_nor_stranger_makes_an_announced_change() external {
        bytes memory call = _policy(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY);
        makeRefused(agent, call, abi.encodeWithSelector(IKernelErrors.NotGuardian.selector, agent));
        makeRefused(stranger, call, abi.encodeWithSelector(IKernelErrors.NotGuardian.selector, stranger));
    }

    function test_only_the_very_bytes_that_were_announced_count() external {
        announce(_policy(NEW_ROOT));
        wait_(CONFIG_DELAY);
        bytes memory other = _policy(keccak256("another root"));
        makeRefused(safe, other, _notAnnounced(other));
        bytes memory longer = bytes.concat(_policy(NEW_ROOT), hex"00");
        makeRefused(safe, longer, _notAnnounced(longer));
    }

    function test_an_announcement_expires() external {
        bytes memory call = _policy(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY + WINDOW + 1);
        makeRefused(safe, call, _notAnnounced(call));
        assertEq(kernel.pending(keccak256(call)).readyAt, 0, "nothing is shown");
        announce(call);
        wait_(CONFIG_DELAY + WINDOW);
        make(safe, call);
    }

    function test_announcing_again_does_not_restart_the_clock() external {
        bytes memory call = _policy(NEW_ROOT);
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
        bytes memory call = _policy(NEW_ROOT);
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
            abi.encodeCall(IKernelConfig.announce, (_policy(NEW_ROOT))),
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
        bytes memory call = _policy(NEW_ROOT);
        announce(call);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit ChangeVetoed(keccak256(call), guardian, 1, 1);
        _veto(guardian, call);
        wait_(CONFIG_DELAY);
        makeRefused(safe, call, _notAnnounced(call));
    }

    function test_each_announcement_after_a_veto_takes_one_more() external {
        bytes memory call = _policy(NEW_ROOT);
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
        bytes memory call = _policy(NEW_ROOT);
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
        bytes memory call = _policy(NEW_ROOT);
        announce(call);
        address[3] memory others = [agent, stranger, safe];
        for (uint256 i = 0; i < others.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotGuardian.selector, others[i]));
            vm.prank(others[i]);
            kernel.veto(keccak256(call));
        }
    }

    function test_what_was_not_announced_is_not_vetoed() external {
        bytes memory call = _policy(NEW_ROOT);
        vm.expectRevert(_notAnnounced(call));
        vm.prank(guardian);
        kernel.veto(keccak256(call));
    }

    /* BUCKETS */

    function test_lowering_is_instant_and_keeps_the_level() external {
        pay(payAlice, 1000e6);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit BucketSet(address(usdc), 0, 2000e6, 1000e6, DRAIN);
        _lower(2000e6, DRAIN);
        assertEq(kernel.available(usdcKey()), 1000e6, "left");
    }

    function test_lowering_below_the_level_leaves_nothing_until_it_has_drained() external {
        pay(payAlice, 1000e6);
        _lower(500e6, DRAIN);
        assertEq(kernel.available(usdcKey()), 0, "left");
        wait_(DRAIN);
        assertEq(kernel.available(usdcKey()), 0, "after one drain 500 of the 1,000 are left");
        wait_(DRAIN);
        assertEq(kernel.available(usdcKey()), 500e6, "after two");
    }

    function test_lowering_and_raising_again_hands_out_nothing_twice() external {
        for (uint256 i = 0; i < 5; i++) {
            pay(payAlice, MAX_PAYMENT);
        }
        _lower(1, DRAIN);
        _setBuckets(BucketSetting(address(usdc), 0, CAPACITY, 0, DRAIN));
        assertEq(kernel.available(usdcKey()), 0, "left");
    }

    function test_lowering_to_zero_closes() external {
        _lower(0, 0);
        bytes4 selector = IKernelErrors.BucketExceeded.selector;
        payRefused(payAlice, 1, abi.encodeWithSelector(selector, usdcKey(), 1, 0));
    }

    function test_faster_drains_and_larger_capacities_are_no_lowering() external {
        BucketSetting[3] memory wrong = [
            BucketSetting(address(usdc), 0, CAPACITY + 1, 0, DRAIN * 2),
            BucketSetting(address(usdc), 0, CAPACITY, 0, DRAIN - 1),
            BucketSetting(address(usdc), 9, 1, 0, DRAIN)
        ];
        for (uint256 i = 0; i < wrong.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotLowering.selector, wrong[i].token, wrong[i].class));
            vm.prank(safe);
            kernel.lowerBucket(wrong[i]);
        }
    }

    function test_a_bucket_opened_later_starts_full() external {
        _setBuckets(BucketSetting(address(usdc), 7, 1000e6, 0, DRAIN));
        bytes32 key = kernel.bucketKey(address(usdc), 7);
        assertEq(kernel.available(key), 0, "at once");
        wait_(DRAIN / 2);
        assertEq(kernel.available(key), 500e6, "after half the drain");
    }

    function test_closing_and_opening_a_bucket_hands_out_nothing() external {
        _lower(0, 0);
        _setBuckets(BucketSetting(address(usdc), 0, CAPACITY, 0, DRAIN));
        assertEq(kernel.available(usdcKey()), 0, "at once");
    }

    function test_raising_settles_at_the_old_rate_and_keeps_the_level() external {
        for (uint256 i = 0; i < 5; i++) {
            pay(payAlice, MAX_PAYMENT);
        }
        _setBuckets(BucketSetting(address(usdc), 0, 2 * CAPACITY, 0, DRAIN));
        uint256 leaked = uint256(CAPACITY) * CONFIG_DELAY / DRAIN;
        assertEq(kernel.available(usdcKey()), CAPACITY + leaked, "left");
    }

    function test_buckets_not_named_stay_as_they_are() external {
        pay(payAlice, 1000e6);
        Bucket memory before = kernel.bucket(usdcKey());
        _setBuckets(BucketSetting(address(0), 0, 1, 0, 1));
        assertEq(keccak256(abi.encode(kernel.bucket(usdcKey()))), keccak256(abi.encode(before)), "bucket");
    }

    function test_a_bucket_without_drain_or_with_a_level_cannot_be_set() external {
        BucketSetting[3] memory wrong = [
            BucketSetting(address(usdc), 0, 1, 0, 0),
            BucketSetting(address(usdc), 0, 0, 0, 1),
            BucketSetting(address(usdc), 0, 2, 1, 1)
        ];
        for (uint256 i = 0; i < wrong.length; i++) {
            bytes memory call = _policyWith(wrong[i]);
            announce(call);
            wait_(CONFIG_DELAY);
            makeRefused(safe, call, abi.encodeWithSelector(IKernelErrors.BadBucket.selector, address(usdc), 0));
        }
    }

    /* RULES AND GUARDIANS */

    function test_a_revoked_rule_is_dead_until_the_next_policy() external {
        vm.expectEmit(true, true, true, true, address(kernel));
        emit RuleRevoked(leaves[0], 1);
        vm.prank(safe);
        kernel.revoke(leaves[0]);
        assertTrue(kernel.revoked(leaves[0]), "revoked");
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.RuleIsRevoked.selector, leaves[0]));
        pay(payBob, 1);
        bytes memory call = _policy(kernel.root());
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        pay(payAlice, 1);
    }

    function test_a_new_policy_replaces_every_rule() external {
        bytes memory call = _policy(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, leaves[0]));
    }

    function test_a_policy_with_root_zero_has_no_rules() external {
        bytes memory call = _policy(0);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, leaves[0]));
    }

    function test_an_order_paid_before_a_new_policy_is_paid_after_it() external {
        run(one(orderLeg(salary)));
        uint256 paidAt = vm.getBlockTimestamp();
        bytes memory call = _policy(kernel.root());
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        bytes4 selector = IKernelErrors.OrderNotDue.selector;
        runRefused(one(orderLeg(salary)), abi.encodeWithSelector(selector, paidAt, paidAt + COOLDOWN));
    }

    function test_a_guardian_is_added_at_once() external {
        vm.expectEmit(true, true, true, true, address(kernel));
        emit GuardianAdded(stranger);
        vm.prank(safe);
        kernel.addGuardian(stranger);
        vm.prank(stranger);
        kernel.pause();
        assertTrue(kernel.paused(), "paused");
    }

    function test_agent_safe_kernel_and_zero_are_no_guardians() external {
        address[4] memory wrong = [agent, safe, address(kernel), address(0)];
        for (uint256 i = 0; i < wrong.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IKernelErrors.BadGuardian.selector, wrong[i]));
            vm.prank(safe);
            kernel.addGuardian(wrong[i]);
        }
    }

    /* BIRTH */

    function test_birth_is_what_was_asked() external view {
        assertEq(kernel.safe(), safe, "safe");
        assertEq(kernel.registry(), address(0), "registry");
        assertEq(kernel.agent(), agent, "agent");
        assertEq(kernel.epoch(), 0, "epoch");
        assertEq(kernel.version(), 1, "version");
        assertEq(kernel.configDelay(), CONFIG_DELAY, "config delay");
        assertEq(kernel.rekeyDelay(), REKEY_DELAY, "re-key delay");
        assertEq(kernel.window(), WINDOW, "window");
        assertTrue(kernel.isGuardian(guardian) && kernel.isGuardian(owners[0]), "guardians");
        assertTrue(!kernel.isGuardian(agent) && !kernel.isGuardian(safe) && !kernel.busy(), "nobody else");
        assertEq(kernel.available(usdcKey()), CAPACITY, "bucket");
    }

    function test_a_successor_inherits_levels() external {
        Birth memory birth = _birth();
        birth.buckets[1].level = CAPACITY - 3;
        kernel = newKernel(birth);
        assertEq(kernel.available(usdcKey()), 3, "left");
    }

    function test_births_that_contradict_themselves_fail() external {
        Birth memory birth = _birth();
        birth.agent = owners[0];
        _birthRefused(birth, abi.encodeWithSelector(IKernelErrors.BadAgent.selector, owners[0]));
        birth.agent = guardian;
        _birthRefused(birth, abi.encodeWithSelector(IKernelErrors.BadAgent.selector, guardian));
        birth.agent = address(usdc);
        _birthRefused(birth, abi.encodeWithSelector(IKernelErrors.BadAgent.selector, address(usdc)));
        birth = _birth();
        birth.configDelay = 1 hours - 1;
        _birthRefused(birth, abi.encodeWithSelector(IKernelErrors.BadDelay.selector, 1 hours - 1, 1 hours, 30 days));
        birth = _birth();
        birth.safe = stranger;
        _birthRefused(birth, abi.encodeWithSelector(IKernelErrors.BadSafe.selector, stranger));
        birth = _birth();
        birth.buckets[1] = birth.buckets[0];
        _birthRefused(birth, abi.encodeWithSelector(IKernelErrors.BadBucket.selector, address(1), 0));
        birth = _birth();
        birth.buckets[1].level = CAPACITY + 1;
        _birthRefused(birth, abi.encodeWithSelector(IKernelErrors.BadBucket.selector, address(usdc), 0));
    }

    /* SHORTHAND */

    function _birthRefused(Birth memory birth, bytes memory reason) private {
        vm.expectRevert(reason);
        this.deployForTest(birth);
    }

    function deployForTest(Birth memory birth) external {
        newKernel(birth);
    }

    function _policy(bytes32 newRoot) private pure returns (bytes memory) {
        return abi.encodeCall(IKernelConfig.setPolicy, (newRoot, keccak256("doc 2"), new BucketSetting[](0)));
    }

    function _policyWith(BucketSetting memory setting) private view returns (bytes memory) {
        BucketSetting[] memory settings = new BucketSetting[](1);
        settings[0] = setting;
        return abi.encodeCall(IKernelConfig.setPolicy, (kernel.root(), keccak256("doc 2"), settings));
    }

    function _setBuckets(BucketSetting memory setting) private {
        bytes memory call = _policyWith(setting);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
    }

    function _lower(uint96 capacity, uint32 drain) private {
        vm.prank(safe);
        kernel.lowerBucket(BucketSetting(address(usdc), 0, capacity, 0, drain));
    }

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
