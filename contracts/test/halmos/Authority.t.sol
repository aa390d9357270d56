// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelRun} from "../../src/interfaces/IKernel.sol";
import {Kind, Leg, OrderRule, PayRule} from "../../src/interfaces/KernelTypes.sol";
import {svm} from "./AnySafe.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @title Who may change what, through any function with any calldata, from any state
contract AuthorityProof is ProofFixture {
    function check_a_stranger_changes_nothing(address caller) external {
        vm.assume(caller != address(safe) && caller != agent && !kernel.isGuardian(caller));
        uint256 before = svm.snapshotStorage(address(kernel));
        _send(caller);
        assert(svm.snapshotStorage(address(kernel)) == before);
    }

    /// @dev What moves money is below.
    function check_the_agent_changes_no_authority(address anybody) external {
        bytes32 before = _authority(anybody);
        _sendNoLegs(agent);
        assert(_authority(anybody) == before);
    }

    function check_while_paused_the_agent_changes_nothing() external {
        vm.assume(kernel.paused());
        uint256 before = svm.snapshotStorage(address(kernel));
        _send(agent);
        assert(svm.snapshotStorage(address(kernel)) == before);
    }

    function check_a_burned_key_stays_burned(address key, address caller) external {
        vm.assume(kernel.burned(key));
        _sendNoLegs(caller);
        assert(kernel.burned(key) && kernel.agent() != key);
    }

    function check_nobody_but_the_safe_and_guardians_ends_a_pause(address caller) external {
        vm.assume(kernel.paused() && caller != address(safe) && !kernel.isGuardian(caller));
        _send(caller);
        assert(kernel.paused());
    }

    /// @dev A leg of a payment or an order. What swaps and acts add to it, `KernelVenues`, writes nothing but buckets.
    function check_a_run_changes_no_authority(address anybody, uint96 amount, bool isOrder) external {
        vm.assume(anybody != agent);
        bytes32 before = _authority(anybody);
        bool wasBurned = kernel.burned(anybody);
        Leg[] memory legs = new Leg[](1);
        (legs[0].kind, legs[0].amount) = (isOrder ? Kind.Order : Kind.Pay, amount);
        legs[0].rule = isOrder ? abi.encode(_order(amount)) : abi.encode(_payment(amount));
        vm.prank(agent);
        (bool success,) = address(kernel).call(abi.encodeCall(IKernelRun.run, (legs, bytes32(0))));
        success;
        assert(_authority(anybody) == before && kernel.burned(anybody) == wasBurned);
    }

    function _payment(uint96 amount) private returns (PayRule memory) {
        return PayRule(address(safe), svm.createAddress("payee"), amount, 0, 0);
    }

    function _order(uint96 amount) private returns (OrderRule memory rule) {
        (rule.token, rule.recipient, rule.amount) = (address(safe), svm.createAddress("payee"), amount);
        rule.cooldown = uint32(svm.createUint(32, "cooldown"));
    }
}
