// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Birth, Leg, PayRule} from "../src/interfaces/KernelTypes.sol";
import {SwapFixture} from "./SwapFixture.sol";
import {GreedyToken} from "./mocks/OddTokens.sol";

/// @title Gives back half of what it is paid
contract HonestPayee {
    address private immutable safe;

    constructor(address safe_) {
        safe = safe_;
    }

    receive() external payable {
        (bool success,) = safe.call{value: msg.value / 2}("");
        require(success, "back");
    }
}

/// @title What payments have taken out: counted in units, by what left and not by what was asked
contract KernelPaidTest is SwapFixture {
    function testFuzz_payments_and_orders_count(uint96 first, uint96 second) external {
        first = uint96(bound(first, 1, MAX_PAYMENT));
        second = uint96(bound(second, 1, MAX_PAYMENT));
        pay(payAlice, first);
        Leg[] memory legs = new Leg[](3);
        (legs[0], legs[1], legs[2]) = (payLeg(payBob, second), orderLeg(salary), payLeg(payEther, 7));
        run(legs);
        assertEq(kernel.paid(address(usdc)), uint256(first) + second + SALARY, "usdc");
        assertEq(kernel.paid(address(usdc)), TREASURY - usdc.balanceOf(safe), "what left");
        assertEq(kernel.paid(address(0)), 7, "ether");
    }

    function test_swaps_do_not_count() external {
        pays(1e18);
        swap(buyWeth, 2000e6, 0);
        assertEq(kernel.paid(address(usdc)), 0, "usdc");
        assertEq(kernel.paid(address(weth)), 0, "weth");
    }

    function test_what_a_payee_gives_back_in_the_payment_was_not_paid() external {
        PayRule memory rule = PayRule(address(0), address(new HonestPayee(safe)), 1 ether, 0, 0);
        leaves.push(payLeaf(rule));
        _deployKernel();
        pay(rule, 1 ether);
        assertEq(kernel.paid(address(0)), 0.5 ether, "half");
        assertEq(safe.balance, 99.5 ether, "and that is what left");
    }

    function test_a_payment_that_is_refused_does_not_count() external {
        GreedyToken greedy = new GreedyToken();
        greedy.mint(safe, 1000);
        greedy.setExtra(1);
        PayRule memory rule = PayRule(address(greedy), alice, 100, 0, 0);
        leaves.push(payLeaf(rule));
        Birth memory birth = _birth();
        birth.buckets[1].token = address(greedy);
        kernel = newKernel(birth);
        _enable();
        bytes32[] memory proof = proofOf(payLeaf(rule));
        vm.expectRevert();
        vm.prank(agent);
        kernel.pay(rule, 100, proof, ENTRY);
        assertEq(kernel.paid(address(greedy)), 0, "paid");
    }
}
