// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "../Test.sol";
import {HostilePlanner} from "./HostilePlanner.sol";
import {FuzzSelector} from "./OwnerGuard.invariant.t.sol";

/// @title The claim: nothing delayed runs before its delay, twice, or after a veto, a pause, a change or its window
contract PlannerInvariantTest is Test {
    HostilePlanner private thief;

    function setUp() external {
        thief = new HostilePlanner();
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(thief);
        targets[0].selectors = new bytes4[](11);
        targets[0].selectors[0] = HostilePlanner.announceOne.selector;
        targets[0].selectors[1] = HostilePlanner.runOne.selector;
        targets[0].selectors[2] = HostilePlanner.runTwice.selector;
        targets[0].selectors[3] = HostilePlanner.runAltered.selector;
        targets[0].selectors[4] = HostilePlanner.payAtOnce.selector;
        targets[0].selectors[5] = HostilePlanner.letItExpire.selector;
        targets[0].selectors[6] = HostilePlanner.letTimePass.selector;
        targets[0].selectors[7] = HostilePlanner.vetoOne.selector;
        targets[0].selectors[8] = HostilePlanner.tighten.selector;
        targets[0].selectors[9] = HostilePlanner.pauseAndRekey.selector;
        targets[0].selectors[10] = HostilePlanner.announceForOthers.selector;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(thief);
    }

    function invariant_nothing_delayed_runs_but_as_announced_a_delay_before() external view {
        assertEq(thief.breaches(), 0, "breaches");
        assertEq(thief.received(), thief.planned(), "what the payees have is what ran");
    }

    /// @dev Not asked of every run: some are too short to announce, wait and run.
    function test_the_thief_runs_a_plan_when_it_is_due() external {
        for (uint256 which = 0; which < 6; which++) {
            thief.announceOne(which, 0);
            thief.runOne(which, 2);
        }
        assertEq(thief.runs(), 6, "runs");
        assertEq(thief.breaches(), 0, "breaches");
    }

    /// @dev A campaign whose calls are mostly refused proves nothing.
    function afterInvariant() external view {
        if (thief.attempts() < 20) return;
        assertTrue(thief.runs() != 0 || thief.attempts() < 40, "runs among them");
        assertTrue(thief.accepted() * 10 >= thief.attempts() * 3, "at least 30 % are accepted");
    }
}
