// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {Bucket, Leg} from "../src/interfaces/KernelTypes.sol";
import {SwapFixture} from "./SwapFixture.sol";

/// @title The one bucket in dollars: swaps fill it with what they lose; three quarters pause, all of it reverts
/// @dev Selling `MAX_SWAP` for 1.98 ether loses 40 dollars of 90; the soft limit lies at 67.5.
contract KernelLossTest is SwapFixture, IKernelEvents {
    address private newAgent = address(0xA6E28);

    function test_the_swap_that_passes_three_quarters_counts_and_ends_in_a_pause() external {
        _lose(40);
        assertTrue(!kernel.paused(), "40 of 90");
        pays(1.98e18);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit Paused(0, agent, _key());
        swap(buyWeth, MAX_SWAP, 0);
        assertTrue(kernel.paused(), "80 of 90");
        assertEq(left(address(2), 0), LOSS_CAPACITY - 80e8, "both were charged");
        assertEq(weth.balanceOf(safe), 2 * 1.98e18, "and took place");
        swapRefused(buyWeth, 1e6, 0, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
    }

    function test_exactly_three_quarters_are_not_over_it() external {
        _lose(40);
        // 27.5 dollars of 2,750.
        pays(1.36125e18);
        swap(buyWeth, 2750e6, 0);
        assertEq(left(address(2), 0), LOSS_CAPACITY - 67.5e8, "level");
        assertTrue(!kernel.paused(), "live");
        pays(1e18 - 5e6);
        swap(buyWeth, 2000e6, 0);
        assertTrue(kernel.paused(), "one step more");
    }

    function test_the_run_that_does_it_is_run_to_its_end() external {
        _lose(40);
        pays(1.98e18);
        Leg[] memory legs = new Leg[](2);
        (legs[0], legs[1]) = (swapLeg(buyWeth, MAX_SWAP, 0), payLeg(payAlice, 5e6));
        run(legs);
        assertEq(usdc.balanceOf(alice), 5e6, "alice");
        assertTrue(kernel.paused(), "paused");
    }

    function test_what_does_not_fit_at_all_reverts_and_pauses_nothing() external {
        // Three times 33 of 90.
        pays(1.6335e18);
        Leg[] memory legs = new Leg[](3);
        for (uint256 i = 0; i < 3; i++) {
            legs[i] = swapLeg(buyWeth, 3300e6, 0);
        }
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, _key(), 33e8, 24e8));
        assertTrue(!kernel.paused(), "live");
    }

    function test_after_the_re_key_what_is_left_may_be_used_and_the_limit_holds() external {
        _lose(40);
        _lose(40);
        _rekey();
        // 80 less what drained in the delay is still above the soft limit: nothing is lifted over it.
        _lose(2);
        assertTrue(!kernel.paused(), "live");
        uint256 room = left(address(2), 0);
        pays(0.99e18);
        bytes4 exceeded = IKernelErrors.BucketExceeded.selector;
        swapRefused(buyWeth, 2000e6, 0, abi.encodeWithSelector(exceeded, _key(), 20e8, room));
        // Drained below it, the next one that passes it pauses again.
        wait_(4 days);
        _refresh();
        _lose(30);
        assertTrue(kernel.paused(), "again");
    }

    function test_a_swap_that_loses_nothing_leaves_the_bucket_as_it_is() external {
        _lose(40);
        bytes32 before = keccak256(abi.encode(kernel.bucket(_key())));
        wait_(1 hours);
        pays(1e18);
        swap(buyWeth, 2000e6, 0);
        assertEq(keccak256(abi.encode(kernel.bucket(_key()))), before, "bucket");
    }

    function testFuzz_a_pause_comes_exactly_with_the_swap_that_passes_the_soft_limit(uint256 seed) external {
        uint256 soft = LOSS_CAPACITY - LOSS_CAPACITY / 4;
        for (uint256 i = 0; i < 5; i++) {
            uint256 give = bound(uint256(keccak256(abi.encode(seed, i))), 0.99e18, 1e18);
            uint256 loss = lossOf(2000e6, give);
            Bucket memory bucket = kernel.bucket(_key());
            bool isOver = bucket.level + loss > soft;
            pays(give);
            swap(buyWeth, 2000e6, 0);
            assertTrue(kernel.paused() == isOver, "exactly then");
            if (isOver) return;
        }
    }

    /* STEPS */

    /// @dev Sells a hundred times as much and gets one percent less.
    function _lose(uint96 dollars) private {
        uint96 amount = dollars * 100e6;
        pays(uint256(amount) * 1e12 / 2000 * 99 / 100);
        swap(buyWeth, amount, 0);
    }

    function _rekey() private {
        bytes memory call = abi.encodeCall(kernel.rekey, (newAgent, bytes32(0), new address[](0)));
        announce(call);
        wait_(REKEY_DELAY);
        make(safe, call);
        agent = newAgent;
    }

    function _refresh() private {
        usdcFeeds[0].set(1e8);
        usdcFeeds[1].set(0.9999e8);
        etherFeeds[0].set(2000e8);
        etherFeeds[1].set(2002e18);
    }

    function _key() private view returns (bytes32) {
        return kernel.bucketKey(address(2), 0);
    }
}
