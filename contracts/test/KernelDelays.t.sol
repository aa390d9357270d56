// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {IKernelBreaker, IKernelConfig} from "../src/interfaces/IKernel.sol";
import {ActRule, BucketSetting, Kind, Leg, OrderRule, PayRule, SwapRule} from "../src/interfaces/KernelTypes.sol";
import {ActFixture} from "./ActFixture.sol";

/// @title Rules with a delay: shown whole, run once and only as shown, and stopped by one guardian
contract KernelDelaysTest is ActFixture, IKernelEvents {
    uint256 private constant DAY = 1 days;

    OrderRule private lateOrder;
    ActRule private lateSupply;
    ActRule private lateExit;
    SwapRule private lateSwap;

    function _addRules() internal override {
        super._addRules();
        lateOrder = OrderRule(keccak256("late"), address(usdc), carol, SALARY, COOLDOWN, 0, 0, 3 days);
        leaves.push(orderLeaf(lateOrder));
        lateSupply = supply;
        lateSupply.delay = 2 days;
        leaves.push(actLeaf(Kind.Act, lateSupply));
        lateExit = leave;
        lateExit.delay = 1;
        leaves.push(actLeaf(Kind.Exit, lateExit));
        lateSwap = buyWeth;
        lateSwap.delay = 1 hours;
        leaves.push(swapLeaf(lateSwap));
    }

    /* AS IT SHOULD BE */

    function test_what_was_announced_is_shown_whole_waits_and_runs_once() external {
        Leg[] memory legs = one(payLeg(payLate, 100e6));
        (uint256 now_, bytes32 id) = (vm.getBlockTimestamp(), runId(legs));
        vm.expectEmit(true, true, true, true, address(kernel));
        emit RunAnnounced(id, 0, 1, legs, uint40(now_ + DAY), uint40(now_ + DAY + WINDOW), ENTRY);
        assertEq(announceRun(legs), id, "id");
        assertEq(kernel.runReadyAt(id), now_ + DAY, "ready");
        wait_(DAY - 1);
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.NotReady.selector, id, now_ + DAY));
        wait_(1);
        run(legs);
        assertEq(usdc.balanceOf(carol), 100e6, "paid");
        assertEq(kernel.runReadyAt(id), 0, "used up");
        runRefused(legs, delayed(payLate));
    }

    function test_the_longest_delay_counts_and_one_announcement_covers_every_kind_of_leg() external {
        Leg[] memory legs = new Leg[](5);
        legs[0] = payLeg(payAlice, 10e6);
        legs[1] = payLeg(payLate, 20e6);
        legs[2] = orderLeg(lateOrder);
        legs[3] = actLeg(Kind.Act, lateSupply, 30e6);
        legs[4] = swapLeg(lateSwap, 40e6, 0);
        bytes32 id = announceRun(legs);
        assertEq(kernel.runReadyAt(id), vm.getBlockTimestamp() + 3 days, "the order's");
        wait_(3 days);
        _refresh();
        // Enough for either: the venue pays the same whatever it is asked.
        pays(0.02e18);
        run(legs);
        assertEq(usdc.balanceOf(alice) + usdc.balanceOf(carol), 30e6 + SALARY, "paid");
    }

    function testFuzz_it_runs_from_its_time_until_its_window_ends(uint256 after_) external {
        Leg[] memory legs = one(payLeg(payLate, 1e6));
        announceRun(legs);
        after_ = bound(after_, 0, DAY + WINDOW + 2 days);
        wait_(after_);
        vm.prank(agent);
        (bool ran,) = address(kernel).call(abi.encodeCall(kernel.run, (legs, ENTRY)));
        assertTrue(ran == (after_ >= DAY && after_ <= DAY + WINDOW), "exactly then");
    }

    function test_both_ends_of_the_window_count() external {
        uint256[4] memory waits = [DAY - 1, DAY, DAY + WINDOW, DAY + WINDOW + 1];
        for (uint256 i = 0; i < waits.length; i++) {
            Leg[] memory legs = one(payLeg(payLate, uint96(1e6 + i)));
            announceRun(legs);
            wait_(waits[i]);
            vm.prank(agent);
            (bool ran,) = address(kernel).call(abi.encodeCall(kernel.run, (legs, ENTRY)));
            assertTrue(ran == (i == 1 || i == 2), "inclusive");
        }
    }

    function test_an_expired_run_is_announced_again() external {
        Leg[] memory legs = one(payLeg(payLate, 1e6));
        announceRun(legs);
        announceRefused(legs, abi.encodeWithSelector(IKernelErrors.AlreadyAnnounced.selector, runId(legs)));
        wait_(DAY + WINDOW + 1);
        announceRun(legs);
        wait_(DAY);
        run(legs);
        assertEq(usdc.balanceOf(carol), 1e6, "paid");
    }

    /* WHAT IS NOT WHAT WAS ANNOUNCED */

    function testFuzz_other_legs_than_those_announced_do_not_run(uint8 change) external {
        Leg[] memory legs = new Leg[](2);
        (legs[0], legs[1]) = (payLeg(payLate, 10e6), payLeg(payAlice, 5e6));
        announceRun(legs);
        wait_(DAY);
        change = uint8(bound(change, 0, 5));
        if (change == 0) legs[0].amount++;
        else if (change == 1) legs[1].amount--;
        else if (change == 2) (legs[0], legs[1]) = (legs[1], legs[0]);
        else if (change == 3) legs[1].minOut = 1;
        else if (change == 4) legs[1].data = hex"00";
        else legs = one(legs[0]);
        runRefused(legs, delayed(payLate));
    }

    function test_an_announcement_unlocks_no_second_run_in_the_same_block() external {
        Leg[] memory legs = one(payLeg(payLate, 10e6));
        announceRun(legs);
        wait_(DAY);
        run(legs);
        runRefused(legs, delayed(payLate));
        runRefused(one(payLeg(payLate, 9e6)), delayed(payLate));
        assertEq(usdc.balanceOf(carol), 10e6, "once");
    }

    function test_a_run_that_fails_keeps_its_announcement() external {
        Leg[] memory legs = one(payLeg(payLate, 100e6));
        announceRun(legs);
        wait_(DAY);
        vm.prank(safe);
        usdc.transfer(bob, TREASURY);
        vm.prank(agent);
        (bool ran,) = address(kernel).call(abi.encodeCall(kernel.run, (legs, ENTRY)));
        assertTrue(!ran, "nothing there");
        usdc.mint(safe, 100e6);
        run(legs);
    }

    function test_pay_never_takes_a_delayed_rule_announced_or_not() external {
        announceRun(one(payLeg(payLate, 10e6)));
        wait_(DAY);
        payRefused(payLate, 10e6, delayed(payLate));
    }

    function test_what_bounds_a_leg_bounds_it_when_it_runs() external {
        Leg[] memory legs = one(payLeg(payLate, MAX_PAYMENT));
        announceRun(legs);
        wait_(DAY);
        for (uint256 i = 0; i < 5; i++) {
            pay(payAlice, MAX_PAYMENT);
        }
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, usdcKey(), MAX_PAYMENT, 0));
    }

    /* WHO STOPS IT */

    function test_one_guardian_or_owner_stops_a_run_as_often_as_it_is_announced() external {
        Leg[] memory legs = one(payLeg(payLate, 10e6));
        address[3] memory humans = [guardian, owners[0], guardian];
        for (uint256 i = 0; i < humans.length; i++) {
            bytes32 id = announceRun(legs);
            wait_(DAY);
            vm.expectEmit(true, true, true, true, address(kernel));
            emit RunVetoed(id, humans[i]);
            vm.prank(humans[i]);
            kernel.vetoRun(id);
            assertEq(kernel.runReadyAt(id), 0, "dead");
            runRefused(legs, delayed(payLate));
        }
    }

    function test_nobody_else_stops_a_run_and_a_veto_stops_nothing_else() external {
        bytes32 id = announceRun(one(payLeg(payLate, 10e6)));
        address[2] memory others = [stranger, agent];
        for (uint256 i = 0; i < others.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotGuardian.selector, others[i]));
            vm.prank(others[i]);
            kernel.vetoRun(id);
        }
        bytes memory rekeying = abi.encodeCall(IKernelBreaker.rekey, (bob, 0, new address[](0)));
        announce(rekeying);
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotAnnounced.selector, keccak256(rekeying)));
        vm.prank(guardian);
        kernel.vetoRun(keccak256(rekeying));
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotAnnounced.selector, id));
        vm.prank(guardian);
        kernel.veto(id);
        assertTrue(kernel.runReadyAt(id) != 0, "in force");
    }

    function testFuzz_every_tightening_and_every_change_of_policy_or_agent_voids_it(uint8 which) external {
        Leg[] memory legs = one(payLeg(payLate, 10e6));
        bytes32 id = announceRun(legs);
        which = uint8(bound(which, 0, 4));
        if (which == 0) pauseBy(guardian);
        else if (which == 1) _make(policyCall(kernel.root()));
        else if (which == 2) _make(abi.encodeCall(IKernelBreaker.rekey, (bob, 0, new address[](0))));
        else if (which == 3) _revoke(leaves[1]);
        else _lower();
        assertEq(kernel.runReadyAt(id), 0, "void");
        wait_(DAY);
        address sender = which == 2 ? bob : agent;
        vm.expectRevert(which == 0 ? abi.encodeWithSelector(IKernelErrors.KernelPaused.selector) : delayed(payLate));
        vm.prank(sender);
        kernel.run(legs, ENTRY);
    }

    function test_a_blocked_payee_and_a_revoked_rule_stop_an_announced_run() external {
        Leg[] memory legs = one(payLeg(payLate, 10e6));
        announceRun(legs);
        wait_(DAY);
        vm.prank(guardian);
        kernel.blockAddress(carol);
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.AddressIsBlocked.selector, carol));
        _revoke(payLeaf(payLate));
        announceRun(legs);
        wait_(DAY);
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.RuleIsRevoked.selector, payLeaf(payLate)));
    }

    /* WHO ANNOUNCES WHAT */

    function test_only_the_live_agent_announces() external {
        Leg[] memory legs = one(payLeg(payLate, 10e6));
        address[3] memory others = [stranger, guardian, safe];
        for (uint256 i = 0; i < others.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotAgent.selector, others[i]));
            vm.prank(others[i]);
            kernel.announceRun(legs, ENTRY);
        }
        pauseBy(guardian);
        announceRefused(legs, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
    }

    function test_an_announcement_spends_the_rate_limit_and_so_does_the_run() external {
        Leg[] memory legs = one(payLeg(payLate, 10e6));
        bytes32 key = kernel.bucketKey(address(1), 0);
        uint256 before = kernel.available(key);
        announceRun(legs);
        assertEq(kernel.available(key), before - 1e6, "announced");
        for (uint96 i = 1; i < before / 1e6; i++) {
            announceRun(one(payLeg(payLate, i)));
        }
        announceRefused(
            one(payLeg(payLate, 50e6)), abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, key, 1e6, 0)
        );
    }

    function test_what_could_never_run_is_not_announced() external {
        Leg[] memory legs = one(payLeg(PayRule(address(usdc), stranger, 1, 0, 1 days), 1));
        bytes32 leaf = payLeaf(PayRule(address(usdc), stranger, 1, 0, 1 days));
        announceRefused(legs, abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, leaf));
        bytes memory needless = abi.encodeWithSelector(IKernelErrors.BadDelay.selector, 0, 1, type(uint32).max);
        announceRefused(one(payLeg(payAlice, 1)), needless);
        announceRefused(new Leg[](0), needless);
        legs = one(actLeg(Kind.Exit, lateExit, 1e6));
        announceRefused(legs, abi.encodeWithSelector(IKernelErrors.KindNotAllowed.selector, Kind.Exit));
    }

    function test_an_exit_with_a_delay_is_refused_for_ever() external {
        pauseBy(guardian);
        bytes32 leaf = actLeaf(Kind.Exit, lateExit);
        bytes memory reason = abi.encodeWithSelector(IKernelErrors.RuleDelayed.selector, leaf, 1);
        exitRefused(actLeg(Kind.Exit, lateExit, 1e6), guardian, reason);
        pays(1e6);
        exit(leave, 1e6, guardian);
    }

    /* SHORTHAND */

    function runId(Leg[] memory legs) internal view returns (bytes32) {
        return keccak256(abi.encode(kernel.epoch(), kernel.version(), legs));
    }

    function announceRun(Leg[] memory legs) internal returns (bytes32) {
        vm.prank(agent);
        return kernel.announceRun(legs, ENTRY);
    }

    function announceRefused(Leg[] memory legs, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(agent);
        kernel.announceRun(legs, ENTRY);
    }

    function delayed(PayRule memory rule) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.RuleDelayed.selector, payLeaf(rule), rule.delay);
    }

    function _make(bytes memory call) private {
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
    }

    function _revoke(bytes32 leaf) private {
        vm.prank(safe);
        kernel.revoke(leaf);
    }

    function _refresh() private {
        usdcFeeds[0].set(1e8);
        usdcFeeds[1].set(0.9999e8);
        etherFeeds[0].set(2000e8);
        etherFeeds[1].set(2002e18);
    }

    function _lower() private {
        vm.prank(safe);
        kernel.lowerBucket(BucketSetting(address(usdc), 0, CAPACITY - 1, 0, DRAIN));
    }
}
