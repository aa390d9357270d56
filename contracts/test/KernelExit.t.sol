// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelRun} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {Birth, Kind, Leg} from "../src/interfaces/KernelTypes.sol";
import {ActFixture} from "./ActFixture.sol";
import {RevertingTarget} from "./mocks/Callers.sol";

/// @title Exits: while the Kernel is paused guardians bring positions home to the Safe, and do nothing else
contract KernelExitTest is ActFixture, IKernelEvents {
    /* WHO AND WHEN */

    function test_guardians_and_owners_exit_in_a_pause_and_it_says_who() external {
        pauseBy(agent);
        pays(1000e6);
        address[2] memory callers = [guardian, owners[2]];
        for (uint256 i = 0; i < 2; i++) {
            vm.expectEmit(true, true, true, true, address(kernel));
            emit Exited(actLeaf(Kind.Exit, leave), callers[i], address(usdc), address(receipt), 1000e6, 1000e6);
            exit(leave, 1000e6, callers[i]);
        }
        assertEq(usdc.balanceOf(safe), TREASURY + 2000e6, "home");
        assertEq(receipt.balanceOf(safe), TREASURY - 2000e6, "position");
        assertEq(receipt.allowance(safe, address(venue)), 0, "allowance");
        assertTrue(kernel.paused(), "still paused");
    }

    function test_while_the_kernel_runs_nobody_exits() external {
        Leg memory leg = actLeg(Kind.Exit, leave, 1e6);
        exitRefused(leg, guardian, abi.encodeWithSelector(IKernelErrors.KernelLive.selector));
        exitRefused(leg, agent, abi.encodeWithSelector(IKernelErrors.KindNotAllowed.selector, Kind.Exit));
    }

    function test_the_agent_does_not_exit_in_a_pause_either() external {
        pauseBy(guardian);
        Leg memory leg = actLeg(Kind.Exit, leave, 1e6);
        exitRefused(leg, agent, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
    }

    function testFuzz_a_stranger_does_not_exit(address caller, bool isPaused) external {
        vm.assume(caller != agent && !kernel.isGuardian(caller));
        if (isPaused) pauseBy(guardian);
        Leg memory leg = actLeg(Kind.Exit, leave, 1e6);
        exitRefused(leg, caller, abi.encodeWithSelector(IKernelErrors.NotAgent.selector, caller));
    }

    function test_guardians_run_no_other_legs() external {
        pauseBy(guardian);
        Leg[4] memory legs =
            [payLeg(payAlice, 1), orderLeg(salary), swapLeg(buyWeth, 1e6, 0), actLeg(Kind.Act, withdraw, 1e6)];
        for (uint256 i = 0; i < legs.length; i++) {
            bytes memory reason = abi.encodeWithSelector(IKernelErrors.KindNotAllowed.selector, legs[i].kind);
            exitRefused(legs[i], guardian, reason);
            // Its kind changed, it is no rule of the policy.
            legs[i].kind = Kind.Exit;
            vm.expectRevert();
            vm.prank(guardian);
            kernel.run(one(legs[i]), 0);
        }
    }

    function test_an_exit_beside_another_leg_takes_the_other_down() external {
        pauseBy(guardian);
        pays(1000e6);
        Leg[] memory legs = new Leg[](2);
        (legs[0], legs[1]) = (actLeg(Kind.Exit, leave, 1000e6), payLeg(payAlice, 1));
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.KindNotAllowed.selector, Kind.Pay));
        vm.prank(guardian);
        kernel.run(legs, 0);
        assertEq(receipt.balanceOf(safe), TREASURY, "position");
    }

    function test_no_legs_are_no_exit() external {
        pauseBy(guardian);
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.EmptyRun.selector));
        vm.prank(guardian);
        kernel.run(new Leg[](0), 0);
    }

    /* NEITHER GATE NOR COUNT */

    function test_an_exit_waits_for_no_log_and_counts_as_no_action() external {
        Birth memory birth = _birth();
        birth.registry = address(new RevertingTarget());
        kernel = newKernel(birth);
        _enable();
        pauseBy(guardian);
        pays(1000e6);
        exit(leave, 1000e6, guardian);
        assertEq(left(address(1), 0), ACTIONS, "actions");
    }

    /* BOUNDS */

    function test_exits_have_a_bucket_of_their_own() external {
        pauseBy(guardian);
        pays(MAX_ACT);
        exit(leave, MAX_ACT, guardian);
        assertEq(left(address(receipt), ACTS), ACT_CAPACITY, "acts");
        bytes32 key = kernel.bucketKey(address(receipt), EXITS);
        bytes memory exceeded = abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, key, MAX_ACT, 2000e6);
        exitRefused(actLeg(Kind.Exit, leave, MAX_ACT), guardian, exceeded);
    }

    function testFuzz_an_exit_brings_its_floor_or_does_not_happen(uint96 amount, uint256 give) external {
        amount = uint96(bound(amount, 1, MAX_ACT));
        give = bound(give, 0, 2 * uint256(amount));
        pauseBy(guardian);
        pays(give);
        bytes4 selector = IKernelErrors.ReceivedTooLittle.selector;
        bytes memory reason = abi.encodeWithSelector(selector, address(usdc), give, amount);
        if (give >= amount) exit(leave, amount, guardian);
        else exitRefused(actLeg(Kind.Exit, leave, amount), guardian, reason);
    }

    function test_a_venue_that_calls_back_finds_the_door_shut_even_as_guardian() external {
        vm.prank(safe);
        kernel.addGuardian(address(venue));
        pauseBy(guardian);
        Leg[] memory again = one(actLeg(Kind.Exit, leave, 1e6));
        venue.instruct(10_000, 1000e6, address(kernel), abi.encodeCall(IKernelRun.run, (again, 0)));
        exit(leave, 1000e6, guardian);
        assertTrue(!venue.succeeded(), "shut");
        assertEq(keccak256(venue.answer()), keccak256(abi.encodeWithSelector(IKernelErrors.Busy.selector)), "busy");
    }

    function test_blocked_and_revoked_exits_stop() external {
        pauseBy(guardian);
        Leg memory leg = actLeg(Kind.Exit, leave, 1e6);
        vm.prank(guardian);
        kernel.blockAddress(address(venue));
        exitRefused(leg, guardian, abi.encodeWithSelector(IKernelErrors.AddressIsBlocked.selector, address(venue)));
        bytes32 leaf = actLeaf(Kind.Exit, leave);
        vm.prank(safe);
        kernel.revoke(leaf);
        exitRefused(leg, guardian, abi.encodeWithSelector(IKernelErrors.RuleIsRevoked.selector, leaf));
    }

    function test_after_the_re_key_exits_are_over() external {
        pauseBy(guardian);
        bytes memory call = abi.encodeCall(kernel.rekey, (address(0xA6E28), bytes32(0), new address[](0)));
        announce(call);
        wait_(REKEY_DELAY);
        make(safe, call);
        Leg memory leg = actLeg(Kind.Exit, leave, 1e6);
        exitRefused(leg, guardian, abi.encodeWithSelector(IKernelErrors.KernelLive.selector));
    }
}
