// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Kind, OrderRule, PayRule} from "../../src/interfaces/KernelTypes.sol";
import {ActFixture} from "../ActFixture.sol";
import {HostileLender} from "./HostileLender.sol";
import {Lending, Market} from "./HostileTrader.sol";

/// @title The claim: with the agent's key stolen the treasury loses at most what the caps say, and nothing after a pause
contract KernelInvariantTest is ActFixture {
    uint256 private constant ETHER_CAPACITY = 5 ether;

    HostileLender private thief;
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
        Market memory market = Market(
            venue,
            weth,
            buyWeth,
            proofOf(swapLeaf(buyWeth)),
            sellEther,
            proofOf(swapLeaf(sellEther)),
            [usdcFeeds[0], usdcFeeds[1], etherFeeds[0], etherFeeds[1]],
            _lending()
        );
        thief = new HostileLender(
            kernel, safe, guardian, agent, usdc, payments, paymentProofs, orders, orderProofs, market
        );
        rootAtBirth = kernel.root();
    }

    function _lending() private view returns (Lending memory lending) {
        lending.acts = [supply, withdraw, deposit, redeem];
        for (uint256 i = 0; i < 4; i++) {
            lending.proofs[i] = proofOf(actLeaf(Kind.Act, lending.acts[i]));
        }
        (lending.exit, lending.exitProof) = (leave, proofOf(actLeaf(Kind.Exit, leave)));
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(thief);
    }

    function invariant_no_window_of_payments_swaps_acts_or_exits_exceeds_its_bucket() external view {
        assertTrue(!thief.exceeds(address(usdc), CAPACITY, DRAIN), "usdc");
        assertTrue(!thief.exceeds(address(0), ETHER_CAPACITY, DRAIN), "ether");
        assertTrue(!thief.oversells(address(usdc), SWAP_CAPACITY, DRAIN), "usdc sold");
        assertTrue(!thief.oversells(address(0), ETHER_CAPACITY, DRAIN), "ether sold");
        assertTrue(!thief.overacts(address(usdc), ACTS, ACT_CAPACITY, DRAIN), "supplies");
        assertTrue(!thief.overacts(address(receipt), ACTS, ACT_CAPACITY, DRAIN), "withdrawals");
        assertTrue(!thief.overacts(address(vault), ACTS, 10_000e18, DRAIN), "redemptions");
        assertTrue(!thief.overacts(address(receipt), EXITS, EXIT_CAPACITY, DRAIN), "exits");
    }

    function invariant_no_window_of_orders_exceeds_their_cooldown() external view {
        assertTrue(!thief.overpays(), "orders");
    }

    function invariant_all_bring_their_floor_and_no_window_loses_more_than_its_bucket() external view {
        assertEq(thief.shortfalls(), 0, "floors of swaps");
        assertEq(thief.actShortfalls(), 0, "floors of acts and exits");
        assertTrue(!thief.overloses(LOSS_CAPACITY, DRAIN), "losses");
    }

    function invariant_the_kernel_pauses_exactly_when_losses_pass_their_soft_limit() external view {
        assertEq(thief.missedLimits(), 0, "soft limits");
    }

    function invariant_no_run_leaves_an_allowance() external view {
        assertEq(thief.allowances(), 0, "allowances");
    }

    function invariant_everything_that_left_is_with_the_allowlisted() external view {
        uint256 payees = usdc.balanceOf(alice) + usdc.balanceOf(bob) + usdc.balanceOf(carol);
        assertEq(usdc.balanceOf(safe) + payees + usdc.balanceOf(address(venue)), usdc.totalSupply(), "usdc");
        assertEq(safe.balance + alice.balance + address(venue).balance, 1100 ether, "ether");
        assertEq(payees, thief.total(address(usdc)) + thief.orderTotal(), "all of it was measured");
        assertEq(kernel.paid(address(usdc)), thief.total(address(usdc)) + thief.orderTotal(), "usdc counted");
        assertEq(kernel.paid(address(0)), thief.total(address(0)), "ether counted");
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
        assertTrue(thief.swaps() != 0 || thief.attempts() < 40, "swaps among them");
        assertTrue(thief.acts() != 0 || thief.actAttempts() < 10, "acts among them");
        assertTrue(thief.accepted() * 10 >= thief.attempts() * 3, "at least 30 % of the thief's calls are accepted");
    }
}
