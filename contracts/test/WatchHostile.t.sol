// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IWatch} from "../src/interfaces/IWatch.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {ActRule, Kind, Leg, PayRule, Template} from "../src/interfaces/KernelTypes.sol";
import {WatchFixture} from "./WatchFixture.sol";
import {Token} from "./mocks/Token.sol";

/// @title Trips the watch in the middle of being paid
contract TrippingPayee {
    IWatch private immutable watch;
    bytes public answer;

    constructor(IWatch watch_) {
        watch = watch_;
    }

    receive() external payable {
        (, answer) = address(watch).call(abi.encodeCall(IWatch.trip, ()));
    }
}

/// @title Takes what the Safe lets it take, trips the watch as often as it goes, and gives everything back
contract FlashTaker {
    bytes public secondAnswer;

    function take(Token token, address safe, uint256 amount, IWatch watch) external {
        token.transferFrom(safe, address(this), amount);
        watch.trip();
        (, secondAnswer) = address(watch).call(abi.encodeCall(IWatch.trip, ()));
        token.transfer(safe, amount);
    }
}

/// @title What the watch must not take for a loss, and what must not hide one from it
contract WatchHostileTest is WatchFixture {
    /* PAYROLL IS NO LOSS */

    function testFuzz_payments_and_orders_are_no_loss(uint96[4] calldata amounts) external {
        for (uint256 i = 0; i < amounts.length; i++) {
            pay(i % 2 == 0 ? payAlice : payBob, bound(amounts[i], 1, MAX_PAYMENT));
        }
        run(one(orderLeg(salary)));
        pay(payEther, 1 ether);
        tripRefused(noDrawdown(MARK));
    }

    /// @dev Two years of salaries: seven percent of the treasury.
    function test_a_payroll_larger_than_the_drawdown_is_no_loss() external {
        uint256 before = usdc.balanceOf(safe);
        for (uint256 i = 0; i < 24; i++) {
            run(one(orderLeg(salary)));
            wait_(COOLDOWN);
        }
        _refresh();
        assertEq(before - usdc.balanceOf(safe), 24 * SALARY, "paid");
        assertTrue(24 * uint256(SALARY) > TREASURY * 5 / 100, "more than five percent");
        tripRefused(noDrawdown(MARK));
    }

    function test_a_fall_after_payroll_is_a_loss_all_the_same() external {
        run(one(orderLeg(salary)));
        etherFalls();
        trip();
        mine(CONFIRM);
        trip();
        assertTrue(kernel.paused(), "paused");
    }

    function test_a_fair_swap_is_no_loss() external {
        pays(1e18);
        swap(buyWeth, 2000e6, 0);
        // Bought at 1.0000, counted at 0.9999.
        tripRefused(noDrawdown(MARK + 2000e8 - 199_980_000_000));
    }

    /* A DONATION DOES NOT ARM IT */

    function testFuzz_a_donation_arms_nothing_whatever_becomes_of_it(uint96 dollars, uint96 wrapped) external {
        usdc.mint(safe, dollars);
        weth.mint(safe, wrapped);
        vm.deal(safe, safe.balance + wrapped);
        vm.expectRevert();
        watch.trip();
        assertEq(watch.markE8(), MARK, "the mark stays");
        assertEq(watch.observedAt(), 0, "unarmed");
        // All of it lost again: the treasury has what it had.
        vm.prank(safe);
        usdc.transfer(bob, dollars);
        vm.prank(safe);
        weth.transfer(bob, wrapped);
        vm.deal(safe, 100 ether);
        tripRefused(noDrawdown(MARK));
    }

    function test_the_own_token_and_unlisted_ones_count_zero() external {
        own.mint(safe, 1e30);
        Token spam = new Token("Spam", "SPAM", 18);
        spam.mint(safe, 1e30);
        assertEq(watch.wealthE8(), MARK, "wealth");
        vm.prank(safe);
        own.transfer(bob, 1e30);
        tripRefused(noDrawdown(MARK));
    }

    /* A FLASH LOAN DOES NOT FIRE IT */

    function test_what_is_gone_within_one_transaction_is_seen_once_and_forgotten() external {
        FlashTaker taker = new FlashTaker();
        vm.prank(safe);
        usdc.approve(address(taker), TREASURY);
        taker.take(usdc, safe, TREASURY, watch);
        bytes memory soon = abi.encodeWithSelector(IWatch.TooSoon.selector, START_BLOCK + CONFIRM);
        assertEq(keccak256(taker.secondAnswer()), keccak256(soon), "twice in a block is once");
        assertTrue(!kernel.paused(), "live");
        mine(CONFIRM);
        trip();
        assertEq(watch.observedAt(), 0, "recovered");
        assertTrue(!kernel.paused(), "live still");
    }

    /* NOT IN THE MIDDLE OF A LEG */

    function test_while_a_leg_runs_nothing_is_observed() external {
        TrippingPayee payee = new TrippingPayee(watch);
        PayRule memory rule = PayRule(address(0), address(payee), 1 ether, 0, 0);
        _replaceBy(payLeaf(rule));
        etherFalls();
        pay(rule, 1 ether);
        assertEq(keccak256(payee.answer()), keccak256(abi.encodeWithSelector(IWatch.KernelBusy.selector)), "busy");
        assertEq(watch.observedAt(), 0, "unarmed");
    }

    /// @dev A policy that should not have been signed: the agent may make the Safe call the watch.
    function test_a_leg_does_not_rebase() external {
        ActRule memory rule;
        (rule.target, rule.tokenIn, rule.tokenOut) = (address(watch), address(usdc), address(weth));
        (rule.template.hash, rule.maxHolding) = (keccak256(abi.encodeCall(IWatch.rebase, ())), type(uint128).max);
        bytes32 tag = keccak256(
            "Act(address target,address spender,address tokenIn,address tokenOut,Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,address vault,uint256 minRate,uint256 maxRate,uint16 maxSlippageBps,uint32 class,uint32 delay)Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
        );
        _replaceBy(keccak256(abi.encode(keccak256(abi.encode(tag, rule)))));
        Leg memory leg;
        (leg.kind, leg.rule, leg.deadline) = (Kind.Act, abi.encode(rule), DEADLINE);
        leg.data = abi.encodeCall(IWatch.rebase, ());
        etherFalls();
        bytes memory busy = abi.encodeWithSelector(IWatch.KernelBusy.selector);
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.CallFailed.selector, address(watch), busy));
        assertEq(watch.markE8(), MARK, "mark");
    }

    /* AFTER THE STOP */

    function test_after_the_re_key_the_fall_is_observed_again_until_the_safe_rebases() external {
        etherFalls();
        trip();
        mine(CONFIRM);
        trip();
        bytes memory call = abi.encodeCall(kernel.rekey, (address(0xA6E28), bytes32(0), new address[](0)));
        announce(call);
        wait_(REKEY_DELAY);
        make(owners[0], call);
        agent = address(0xA6E28);
        pay(payAlice, 1);
        trip();
        vm.prank(safe);
        watch.rebase();
        mine(CONFIRM);
        vm.expectRevert();
        watch.trip();
        assertTrue(!kernel.paused(), "live");
    }

    /* STEPS */

    function _refresh() private {
        usdcFeeds[0].set(1e8);
        usdcFeeds[1].set(0.9999e8);
        etherFeeds[0].set(2000e8);
        etherFeeds[1].set(2002e18);
    }

    /// @dev This rule alone as the policy of the Kernel that is watched.
    function _replaceBy(bytes32 leaf) private {
        leaves = [leaf];
        bytes memory call = abi.encodeCall(kernel.setPolicy, (leaf, bytes32(0), _birth().buckets));
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        // A bucket that was set keeps its level; the prices are of two days ago.
        _refresh();
    }
}
