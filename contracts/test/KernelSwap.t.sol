// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {BucketSetting, Leg, SwapRule} from "../src/interfaces/KernelTypes.sol";
import {IPriceSource} from "../src/interfaces/IPriceSource.sol";
import {SwapFixture} from "./SwapFixture.sol";

/// @title Swaps: what goes through, what it is charged, and each effect that undoes it
contract KernelSwapTest is SwapFixture, IKernelEvents {
    /* WHAT GOES THROUGH */

    function test_a_swap_moves_both_tokens_and_says_so() external {
        pays(0.995e18);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit Swapped(swapLeaf(buyWeth), address(usdc), address(weth), 2000e6, 0.995e18, lossOf(2000e6, 0.995e18), ENTRY);
        swap(buyWeth, 2000e6, 0.99e18);
        assertEq(usdc.balanceOf(safe), TREASURY - 2000e6, "usdc");
        assertEq(weth.balanceOf(safe), 0.995e18, "weth");
        assertEq(usdc.allowance(safe, address(venue)), 0, "allowance");
    }

    function test_a_swap_fills_its_own_bucket_and_the_loss_bucket() external {
        pays(0.995e18);
        swap(buyWeth, 2000e6, 0);
        assertEq(left(address(usdc), SWAPS), SWAP_CAPACITY - 2000e6, "swaps");
        assertEq(left(address(2), 0), LOSS_CAPACITY - 10e8, "losses");
        assertEq(left(address(usdc), 0), CAPACITY, "payments");
    }

    function test_ether_is_sent_along_and_comes_back() external {
        pays(1990e6);
        swap(sellEther, 1 ether, 1980e6);
        assertEq(safe.balance, 99 ether, "ether spent");
        assertEq(usdc.balanceOf(safe), TREASURY + 1990e6, "usdc received");
        pays(0.999 ether);
        swap(buyEther, 2000e6, 0.99 ether);
        assertEq(safe.balance, 99.999 ether, "ether received");
    }

    function testFuzz_a_swap_passes_exactly_if_its_loss_is_allowed(uint96 amount, uint256 give) external {
        amount = uint96(bound(amount, 1, MAX_SWAP));
        give = bound(give, 0, 3e18);
        pays(give);
        (uint256 loss, uint256 allowed) = (lossOf(amount, give), uint256(amount) * 100 * MAX_SLIPPAGE_BPS / 10_000);
        if (loss <= allowed) swap(buyWeth, amount, 0);
        else swapRefused(buyWeth, amount, 0, _slippage(loss, allowed));
    }

    function test_a_swap_and_a_payment_go_in_one_run() external {
        pays(1e18);
        Leg[] memory legs = new Leg[](2);
        (legs[0], legs[1]) = (swapLeg(buyWeth, 2000e6, 1e18), payLeg(payAlice, 5e6));
        run(legs);
        assertEq(usdc.balanceOf(alice), 5e6, "alice");
        assertEq(weth.balanceOf(safe), 1e18, "weth");
    }

    /* CAPS */

    function test_a_leg_is_metered_before_the_next_begins() external {
        pays(2e18);
        Leg[] memory legs = new Leg[](3);
        for (uint256 i = 0; i < 3; i++) {
            legs[i] = swapLeg(buyWeth, MAX_SWAP, 0);
        }
        bytes32 key = kernel.bucketKey(address(usdc), SWAPS);
        runRefused(
            legs, abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, key, MAX_SWAP, SWAP_CAPACITY - 8000e6)
        );
    }

    function test_no_more_than_the_rule_and_no_nothing() external {
        pays(2e18);
        bytes4 above = IKernelErrors.AboveRuleMaximum.selector;
        swapRefused(buyWeth, MAX_SWAP + 1, 0, abi.encodeWithSelector(above, MAX_SWAP + 1, MAX_SWAP));
        swapRefused(buyWeth, 0, 0, abi.encodeWithSelector(IKernelErrors.AmountIsZero.selector));
    }

    function test_without_a_loss_bucket_no_loss_is_accepted() external {
        vm.prank(safe);
        kernel.lowerBucket(BucketSetting(address(2), 0, 0, 0, 0));
        pays(1e18 - 1e6);
        bytes32 key = kernel.bucketKey(address(2), 0);
        swapRefused(buyWeth, 2000e6, 0, abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, key, 1, 0));
        pays(1e18);
        swap(buyWeth, 2000e6, 0);
    }

    function test_dust_is_charged_to_the_bucket_too() external {
        SwapRule memory rule = buyWeth;
        rule.dust = 7;
        _adopt(rule);
        pays(1e18);
        swap(rule, 2000e6, 0);
        assertEq(left(address(usdc), SWAPS), SWAP_CAPACITY - 2000e6 - 7, "bucket");
    }

    /* EFFECTS */

    function testFuzz_less_than_the_agent_asked_for_is_refused(uint256 minOut, uint256 give) external {
        minOut = bound(minOut, 1, 3e18);
        give = bound(give, 0, minOut - 1);
        pays(give);
        bytes4 selector = IKernelErrors.ReceivedTooLittle.selector;
        swapRefused(buyWeth, 2000e6, minOut, abi.encodeWithSelector(selector, address(weth), give, minOut));
    }

    function test_a_position_grows_no_larger_than_its_rule() external {
        SwapRule memory rule = buyWeth;
        rule.maxHolding = 1e18;
        _adopt(rule);
        pays(1e18);
        swap(rule, 2000e6, 0);
        pays(1e18);
        bytes4 selector = IKernelErrors.HoldingTooLarge.selector;
        swapRefused(rule, 2000e6, 0, abi.encodeWithSelector(selector, address(weth), 2e18, 1e18));
    }

    function test_the_loss_is_taken_between_the_worse_ends_of_both_prices() external {
        // Fair at 2,002: exactly 1,998 USD of ether at the lower price for 2,000.
        pays(0.999e18);
        swap(buyWeth, 2000e6, 0);
        assertEq(left(address(2), 0), LOSS_CAPACITY - 2e8, "loss");
    }

    function test_without_a_price_swaps_stop_and_payments_go_on() external {
        pays(1e18);
        wait_(MAX_AGE + 1);
        bytes4 selector = IPriceSource.FeedUnusable.selector;
        swapRefused(buyWeth, 2000e6, 0, abi.encodeWithSelector(selector, address(usdcFeeds[0]), bytes32("stale")));
        pay(payAlice, 5e6);
        assertTrue(!kernel.paused(), "no pause");
        usdcFeeds[0].set(1e8);
        usdcFeeds[1].set(1e8);
        etherFeeds[0].set(2000e8);
        etherFeeds[1].set(2000e18);
        swap(buyWeth, 2000e6, 0);
    }

    function test_a_pause_ends_swaps() external {
        pays(1e18);
        vm.prank(guardian);
        kernel.pause();
        swapRefused(buyWeth, 2000e6, 0, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
    }

    /* STOPPED BY PEOPLE */

    function test_blocking_any_party_or_price_source_of_a_swap_stops_it() external {
        SwapRule memory rule = buyWeth;
        rule.spender = address(0x59E4DE4);
        _adopt(rule);
        pays(1e18);
        address[6] memory parties =
            [rule.target, rule.spender, rule.tokenIn, rule.tokenOut, rule.sourceIn, rule.sourceOut];
        for (uint256 i = 0; i < 6; i++) {
            vm.prank(guardian);
            kernel.blockAddress(parties[i]);
            bytes4 selector = IKernelErrors.AddressIsBlocked.selector;
            swapRefused(rule, 1e6, 0, abi.encodeWithSelector(selector, parties[i]));
            _deployKernel();
        }
    }

    function test_a_revoked_swap_stops() external {
        pays(1e18);
        bytes32 leaf = swapLeaf(buyWeth);
        vm.prank(safe);
        kernel.revoke(leaf);
        swapRefused(buyWeth, 2000e6, 0, abi.encodeWithSelector(IKernelErrors.RuleIsRevoked.selector, leaf));
    }

    function _slippage(uint256 loss, uint256 allowed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.SlippageTooHigh.selector, loss, allowed);
    }
}
