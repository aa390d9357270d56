// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker, IKernelConfig, IKernelPay, IKernelRun} from "../src/interfaces/IKernel.sol";
import {BucketSetting} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";

/// @title Whoever is not the Safe, a guardian or the agent changes nothing; and the agent changes no authority
contract KernelStrangerTest is Fixture {
    function testFuzz_a_stranger_changes_nothing(address caller, uint8 which, bytes calldata arguments) external {
        vm.assume(caller != safe && caller != agent && !kernel.isGuardian(caller));
        bytes32 before = _everything();
        vm.prank(caller);
        (bool success,) = address(kernel).call(bytes.concat(_entry(which), arguments));
        assertTrue(!success, "refused");
        assertEq(_everything(), before, "state");
    }

    function testFuzz_a_stranger_with_good_arguments_changes_nothing(address caller) external {
        vm.assume(caller != safe && caller != agent && !kernel.isGuardian(caller));
        bytes32 before = _everything();
        bytes[] memory calls = _goodCalls();
        for (uint256 i = 0; i < calls.length; i++) {
            vm.prank(caller);
            (bool success,) = address(kernel).call(calls[i]);
            assertTrue(!success, "refused");
        }
        assertEq(_everything(), before, "state");
    }

    /// @dev Even with everything announced and ready; pausing is the one thing it may do besides paying.
    function test_the_agent_changes_no_authority() external {
        bytes[] memory calls = _goodCalls();
        announce(calls[5]);
        announce(calls[6]);
        wait_(CONFIG_DELAY);
        bytes32 before = _authority();
        for (uint256 i = 2; i < calls.length; i++) {
            vm.prank(agent);
            (bool success,) = address(kernel).call(calls[i]);
            assertTrue(!success, "refused");
        }
        assertEq(_authority(), before, "authority");
    }

    function _goodCalls() private view returns (bytes[] memory calls) {
        calls = new bytes[](12);
        calls[0] = abi.encodeCall(IKernelPay.pay, (payAlice, 1, proofOf(payLeaf(payAlice)), ENTRY));
        calls[1] = abi.encodeCall(IKernelRun.run, (one(orderLeg(salary)), ENTRY));
        calls[2] = abi.encodeCall(IKernelBreaker.blockAddress, (alice));
        calls[3] = abi.encodeCall(IKernelBreaker.unblockAddress, (alice));
        calls[4] = abi.encodeCall(IKernelConfig.veto, (keccak256(_newPolicy())));
        calls[5] = abi.encodeCall(IKernelBreaker.rekey, (stranger, bytes32(0), new address[](0)));
        calls[6] = _newPolicy();
        calls[7] = abi.encodeCall(IKernelConfig.announce, (_newPolicy()));
        calls[8] = abi.encodeCall(IKernelConfig.addGuardian, (stranger));
        calls[9] = abi.encodeCall(IKernelConfig.removeGuardian, (guardian));
        calls[10] = abi.encodeCall(IKernelConfig.lowerBucket, (BucketSetting(address(usdc), 0, 0, 0, 0)));
        calls[11] = abi.encodeCall(IKernelConfig.revoke, (leaves[0]));
    }

    function _newPolicy() private pure returns (bytes memory) {
        return abi.encodeCall(IKernelConfig.setPolicy, (keccak256("evil"), bytes32(0), new BucketSetting[](0)));
    }

    function _entry(uint8 which) private pure returns (bytes4) {
        bytes4[12] memory entries = [
            IKernelPay.pay.selector,
            IKernelRun.run.selector,
            IKernelBreaker.pause.selector,
            IKernelBreaker.blockAddress.selector,
            IKernelBreaker.unblockAddress.selector,
            IKernelBreaker.rekey.selector,
            IKernelConfig.setPolicy.selector,
            IKernelConfig.announce.selector,
            IKernelConfig.cancel.selector,
            IKernelConfig.veto.selector,
            IKernelConfig.addGuardian.selector,
            IKernelConfig.removeGuardian.selector
        ];
        return entries[which % 12];
    }

    function _everything() private view returns (bytes32) {
        bytes32 bucket = keccak256(abi.encode(kernel.bucket(usdcKey()), kernel.bucket(kernel.bucketKey(address(1), 0))));
        return keccak256(abi.encode(_authority(), bucket, usdc.balanceOf(safe), kernel.paused(), kernel.blocked(alice)));
    }

    function _authority() private view returns (bytes32) {
        bool people = kernel.isGuardian(guardian) && !kernel.isGuardian(stranger) && !kernel.burned(agent);
        return keccak256(
            abi.encode(kernel.agent(), kernel.epoch(), kernel.version(), kernel.root(), kernel.documentHash(), people)
        );
    }
}
