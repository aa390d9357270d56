// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {Birth} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";

/// @title What a Kernel is born with, and how its rules and guardians change
contract KernelBirthTest is Fixture, IKernelEvents {
    bytes32 private constant NEW_ROOT = keccak256("new root");

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

    /// @dev The levels as the former Kernel shows them once it is paused, so that it spends nothing after they were read.
    function testFuzz_two_kernels_one_after_the_other_pay_no_more_than_one(uint96[6] calldata amounts, uint32 gap)
        external
    {
        uint256 spent = 0;
        for (uint256 i = 0; i < amounts.length; i++) {
            spent += _payUpTo(bound(amounts[i], 1, MAX_PAYMENT));
        }
        uint256 leaked = bound(gap, 0, 1 days);
        wait_(leaked);
        vm.prank(guardian);
        kernel.pause();
        Birth memory birth = _birth();
        for (uint256 i = 0; i < birth.buckets.length; i++) {
            birth.buckets[i].level = _level(kernel.bucketKey(birth.buckets[i].token, birth.buckets[i].class));
        }
        kernel = newKernel(birth);
        _enable();
        for (uint256 i = 0; i < 6; i++) {
            spent += _payUpTo(MAX_PAYMENT);
        }
        assertLe(spent, CAPACITY + uint256(CAPACITY) * leaked / DRAIN + 1, "one capacity and what has drained");
        assertTrue(kernel.available(kernel.bucketKey(address(1), 0)) < ACTIONS, "nor a fresh rate limit");
    }

    function _payUpTo(uint256 most) private returns (uint256 amount) {
        uint256 free = kernel.available(usdcKey());
        amount = most < free ? most : free;
        if (amount != 0) pay(payAlice, amount);
    }

    function _level(bytes32 key) private view returns (uint96) {
        return uint96(kernel.bucket(key).capacity - kernel.available(key));
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

    /* RULES AND GUARDIANS */

    function test_a_revoked_rule_is_dead_until_the_nextpolicyCall() external {
        vm.expectEmit(true, true, true, true, address(kernel));
        emit RuleRevoked(leaves[0], 1);
        vm.prank(safe);
        kernel.revoke(leaves[0]);
        assertTrue(kernel.revoked(leaves[0]), "revoked");
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.RuleIsRevoked.selector, leaves[0]));
        pay(payBob, 1);
        bytes memory call = policyCall(kernel.root());
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        pay(payAlice, 1);
    }

    function test_a_new_policy_replaces_every_rule() external {
        bytes memory call = policyCall(NEW_ROOT);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, leaves[0]));
    }

    function test_a_policy_with_root_zero_has_no_rules() external {
        bytes memory call = policyCall(0);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, leaves[0]));
    }

    function test_an_order_paid_before_a_new_policy_is_paid_after_it() external {
        run(one(orderLeg(salary)));
        uint256 paidAt = vm.getBlockTimestamp();
        bytes memory call = policyCall(kernel.root());
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

    /* SHORTHAND */

    function _birthRefused(Birth memory birth, bytes memory reason) private {
        assertUnborn("Kernel.sol:Kernel", abi.encode(birth), reason);
    }
}
