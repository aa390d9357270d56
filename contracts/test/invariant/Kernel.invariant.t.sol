// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderRule, PayRule} from "../../src/interfaces/KernelTypes.sol";
import {Fixture} from "../Fixture.sol";
import {HostileAgent} from "./HostileAgent.sol";

/// @title The claim: with the agent's key stolen the treasury loses at most what the caps say, and nothing after a pause
contract KernelInvariantTest is Fixture {
    uint256 private constant ETHER_CAPACITY = 5 ether;

    HostileAgent private thief;
    bytes32 private rootAtBirth;

    function setUp() public override {
        super.setUp();
        PayRule[] memory payments = new PayRule[](4);
        (payments[0], payments[1], payments[2], payments[3]) = (payAlice, payBob, payEther, payLate);
        OrderRule[] memory orders = new OrderRule[](2);
        (orders[0], orders[1]) = (salary, rent);
        bytes32[][] memory paymentProofs = new bytes32[][](4);
        bytes32[][] memory orderProofs = new bytes32[][](2);
        for (uint256 i = 0; i < 4; i++) {
            paymentProofs[i] = proofOf(payLeaf(payments[i]));
        }
        for (uint256 i = 0; i < 2; i++) {
            orderProofs[i] = proofOf(orderLeaf(orders[i]));
        }
        thief = new HostileAgent(kernel, safe, guardian, agent, usdc, payments, paymentProofs, orders, orderProofs);
        rootAtBirth = kernel.root();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(thief);
    }

    function invariant_no_window_of_payments_exceeds_its_bucket() external view {
        assertTrue(!thief.exceeds(address(usdc), CAPACITY, DRAIN), "usdc");
        assertTrue(!thief.exceeds(address(0), ETHER_CAPACITY, DRAIN), "ether");
    }

    function invariant_no_window_of_orders_exceeds_their_cooldown() external view {
        assertTrue(!thief.overpays(), "orders");
    }

    function invariant_everything_that_left_is_with_the_allowlisted() external view {
        uint256 payees = usdc.balanceOf(alice) + usdc.balanceOf(bob) + usdc.balanceOf(carol);
        assertEq(usdc.balanceOf(safe) + payees, TREASURY, "usdc");
        assertEq(safe.balance + alice.balance, 100 ether, "ether");
        assertEq(payees, thief.total(address(usdc)) + thief.orderTotal(), "all of it was measured");
    }

    function invariant_nothing_passes_after_a_pause_or_with_a_burned_key() external view {
        assertEq(thief.breaches(), 0, "breaches");
    }

    function invariant_the_agent_changes_neither_policy_nor_people() external view {
        assertEq(kernel.root(), rootAtBirth, "root");
        assertEq(kernel.agent(), thief.agent(), "agent");
        assertTrue(kernel.isGuardian(guardian), "guardian");
    }

    /// @dev A campaign whose calls are mostly refused proves nothing.
    function afterInvariant() external view {
        if (thief.attempts() < 10) return;
        assertTrue(thief.accepted() * 10 >= thief.attempts() * 3, "at least 30 % of the thief's calls are accepted");
    }
}
