// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker, IKernelPay, IKernelRun} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {Birth, Leg, SwapRule} from "../src/interfaces/KernelTypes.sol";
import {IERC20} from "../src/interfaces/IERC20.sol";
import {SwapFixture} from "./SwapFixture.sol";
import {GreedyToken, RefusingApprovalToken, StickyApprovalToken, TetherLikeToken} from "./mocks/OddTokens.sol";
import {Inflow} from "./mocks/ScriptedVenue.sol";
import {Token} from "./mocks/Token.sol";
import {FixedSource} from "./mocks/UncheckedModule.sol";

/// @title Venues and tokens that mean harm, each with the bound that holds against it
contract KernelSwapHostileTest is SwapFixture {
    /* VENUES */

    function test_a_venue_that_pays_half_is_refused() external {
        pays(0.5e18);
        bytes4 selector = IKernelErrors.SlippageTooHigh.selector;
        swapRefused(buyWeth, 2000e6, 0, abi.encodeWithSelector(selector, 1000e8, 20e8));
        assertEq(left(address(usdc), SWAPS), SWAP_CAPACITY, "nothing was charged");
    }

    function test_a_venue_that_takes_less_leaves_no_allowance_to_drain_later() external {
        venue.instruct(5000, 0.5e18, address(0), "");
        swap(buyWeth, 2000e6, 0);
        assertEq(usdc.allowance(safe, address(venue)), 0, "allowance");
        vm.expectRevert();
        venue.drain(usdc, safe, 1);
        assertEq(usdc.balanceOf(safe), TREASURY - 1000e6, "half was spent");
    }

    function test_a_venue_that_calls_back_finds_every_door_shut() external {
        vm.prank(safe);
        kernel.addGuardian(address(venue));
        bytes[3] memory doors = [
            abi.encodeCall(IKernelRun.run, (one(swapLeg(buyWeth, 1, 0)), ENTRY)),
            abi.encodeCall(IKernelPay.pay, (payAlice, 1, proofOf(payLeaf(payAlice)), ENTRY)),
            abi.encodeCall(IKernelBreaker.blockAddress, (bob))
        ];
        for (uint256 i = 0; i < doors.length; i++) {
            venue.instruct(10_000, 1e18, address(kernel), doors[i]);
            swap(buyWeth, 2000e6, 0);
            assertTrue(!venue.succeeded(), "shut");
            assertEq(keccak256(venue.answer()), keccak256(abi.encodeWithSelector(IKernelErrors.Busy.selector)), "busy");
        }
    }

    function test_a_venue_that_pauses_stops_the_legs_after_its_own() external {
        vm.prank(safe);
        kernel.addGuardian(address(venue));
        venue.instruct(10_000, 1e18, address(kernel), abi.encodeCall(IKernelBreaker.pause, ()));
        Leg[] memory legs = new Leg[](2);
        (legs[0], legs[1]) = (swapLeg(buyWeth, 2000e6, 0), payLeg(payAlice, 1));
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
    }

    function test_a_gift_of_the_token_sold_makes_no_room() external {
        bytes memory gift = abi.encodeCall(Token.mint, (safe, 3000e6));
        venue.instruct(10_000, 0, address(usdc), gift);
        swap(buyWeth, 2000e6, 0);
        assertEq(usdc.balanceOf(safe), TREASURY + 1000e6, "the Safe has more");
        assertEq(left(address(usdc), SWAPS), SWAP_CAPACITY - 2000e6, "the bucket was charged all the same");
    }

    function test_an_inflow_of_the_safe_s_own_passed_off_as_received_costs_no_more_than_the_bucket() external {
        Inflow vesting = new Inflow();
        bytes memory release = abi.encodeCall(Inflow.release, (weth, safe, 2e18));
        venue.instruct(10_000, 0, address(vesting), release);
        uint256 before = usdc.balanceOf(safe);
        swap(buyWeth, MAX_SWAP, 0);
        swap(buyWeth, MAX_SWAP, 0);
        bytes32 key = kernel.bucketKey(address(usdc), SWAPS);
        bytes4 exceeded = IKernelErrors.BucketExceeded.selector;
        swapRefused(buyWeth, MAX_SWAP, 0, abi.encodeWithSelector(exceeded, key, MAX_SWAP, 2000e6));
        swap(buyWeth, 2000e6, 0);
        assertEq(before - usdc.balanceOf(safe), SWAP_CAPACITY, "the bucket, and not one unit more");
    }

    function test_a_venue_that_fails_undoes_everything() external {
        venue.instruct(20_000, 1e18, address(0), "");
        Leg[] memory legs = one(swapLeg(buyWeth, 2000e6, 0));
        bytes memory inner = abi.encodeWithSignature("Error(string)", "fetch");
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.CallFailed.selector, address(venue), inner));
        assertEq(usdc.allowance(safe, address(venue)), 0, "allowance");
        assertEq(left(address(1), 0), ACTIONS, "not even the call was counted");
    }

    /* TOKENS */

    function test_an_allowance_that_was_there_before_is_nobody_s_to_use() external {
        vm.prank(safe);
        usdc.approve(address(venue), 5);
        pays(1e18);
        bytes4 selector = IKernelErrors.AllowanceRemains.selector;
        swapRefused(buyWeth, 2000e6, 0, abi.encodeWithSelector(selector, address(usdc), address(venue), 5));
    }

    function test_a_token_that_answers_nothing_and_hates_changed_allowances_is_swapped() external {
        SwapRule memory rule = _sell(address(new TetherLikeToken()));
        venue.instruct(5000, 1e18, address(0), "");
        for (uint256 i = 0; i < 2; i++) {
            swap(rule, 2000e6, 0);
            assertEq(IERC20(rule.tokenIn).allowance(safe, address(venue)), 0, "allowance");
        }
    }

    function test_an_approval_that_is_refused_undoes_the_swap() external {
        SwapRule memory rule = _sell(address(new RefusingApprovalToken()));
        swapRefused(rule, 1e6, 0, abi.encodeWithSelector(IKernelErrors.TransferRefused.selector, rule.tokenIn));
    }

    function test_an_allowance_that_cannot_be_taken_back_undoes_the_swap() external {
        SwapRule memory rule = _sell(address(new StickyApprovalToken()));
        venue.instruct(5000, 1e18, address(0), "");
        bytes4 selector = IKernelErrors.AllowanceRemains.selector;
        swapRefused(rule, 2000e6, 0, abi.encodeWithSelector(selector, rule.tokenIn, address(venue), 1000e6));
    }

    function testFuzz_no_more_leaves_than_amount_and_dust(uint16 extra, uint16 dust) external {
        GreedyToken greedy = new GreedyToken();
        SwapRule memory rule = _sellWithDust(address(greedy), dust);
        greedy.setExtra(extra);
        pays(2e18);
        uint256 spent = 1000e6 + uint256(extra);
        bytes4 selector = IKernelErrors.SpentTooMuch.selector;
        if (extra <= dust) {
            swap(rule, 1000e6, 0);
        } else {
            swapRefused(
                rule, 1000e6, 0, abi.encodeWithSelector(selector, address(greedy), spent, 1000e6 + uint256(dust))
            );
        }
    }

    /* STEPS */

    function _sell(address token) private returns (SwapRule memory) {
        return _sellWithDust(token, 0);
    }

    /// @dev Another token in the stablecoin's place: as many units, as many dollars.
    function _sellWithDust(address token, uint96 dust) private returns (SwapRule memory rule) {
        Token(token).mint(safe, TREASURY);
        rule = _rule(token, address(weth), address(new FixedSource(token, 1e20)), wethSource, MAX_SWAP);
        rule.dust = dust;
        leaves.push(swapLeaf(rule));
        Birth memory birth = _birth();
        birth.buckets[4].token = token;
        kernel = newKernel(birth);
        _enable();
    }
}
