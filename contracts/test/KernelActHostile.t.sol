// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "../src/interfaces/IERC20.sol";
import {IKernelPay, IKernelRun} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {ActRule, Birth, BucketSetting, Kind, Leg, Template} from "../src/interfaces/KernelTypes.sol";
import {ActFixture} from "./ActFixture.sol";
import {LendingPool} from "./mocks/LendingPool.sol";
import {StickyApprovalToken, TetherLikeToken} from "./mocks/OddTokens.sol";
import {Inflow} from "./mocks/ScriptedVenue.sol";
import {Token} from "./mocks/Token.sol";

/// @title Lenders and tokens that mean harm, each with the bound that holds; and a lender that only rounds
contract KernelActHostileTest is ActFixture {
    /* HOSTILE */

    function test_a_lender_that_pays_half_is_refused() external {
        pays(1000e6);
        bytes4 selector = IKernelErrors.ReceivedTooLittle.selector;
        actRefused(supply, 2000e6, abi.encodeWithSelector(selector, address(receipt), 1000e6, 2000e6));
        assertEq(left(address(usdc), ACTS), ACT_CAPACITY, "nothing was charged");
    }

    function test_a_lender_that_takes_less_leaves_no_allowance_to_drain_later() external {
        venue.instruct(5000, 2000e6, address(0), "");
        act(supply, 2000e6);
        assertEq(usdc.allowance(safe, address(venue)), 0, "allowance");
        vm.expectRevert();
        venue.drain(usdc, safe, 1);
    }

    function test_a_lender_that_calls_back_finds_every_door_shut() external {
        vm.prank(safe);
        kernel.addGuardian(address(venue));
        bytes[2] memory doors = [
            abi.encodeCall(IKernelRun.run, (one(actLeg(Kind.Act, supply, 1)), ENTRY)),
            abi.encodeCall(IKernelPay.pay, (payAlice, 1, proofOf(payLeaf(payAlice)), ENTRY))
        ];
        for (uint256 i = 0; i < doors.length; i++) {
            venue.instruct(10_000, 2000e6, address(kernel), doors[i]);
            act(supply, 2000e6);
            assertTrue(!venue.succeeded(), "shut");
            assertEq(keccak256(venue.answer()), keccak256(abi.encodeWithSelector(IKernelErrors.Busy.selector)), "busy");
        }
    }

    function test_a_gift_of_the_token_supplied_makes_no_room() external {
        venue.instruct(10_000, 2000e6, address(usdc), abi.encodeCall(Token.mint, (safe, 3000e6)));
        act(supply, 2000e6);
        assertEq(left(address(usdc), ACTS), ACT_CAPACITY - 2000e6, "the bucket was charged all the same");
    }

    function test_an_inflow_passed_off_as_received_costs_no_more_than_the_bucket() external {
        Inflow vesting = new Inflow();
        bytes memory release = abi.encodeCall(Inflow.release, (receipt, safe, MAX_ACT));
        venue.instruct(10_000, 0, address(vesting), release);
        uint256 before = usdc.balanceOf(safe);
        act(supply, MAX_ACT);
        act(supply, MAX_ACT);
        act(supply, 2000e6);
        bytes32 key = kernel.bucketKey(address(usdc), ACTS);
        actRefused(supply, 1, abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, key, 1, 0));
        assertEq(before - usdc.balanceOf(safe), ACT_CAPACITY, "the bucket, and not one unit more");
    }

    function test_an_older_allowance_and_one_that_stays_undo_the_act() external {
        vm.prank(safe);
        usdc.approve(address(venue), 5);
        bytes4 selector = IKernelErrors.AllowanceRemains.selector;
        actRefused(supply, 1e6, abi.encodeWithSelector(selector, address(usdc), address(venue), 5));
        address sticky = address(new StickyApprovalToken());
        ActRule memory rule = _supplyOf(sticky);
        venue.instruct(5000, 1000e6, address(0), "");
        actRefused(rule, 1000e6, abi.encodeWithSelector(selector, sticky, address(venue), 500e6));
    }

    function test_a_token_that_answers_nothing_and_hates_changed_allowances_is_supplied() external {
        ActRule memory rule = _supplyOf(address(new TetherLikeToken()));
        venue.instruct(5000, 1000e6, address(0), "");
        for (uint256 i = 0; i < 2; i++) {
            act(rule, 1000e6);
            assertEq(IERC20(rule.tokenIn).allowance(safe, address(venue)), 0, "allowance");
        }
    }

    /* ROUNDING: supply and withdraw as the best known lender does them */

    /// @dev Receipts are rounded half up: one unit may be missing on the way in, one too many be taken on the way out.
    function testFuzz_stables_are_supplied_and_come_back(uint96 amount, uint256 index) external {
        amount = uint96(bound(amount, 10_000, MAX_ACT));
        LendingPool pool = new LendingPool(usdc);
        pool.receipt().setIndex(bound(index, 1e27, 3e27));
        (ActRule memory into, ActRule memory back) = _lendingRules(pool);
        Leg memory leg = actLeg(Kind.Act, into, amount);
        leg.data = abi.encodeCall(LendingPool.supply, (address(usdc), amount, safe, 0));
        run(one(leg));
        assertEq(usdc.balanceOf(safe), TREASURY - amount, "supplied");
        assertEq(usdc.allowance(safe, address(pool)), 0, "allowance");
        leg = actLeg(Kind.Act, back, amount - 1);
        leg.data = abi.encodeCall(LendingPool.withdraw, (address(usdc), amount - 1, safe));
        run(one(leg));
        assertEq(usdc.balanceOf(safe), TREASURY - 1, "withdrawn");
    }

    function test_nobody_else_is_supplied_for_or_withdrawn_to() external {
        LendingPool pool = new LendingPool(usdc);
        (ActRule memory into, ActRule memory back) = _lendingRules(pool);
        Leg memory leg = actLeg(Kind.Act, into, 1e6);
        leg.data = abi.encodeCall(LendingPool.supply, (address(usdc), 1e6, stranger, 0));
        _mismatched(leg, abi.encodeCall(LendingPool.supply, (address(usdc), 0, stranger, 0)), into);
        leg = actLeg(Kind.Act, back, 1e6);
        leg.data = abi.encodeCall(LendingPool.withdraw, (address(usdc), 1e6, stranger));
        _mismatched(leg, abi.encodeCall(LendingPool.withdraw, (address(usdc), 0, stranger)), back);
        leg.data = abi.encodeCall(LendingPool.withdraw, (address(usdc), type(uint256).max, safe));
        bytes4 word = IKernelErrors.WordMismatch.selector;
        runRefused(one(leg), abi.encodeWithSelector(word, 36, type(uint256).max, 1e6));
    }

    /* STEPS */

    function _mismatched(Leg memory leg, bytes memory blank, ActRule memory rule) private {
        bytes4 mismatch = IKernelErrors.TemplateMismatch.selector;
        runRefused(one(leg), abi.encodeWithSelector(mismatch, keccak256(blank), rule.template.hash));
    }

    function _lendingRules(LendingPool pool) private returns (ActRule memory into, ActRule memory back) {
        (into, back) = (supply, withdraw);
        (into.target, into.spender, into.tokenOut) = (address(pool), address(pool), address(pool.receipt()));
        into.maxSlippageBps = 1;
        bytes memory blank = abi.encodeCall(LendingPool.supply, (address(usdc), 0, safe, 0));
        into.template = Template(keccak256(blank), 4 + 32, 0, 0);
        (back.target, back.spender, back.tokenIn, back.dust) = (address(pool), address(0), into.tokenOut, 1);
        blank = abi.encodeCall(LendingPool.withdraw, (address(usdc), 0, safe));
        back.template = Template(keccak256(blank), 4 + 32, 0, 0);
        leaves.push(actLeaf(Kind.Act, into));
        leaves.push(actLeaf(Kind.Act, back));
        _birthWith(into.tokenOut, 7);
    }

    /// @dev Another token in the stablecoin's place.
    function _supplyOf(address token) private returns (ActRule memory rule) {
        Token(token).mint(safe, TREASURY);
        rule = actRule(token, address(receipt), PAR, MAX_ACT);
        leaves.push(actLeaf(Kind.Act, rule));
        _birthWith(token, 6);
    }

    /// @dev A Kernel in which the bucket at `index`, of acts, is that of `token`.
    function _birthWith(address token, uint256 index) private {
        Birth memory birth = _birth();
        birth.buckets[index] = BucketSetting(token, ACTS, ACT_CAPACITY, 0, DRAIN);
        kernel = newKernel(birth);
        _enable();
    }
}
