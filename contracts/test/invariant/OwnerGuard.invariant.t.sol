// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "../Test.sol";
import {HostileOwners} from "./HostileOwners.sol";

/// @notice What forge calls in a campaign.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// @title The claim: no sequence of Safe transactions changes who commands the Safe in less than the delay
abstract contract OwnerGuardInvariantTest is Test {
    HostileOwners private thieves;

    function isOn150() internal pure virtual returns (bool);

    function setUp() external {
        thieves = new HostileOwners(isOn150());
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(thieves);
        targets[0].selectors = new bytes4[](8);
        targets[0].selectors[0] = HostileOwners.pay.selector;
        targets[0].selectors[1] = HostileOwners.announceChange.selector;
        targets[0].selectors[2] = HostileOwners.announceLeaving.selector;
        targets[0].selectors[3] = HostileOwners.change.selector;
        targets[0].selectors[4] = HostileOwners.leave.selector;
        targets[0].selectors[5] = HostileOwners.sendNonsense.selector;
        targets[0].selectors[6] = HostileOwners.letTimePass.selector;
        targets[0].selectors[7] = HostileOwners.vetoOne.selector;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(thieves);
    }

    /// forge-config: default.invariant.runs = 8
    function invariant_nobody_commands_the_safe_but_by_what_was_announced_a_delay_before() external view {
        assertEq(thieves.breaches(), 0, "breaches");
    }

    /// @dev Not asked of every run: some are too short to announce, wait and change.
    function test_the_thieves_make_a_change_when_it_is_due() external {
        thieves.announceChange(0, 0);
        thieves.change(0, 0, 2);
        assertEq(thieves.changes(), 1, "changes");
        assertEq(thieves.breaches(), 0, "breaches");
    }

    /// @dev A campaign whose transactions are mostly refused proves nothing.
    function afterInvariant() external view {
        if (thieves.attempts() < 30) return;
        assertTrue(thieves.accepted() * 10 >= thieves.attempts() * 3, "at least 30 % are accepted");
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardOn141InvariantTest is OwnerGuardInvariantTest {
    function isOn150() internal pure override returns (bool) {
        return false;
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardOn150InvariantTest is OwnerGuardInvariantTest {
    function isOn150() internal pure override returns (bool) {
        return true;
    }
}
