// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelConfig} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {Bucket, BucketSetting} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";

/// @title How buckets are set: lowering is instant, raising is announced, and neither hands out anything twice
contract KernelBucketsTest is Fixture, IKernelEvents {
    /* BUCKETS */

    function test_lowering_is_instant_and_keeps_the_level() external {
        pay(payAlice, 1000e6);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit BucketSet(address(usdc), 0, 2000e6, 1000e6, DRAIN);
        _lower(2000e6, DRAIN);
        assertEq(kernel.available(usdcKey()), 1000e6, "left");
    }

    function test_lowering_below_the_level_leaves_nothing_until_it_has_drained() external {
        pay(payAlice, 1000e6);
        _lower(500e6, DRAIN);
        assertEq(kernel.available(usdcKey()), 0, "left");
        wait_(DRAIN);
        assertEq(kernel.available(usdcKey()), 0, "after one drain 500 of the 1,000 are left");
        wait_(DRAIN);
        assertEq(kernel.available(usdcKey()), 500e6, "after two");
    }

    function test_lowering_and_raising_again_hands_out_nothing_twice() external {
        for (uint256 i = 0; i < 5; i++) {
            pay(payAlice, MAX_PAYMENT);
        }
        _lower(1, DRAIN);
        _setBuckets(BucketSetting(address(usdc), 0, CAPACITY, 0, DRAIN));
        assertEq(kernel.available(usdcKey()), 0, "left");
    }

    function test_lowering_to_zero_closes() external {
        _lower(0, 0);
        bytes4 selector = IKernelErrors.BucketExceeded.selector;
        payRefused(payAlice, 1, abi.encodeWithSelector(selector, usdcKey(), 1, 0));
    }

    function test_faster_drains_and_larger_capacities_are_no_lowering() external {
        BucketSetting[3] memory wrong = [
            BucketSetting(address(usdc), 0, CAPACITY + 1, 0, DRAIN * 2),
            BucketSetting(address(usdc), 0, CAPACITY, 0, DRAIN - 1),
            BucketSetting(address(usdc), 9, 1, 0, DRAIN)
        ];
        for (uint256 i = 0; i < wrong.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotLowering.selector, wrong[i].token, wrong[i].class));
            vm.prank(safe);
            kernel.lowerBucket(wrong[i]);
        }
    }

    function test_a_bucket_opened_later_starts_full() external {
        _setBuckets(BucketSetting(address(usdc), 7, 1000e6, 0, DRAIN));
        bytes32 key = kernel.bucketKey(address(usdc), 7);
        assertEq(kernel.available(key), 0, "at once");
        wait_(DRAIN / 2);
        assertEq(kernel.available(key), 500e6, "after half the drain");
    }

    function test_closing_and_opening_a_bucket_hands_out_nothing() external {
        _lower(0, 0);
        _setBuckets(BucketSetting(address(usdc), 0, CAPACITY, 0, DRAIN));
        assertEq(kernel.available(usdcKey()), 0, "at once");
    }

    function test_raising_settles_at_the_old_rate_and_keeps_the_level() external {
        for (uint256 i = 0; i < 5; i++) {
            pay(payAlice, MAX_PAYMENT);
        }
        _setBuckets(BucketSetting(address(usdc), 0, 2 * CAPACITY, 0, DRAIN));
        uint256 leaked = uint256(CAPACITY) * CONFIG_DELAY / DRAIN;
        assertEq(kernel.available(usdcKey()), CAPACITY + leaked, "left");
    }

    function test_buckets_not_named_stay_as_they_are() external {
        pay(payAlice, 1000e6);
        Bucket memory before = kernel.bucket(usdcKey());
        _setBuckets(BucketSetting(address(0), 0, 1, 0, 1));
        assertEq(keccak256(abi.encode(kernel.bucket(usdcKey()))), keccak256(abi.encode(before)), "bucket");
    }

    function test_a_bucket_without_drain_or_with_a_level_cannot_be_set() external {
        BucketSetting[3] memory wrong = [
            BucketSetting(address(usdc), 0, 1, 0, 0),
            BucketSetting(address(usdc), 0, 0, 0, 1),
            BucketSetting(address(usdc), 0, 2, 1, 1)
        ];
        for (uint256 i = 0; i < wrong.length; i++) {
            bytes memory call = _policyWith(wrong[i]);
            announce(call);
            wait_(CONFIG_DELAY);
            makeRefused(safe, call, abi.encodeWithSelector(IKernelErrors.BadBucket.selector, address(usdc), 0));
        }
    }

    /* SHORTHAND */

    function _policyWith(BucketSetting memory setting) private view returns (bytes memory) {
        BucketSetting[] memory settings = new BucketSetting[](1);
        settings[0] = setting;
        return abi.encodeCall(IKernelConfig.setPolicy, (kernel.root(), keccak256("doc 2"), settings));
    }

    function _setBuckets(BucketSetting memory setting) private {
        bytes memory call = _policyWith(setting);
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
    }

    function _lower(uint96 capacity, uint32 drain) private {
        vm.prank(safe);
        kernel.lowerBucket(BucketSetting(address(usdc), 0, capacity, 0, drain));
    }
}
