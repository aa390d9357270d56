// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {Kind, Leg, OrderRule, PayRule} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";
import {Tree} from "./Tree.sol";
import {RevertingTarget} from "./mocks/Callers.sol";

/// @title Payments and standing orders: what goes through, and each reason why not
contract KernelPayTest is Fixture, IKernelEvents {
    /* PAYMENTS */

    function test_a_payment_moves_exactly_the_amount_and_says_so() external {
        vm.expectEmit(true, true, true, true, address(kernel));
        emit Paid(payLeaf(payAlice), address(usdc), alice, 250e6, ENTRY);
        pay(payAlice, 250e6);
        assertEq(usdc.balanceOf(alice), 250e6, "alice");
        assertEq(usdc.balanceOf(safe), TREASURY - 250e6, "safe");
        assertEq(kernel.available(usdcKey()), CAPACITY - 250e6, "left in the bucket");
    }

    function test_ether_is_paid_as_token_zero() external {
        pay(payEther, 0.25 ether);
        assertEq(alice.balance, 0.25 ether, "alice");
        assertEq(safe.balance, 99.75 ether, "safe");
    }

    function testFuzz_only_amounts_within_rule_and_bucket_pass(uint256 first, uint256 second) external {
        first = bound(first, 1, MAX_PAYMENT);
        pay(payAlice, first);
        if (second == 0) payRefused(payAlice, 0, abi.encodeWithSelector(IKernelErrors.AmountIsZero.selector));
        else if (second > MAX_PAYMENT) payRefused(payAlice, second, _aboveMaximum(second));
        else pay(payAlice, second);
    }

    function test_nobody_but_the_agent_pays() external {
        bytes32[] memory proof = proofOf(payLeaf(payAlice));
        address[4] memory others = [stranger, guardian, owners[0], safe];
        for (uint256 i = 0; i < others.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotAgent.selector, others[i]));
            vm.prank(others[i]);
            kernel.pay(payAlice, 1, proof, ENTRY);
        }
    }

    function test_an_agent_that_grows_code_is_no_agent() external {
        vm.etch(agent, hex"ef0100000000000000000000000000000000000000dead");
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.NotAgent.selector, agent));
    }

    function testFuzz_a_rule_that_differs_anywhere_is_not_in_the_policy(uint8 field, uint256 seed) external {
        PayRule memory rule = payAlice;
        if (field % 5 == 0) rule.token = address(uint160(seed));
        if (field % 5 == 1) rule.recipient = address(uint160(seed));
        if (field % 5 == 2) rule.maxAmount = uint96(seed);
        if (field % 5 == 3) rule.class = uint32(seed);
        if (field % 5 == 4) rule.delay = uint32(seed);
        bytes32 leaf = payLeaf(rule);
        vm.assume(proofOf(leaf).length == 0);
        bytes32[] memory proof = proofOf(payLeaf(payAlice));
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, leaf));
        vm.prank(agent);
        kernel.pay(rule, 1, proof, ENTRY);
    }

    function test_a_rule_of_a_delay_is_refused_at_once() external {
        bytes memory reason = abi.encodeWithSelector(IKernelErrors.RuleDelayed.selector, payLeaf(payLate), 1 days);
        payRefused(payLate, 1, reason);
        runRefused(one(payLeg(payLate, 1)), reason);
    }

    function test_a_bucket_that_was_never_set_is_closed() external {
        PayRule memory rule = PayRule(address(usdc), alice, MAX_PAYMENT, 7, 0);
        payRefused(rule, 1, _bucketExceeded(kernel.bucketKey(address(usdc), 7), 1, 0));
    }

    function test_two_rules_of_a_token_share_its_bucket() external {
        for (uint256 i = 0; i < 5; i++) {
            pay(i % 2 == 0 ? payAlice : payBob, MAX_PAYMENT);
        }
        payRefused(payBob, 1, _bucketExceeded(usdcKey(), 1, 0));
    }

    function test_calls_beyond_the_rate_limit_wait() external {
        for (uint256 i = 0; i < 20; i++) {
            pay(payAlice, 1);
        }
        bytes32 key = kernel.bucketKey(address(1), 0);
        payRefused(payAlice, 1, _bucketExceeded(key, 1e6, 0));
        wait_(1 days / 20);
        pay(payAlice, 1);
    }

    function test_the_rate_limit_counts_calls_not_legs() external {
        Leg[] memory legs = new Leg[](2);
        legs[0] = payLeg(payAlice, 1);
        legs[1] = payLeg(payBob, 1);
        run(legs);
        assertEq(kernel.available(kernel.bucketKey(address(1), 0)), ACTIONS - 1e6, "one call");
    }

    function test_a_payee_that_refuses_ether_undoes_the_payment() external {
        RevertingTarget target = new RevertingTarget();
        PayRule memory rule = PayRule(address(0), address(target), 1 ether, 0, 0);
        leaves = [payLeaf(rule)];
        _deployKernel();
        bytes memory inner = abi.encodeWithSelector(RevertingTarget.Refused.selector, safe, 1);
        payRefused(rule, 1, abi.encodeWithSelector(IKernelErrors.CallFailed.selector, address(target), inner));
        assertEq(kernel.available(kernel.bucketKey(address(0), 0)), 5 ether, "nothing was charged");
    }

    function test_a_tree_of_one_leaf_needs_no_proof() external {
        leaves = [payLeaf(payAlice)];
        _deployKernel();
        pay(payAlice, 5);
        assertEq(usdc.balanceOf(alice), 5, "alice");
    }

    function testFuzz_every_leaf_of_any_tree_is_found(uint256 size, uint256 seed) external {
        size = bound(size, 1, 40);
        delete leaves;
        for (uint256 i = 0; i < size; i++) {
            leaves.push(payLeaf(PayRule(address(usdc), address(uint160(i + 1000)), MAX_PAYMENT, 0, 0)));
        }
        _deployKernel();
        address payee = address(uint160(seed % size + 1000));
        pay(PayRule(address(usdc), payee, MAX_PAYMENT, 0, 0), 9);
        assertEq(usdc.balanceOf(payee), 9, "payee");
    }

    /* STANDING ORDERS */

    function test_an_order_pays_its_amount_once_in_a_cooldown() external {
        run(one(orderLeg(salary)));
        assertEq(usdc.balanceOf(carol), SALARY, "carol");
        uint256 paidAt = vm.getBlockTimestamp();
        wait_(COOLDOWN - 1);
        runRefused(
            one(orderLeg(salary)), abi.encodeWithSelector(IKernelErrors.OrderNotDue.selector, paidAt, paidAt + COOLDOWN)
        );
        wait_(1);
        run(one(orderLeg(salary)));
        assertEq(usdc.balanceOf(carol), 2 * uint256(SALARY), "carol, second month");
    }

    function test_an_order_twice_in_one_run_is_paid_never() external {
        Leg[] memory legs = new Leg[](2);
        (legs[0], legs[1]) = (orderLeg(salary), orderLeg(salary));
        uint256 now_ = vm.getBlockTimestamp();
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.OrderNotDue.selector, now_, now_ + COOLDOWN));
        assertEq(usdc.balanceOf(carol), 0, "carol");
    }

    function test_orders_leave_the_buckets_alone() external {
        run(one(orderLeg(salary)));
        assertEq(kernel.available(usdcKey()), CAPACITY, "bucket");
    }

    function testFuzz_an_order_pays_no_other_amount(uint96 amount) external {
        vm.assume(amount != SALARY);
        Leg memory leg = orderLeg(salary);
        leg.amount = amount;
        bytes4 selector = IKernelErrors.NotTheOrderedAmount.selector;
        runRefused(one(leg), abi.encodeWithSelector(selector, amount, SALARY));
    }

    function test_an_order_lives_from_its_first_to_its_last_second() external {
        bytes memory dead =
            abi.encodeWithSelector(IKernelErrors.OrderNotInForce.selector, rent.notBefore, rent.notAfter);
        vm.warp(rent.notBefore - 1);
        runRefused(one(orderLeg(rent)), dead);
        vm.warp(rent.notBefore);
        run(one(orderLeg(rent)));
        vm.warp(rent.notAfter);
        run(one(orderLeg(rent)));
        vm.warp(rent.notAfter + COOLDOWN);
        runRefused(one(orderLeg(rent)), dead);
    }

    function test_an_order_without_cooldown_or_amount_is_no_order() external {
        OrderRule memory endless = OrderRule(0, address(usdc), bob, 1, 0, 0, 0, 0);
        OrderRule memory empty = OrderRule(0, address(usdc), bob, 0, 1, 0, 0, 0);
        leaves = [orderLeaf(endless), orderLeaf(empty)];
        _deployKernel();
        runRefused(one(orderLeg(endless)), abi.encodeWithSelector(IKernelErrors.BadRule.selector, orderLeaf(endless)));
        runRefused(one(orderLeg(empty)), abi.encodeWithSelector(IKernelErrors.BadRule.selector, orderLeaf(empty)));
    }

    function test_an_order_with_a_delay_is_refused_at_once() external {
        OrderRule memory late = OrderRule(0, address(usdc), bob, 1, 1, 0, 0, 60);
        leaves = [orderLeaf(late)];
        _deployKernel();
        bytes4 selector = IKernelErrors.RuleDelayed.selector;
        runRefused(one(orderLeg(late)), abi.encodeWithSelector(selector, orderLeaf(late), 60));
    }

    /* RUNS */

    function test_a_payroll_is_all_or_nothing() external {
        Leg[] memory legs = new Leg[](3);
        (legs[0], legs[1], legs[2]) = (orderLeg(salary), payLeg(payAlice, 10e6), payLeg(payBob, MAX_PAYMENT + 1));
        runRefused(legs, _aboveMaximum(uint256(MAX_PAYMENT) + 1));
        legs[2].amount = MAX_PAYMENT;
        run(legs);
        assertEq(usdc.balanceOf(carol), SALARY, "carol");
        assertEq(usdc.balanceOf(alice), 10e6, "alice");
        assertEq(usdc.balanceOf(bob), MAX_PAYMENT, "bob");
    }

    function test_legs_are_metered_one_after_another() external {
        Leg[] memory legs = new Leg[](6);
        for (uint256 i = 0; i < 6; i++) {
            legs[i] = payLeg(payAlice, MAX_PAYMENT);
        }
        runRefused(legs, _bucketExceeded(usdcKey(), MAX_PAYMENT, 0));
    }

    function test_a_run_without_legs_is_refused() external {
        runRefused(new Leg[](0), abi.encodeWithSelector(IKernelErrors.EmptyRun.selector));
    }

    function test_the_kind_is_part_of_the_leaf() external {
        Leg memory leg = orderLeg(salary);
        leg.kind = Kind.Pay;
        bytes32 tag = keccak256("Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)");
        bytes32 leaf = keccak256(abi.encode(keccak256(bytes.concat(tag, leg.rule))));
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, leaf));
    }

    function test_bytes_after_a_rule_make_it_another_rule() external {
        Leg memory leg = payLeg(payAlice, 1);
        leg.rule = bytes.concat(leg.rule, hex"00");
        bytes32 tag = keccak256("Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)");
        bytes32 leaf = keccak256(abi.encode(keccak256(bytes.concat(tag, leg.rule))));
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, leaf));
    }

    function test_an_inner_node_is_no_leaf() external {
        leaves = [payLeaf(payAlice), payLeaf(payBob)];
        _deployKernel();
        Leg memory leg = payLeg(payAlice, 1);
        leg.rule = abi.encode(leaves[0], leaves[1]);
        leg.proof = new bytes32[](0);
        vm.expectRevert();
        vm.prank(agent);
        kernel.run(one(leg), ENTRY);
        assertEq(kernel.root(), Tree.root(leaves), "root");
    }

    function test_nobody_but_the_agent_runs() external {
        Leg[] memory legs = one(payLeg(payAlice, 1));
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotAgent.selector, stranger));
        vm.prank(stranger);
        kernel.run(legs, ENTRY);
        // A guardian's runs are exits, in a pause.
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.KernelLive.selector));
        vm.prank(guardian);
        kernel.run(legs, ENTRY);
    }

    /* REASONS */

    function _aboveMaximum(uint256 asked) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.AboveRuleMaximum.selector, asked, MAX_PAYMENT);
    }

    function _bucketExceeded(bytes32 key, uint256 asked, uint256 left) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, key, asked, left);
    }
}
