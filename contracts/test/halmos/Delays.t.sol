// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Kind, Leg, PayRule} from "../../src/interfaces/KernelTypes.sol";
import {svm} from "./AnySafe.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @title Announced runs, from any state: a delay is waited for, an announcement is good for one run, a veto ends it
/// @dev A run of one payment. Its delay is read by where it stands in a rule, which is the same place in all kinds.
contract DelaysProof is ProofFixture {
    function check_nothing_delayed_runs_without_a_ripe_announcement_which_it_uses_up(uint96 amount, uint32 delay)
        external
    {
        vm.assume(delay != 0);
        Leg[] memory legs = _legs(amount, delay);
        bytes32 id = _id(legs);
        uint256 readyAt = kernel.runReadyAt(id);
        vm.prank(agent);
        try kernel.run(legs, 0) {
            assert(readyAt != 0 && readyAt <= block.timestamp && kernel.runReadyAt(id) == 0);
        } catch {}
    }

    function check_only_the_live_agent_announces_and_then_the_delay_begins(address caller, uint96 amount, uint32 delay)
        external
    {
        Leg[] memory legs = _legs(amount, delay);
        (bytes32 id, bool wasPaused) = (_id(legs), kernel.paused());
        vm.prank(caller);
        try kernel.announceRun(legs, 0) {
            assert(caller == agent && !wasPaused && delay != 0);
            assert(kernel.runReadyAt(id) == block.timestamp + delay);
        } catch {}
    }

    function check_announcing_changes_no_authority(address anybody, uint96 amount, uint32 delay) external {
        vm.assume(anybody != agent);
        bytes32 before = _authority(anybody);
        bool wasBurned = kernel.burned(anybody);
        vm.prank(agent);
        try kernel.announceRun(_legs(amount, delay), 0) {} catch {}
        assert(_authority(anybody) == before && kernel.burned(anybody) == wasBurned);
    }

    function check_a_guardian_s_veto_and_nobody_else_s_ends_an_announcement(bytes32 id, address caller) external {
        bool isGuardian = kernel.isGuardian(caller);
        vm.prank(caller);
        try kernel.vetoRun(id) {
            assert(isGuardian && kernel.runReadyAt(id) == 0);
        } catch {}
    }

    /// @dev The Safe is the token too: it answers anything.
    function _legs(uint96 amount, uint32 delay) private returns (Leg[] memory legs) {
        PayRule memory rule = PayRule(address(safe), svm.createAddress("payee"), type(uint96).max, 0, delay);
        legs = new Leg[](1);
        (legs[0].kind, legs[0].amount, legs[0].rule) = (Kind.Pay, amount, abi.encode(rule));
    }

    function _id(Leg[] memory legs) private view returns (bytes32) {
        return keccak256(abi.encode(kernel.epoch(), kernel.version(), legs));
    }
}
