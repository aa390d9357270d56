// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "../src/interfaces/IERC20.sol";
import {IKernelBreaker, IKernelPay} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {Birth, PayRule} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";
import {FeeOnTransferToken} from "./mocks/FeeOnTransferToken.sol";
import {BlocklistToken, CallbackToken, FalseReturningToken, GreedyToken, NoReturnToken} from "./mocks/OddTokens.sol";
import {Token} from "./mocks/Token.sol";

/// @title Tokens that are not as they should be: paid rightly, or refused whole
contract KernelTokensTest is Fixture {
    address private token;
    PayRule private rule;

    function test_a_token_that_returns_nothing_is_paid() external {
        _adopt(address(new NoReturnToken()));
        pay(rule, 7);
        assertEq(IERC20(token).balanceOf(alice), 7, "alice");
    }

    function test_a_transfer_that_returns_false_undoes_the_payment() external {
        _adopt(address(new FalseReturningToken()));
        pay(rule, MAX_PAYMENT);
        FalseReturningToken(token).transferFrom(safe, bob, 0);
        uint256 all = IERC20(token).balanceOf(safe);
        vm.prank(safe);
        IERC20(token).transfer(bob, all);
        payRefused(rule, 1, abi.encodeWithSelector(IKernelErrors.TransferRefused.selector, token));
    }

    function test_a_fee_on_transfer_costs_the_safe_no_more_than_the_amount() external {
        _adopt(address(new FeeOnTransferToken("Fee", "FEE", 6, 100)));
        uint256 before = IERC20(token).balanceOf(safe);
        pay(rule, 1000);
        assertEq(IERC20(token).balanceOf(safe), before - 1000, "safe");
        assertEq(IERC20(token).balanceOf(alice), 990, "alice");
    }

    function testFuzz_a_token_that_takes_more_than_the_amount_is_refused(uint32 extra) external {
        vm.assume(extra != 0);
        _adopt(address(new GreedyToken()));
        GreedyToken(token).setExtra(extra);
        bytes4 selector = IKernelErrors.SpentTooMuch.selector;
        payRefused(rule, 100, abi.encodeWithSelector(selector, token, 100 + uint256(extra), 100));
    }

    function test_a_token_that_refuses_says_so_through_the_kernel() external {
        _adopt(address(new BlocklistToken()));
        BlocklistToken(token).list(alice, true);
        bytes memory inner = abi.encodeWithSelector(BlocklistToken.Listed.selector, alice);
        payRefused(rule, 1, abi.encodeWithSelector(IKernelErrors.CallFailed.selector, token, inner));
    }

    function test_a_token_without_code_moves_nothing() external {
        token = address(0xDEAD);
        rule = PayRule(token, alice, MAX_PAYMENT, 0, 0);
        leaves = [payLeaf(rule)];
        kernel = newKernel(_birthWith(token));
        bytes32[] memory proof = proofOf(leaves[0]);
        vm.expectRevert();
        vm.prank(agent);
        kernel.pay(rule, 1, proof, ENTRY);
    }

    /// @dev The token calls the Kernel back in the middle of the transfer, as the agent would.
    function test_a_callback_finds_every_door_shut_but_pause() external {
        _adopt(address(new CallbackToken()));
        CallbackToken hostile = CallbackToken(token);
        vm.prank(safe);
        kernel.addGuardian(token);
        bytes memory again = abi.encodeCall(IKernelPay.pay, (rule, 1, proofOf(payLeaf(rule)), ENTRY));
        hostile.setHook(address(kernel), again);
        pay(rule, 1);
        assertTrue(!hostile.entered(), "pay is locked");
        hostile.setHook(address(kernel), abi.encodeCall(IKernelBreaker.blockAddress, (bob)));
        pay(rule, 1);
        assertTrue(!hostile.entered() && !kernel.blocked(bob), "block is locked");
        hostile.setHook(address(kernel), abi.encodeCall(IKernelBreaker.pause, ()));
        pay(rule, 1);
        assertTrue(hostile.entered() && kernel.paused(), "pause is not");
    }

    function testFuzz_decimals_do_not_matter(uint8 decimals, uint96 amount) external {
        amount = uint96(bound(amount, 1, MAX_PAYMENT));
        _adopt(address(new Token("Any", "ANY", decimals)));
        pay(rule, amount);
        assertEq(IERC20(token).balanceOf(alice), amount, "alice");
    }

    function test_a_kernel_the_safe_has_not_enabled_moves_nothing() external {
        kernel = newKernel(_birth());
        payRefused(payAlice, 1, abi.encodeWithSignature("Error(string)", "GS104"));
    }

    function _adopt(address adopted) private {
        token = adopted;
        Token(token).mint(safe, TREASURY);
        rule = PayRule(token, alice, MAX_PAYMENT, 0, 0);
        leaves = [payLeaf(rule), payLeaf(payAlice)];
        kernel = newKernel(_birthWith(token));
        _enable();
    }

    function _birthWith(address adopted) private view returns (Birth memory birth) {
        birth = _birth();
        birth.buckets[1].token = adopted;
    }
}
