// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Pending} from "../../src/interfaces/KernelTypes.sol";
import {IKernelBreaker} from "../../src/interfaces/IKernel.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @title A re-key burns the old key, and no loosening goes round its delay
contract RekeyProof is ProofFixture {
    function check_a_rekey_burns_the_old_key_and_begins_an_epoch(address newAgent, address caller) external {
        uint32 epoch = kernel.epoch();
        vm.assume(epoch != type(uint32).max);
        vm.prank(caller);
        kernel.rekey(newAgent, 0, new address[](0));
        assert(kernel.burned(agent) && kernel.agent() == newAgent && newAgent != agent);
        assert(kernel.epoch() == epoch + 1 && !kernel.paused());
        assert(!kernel.burned(newAgent) && !kernel.isGuardian(newAgent));
    }

    function check_no_rekey_without_a_ripe_announcement(address newAgent, address caller) external {
        bytes memory call = abi.encodeCall(IKernelBreaker.rekey, (newAgent, bytes32(0), new address[](0)));
        Pending memory found = kernel.pending(keccak256(call));
        vm.prank(caller);
        (bool success,) = address(kernel).call(call);
        assert(!success || (found.readyAt <= block.timestamp && block.timestamp <= found.expiresAt));
        assert(!success || (caller == address(safe) || kernel.isGuardian(caller)));
    }
}
