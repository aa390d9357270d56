// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Fixture} from "./Fixture.sol";
import {IKernelBreaker, IKernelConfig} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {BucketSetting} from "../src/interfaces/KernelTypes.sol";

/// @notice What was announced for an earlier state of the Kernel dies with it: no single guardian brings it back.
contract KernelSupersededTest is Fixture {
    address private constant FIRST = address(0x1111);
    address private constant SECOND = address(0x2222);

    function test_a_superseded_rekey_is_void_once_another_is_made() public {
        vm.prank(guardian);
        kernel.pause();
        bytes memory leaked = rekeyTo(FIRST);
        announce(leaked);
        announce(rekeyTo(SECOND));
        wait_(REKEY_DELAY);
        make(owners[0], rekeyTo(SECOND));
        makeRefused(guardian, leaked, notAnnounced(leaked));
        assertEq(kernel.agent(), SECOND, "agent");
    }

    function test_a_policy_announced_before_a_rekey_is_void_after_it() public {
        bytes memory policy = policyOf(CAPACITY);
        announce(policy);
        announce(rekeyTo(FIRST));
        wait_(CONFIG_DELAY + REKEY_DELAY);
        make(owners[0], rekeyTo(FIRST));
        makeRefused(guardian, policy, notAnnounced(policy));
    }

    function test_revoking_a_rule_voids_what_was_announced_before() public {
        bytes memory policy = policyOf(CAPACITY);
        announce(policy);
        wait_(CONFIG_DELAY);
        vm.prank(safe);
        kernel.revoke(payLeaf(payBob));
        makeRefused(guardian, policy, notAnnounced(policy));
    }

    function test_lowering_a_bucket_voids_what_was_announced_before() public {
        bytes memory policy = policyOf(CAPACITY);
        announce(policy);
        wait_(CONFIG_DELAY);
        vm.prank(safe);
        kernel.lowerBucket(BucketSetting(address(usdc), 0, 1, 0, DRAIN));
        makeRefused(guardian, policy, notAnnounced(policy));
    }

    function rekeyTo(address agent) private pure returns (bytes memory) {
        return abi.encodeCall(IKernelBreaker.rekey, (agent, bytes32(0), new address[](0)));
    }

    function policyOf(uint96 capacity) private view returns (bytes memory) {
        BucketSetting[] memory buckets = new BucketSetting[](1);
        buckets[0] = BucketSetting(address(usdc), 0, capacity, 0, DRAIN);
        return abi.encodeCall(IKernelConfig.setPolicy, (kernel.root(), keccak256("another document"), buckets));
    }

    function notAnnounced(bytes memory call) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.NotAnnounced.selector, keccak256(call));
    }
}
