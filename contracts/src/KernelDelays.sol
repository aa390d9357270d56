// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelActs} from "./KernelActs.sol";
import {IKernelAnnouncedRuns} from "./interfaces/IKernel.sol";
import {Kind, Leg} from "./interfaces/KernelTypes.sol";
import {RuleLeaf} from "./libraries/RuleLeaf.sol";

/// @title Time locks on rules: what carries a delay is shown first, whole, and stopped by whoever objects
/// @dev Announced and run by the same bytes. Nothing is reserved meanwhile: whatever bounds a leg is asked when it runs.
abstract contract KernelDelays is KernelActs, IKernelAnnouncedRuns {
    /// @dev `voids`: how often everything announced had been voided before.
    struct Announced {
        uint40 readyAt;
        uint40 expiresAt;
        uint32 voids;
    }

    mapping(bytes32 id => Announced) private _announced;

    /// @inheritdoc IKernelAnnouncedRuns
    // slither-disable-next-line reentrancy-benign,reentrancy-events (behind the lock; only the registry is called)
    function announceRun(Leg[] calldata legs, bytes32 ledgerLeaf) external locked returns (bytes32 id) {
        _enter(ledgerLeaf);
        id = _runId(legs);
        if (runReadyAt(id) != 0) revert AlreadyAnnounced(id);
        uint256 delay = _longestDelay(legs);
        // Without a delay it needs no announcement, and no veto would stop it.
        if (delay == 0 || delay > type(uint32).max) revert BadDelay(delay, 1, type(uint32).max);
        // The casts are safe: three numbers of 32 bits.
        uint40 readyAt = uint40(block.timestamp + delay);
        uint40 expiresAt = readyAt + window;
        _announced[id] = Announced(readyAt, expiresAt, _counters.pauses);
        emit RunAnnounced(id, _state.epoch, _state.version, legs, readyAt, expiresAt, ledgerLeaf);
    }

    /// @inheritdoc IKernelAnnouncedRuns
    function vetoRun(bytes32 id) external onlyGuardian locked {
        // slither-disable-next-line incorrect-equality (zero: never announced)
        if (runReadyAt(id) == 0) revert NotAnnounced(id);
        delete _announced[id];
        emit RunVetoed(id, msg.sender);
    }

    /// @inheritdoc IKernelAnnouncedRuns
    function runReadyAt(bytes32 id) public view returns (uint256) {
        Announced memory found = _announced[id];
        return _isInForce(found.expiresAt, found.voids) ? found.readyAt : 0;
    }

    /// @dev Legs that could never run are refused now: who reads an announcement need not know which they are.
    function _longestDelay(Leg[] calldata legs) private view returns (uint256 longest) {
        bytes32 policyRoot = root;
        for (uint256 i = 0; i < legs.length; i++) {
            Leg calldata leg = legs[i];
            if (leg.kind == Kind.Exit) revert KindNotAllowed(leg.kind);
            _listedLeaf(leg.kind, leg.rule, leg.proof, policyRoot);
            uint256 delay = _delayOf(leg.rule);
            if (delay > longest) longest = delay;
        }
    }

    /// @dev One announcement covers all legs of a run, once. The first delayed one, `leaf`, asks for it.
    function _takeRun(Leg[] calldata legs, bytes32 leaf, uint256 delay) internal {
        bytes32 id = _runId(legs);
        uint256 readyAt = runReadyAt(id);
        // slither-disable-next-line incorrect-equality (zero: never announced)
        if (readyAt == 0) revert RuleDelayed(leaf, delay);
        if (block.timestamp < readyAt) revert NotReady(id, readyAt);
        // slither-disable-next-line costly-loop (once a run: the legs after it need no announcement)
        delete _announced[id];
    }

    function _runId(Leg[] calldata legs) private view returns (bytes32) {
        return keccak256(abi.encode(_state.epoch, _state.version, legs));
    }

    function _listedLeaf(Kind kind, bytes calldata rule, bytes32[] calldata proof, bytes32 policyRoot)
        internal
        pure
        returns (bytes32 leaf)
    {
        leaf = RuleLeaf.hash(kind, rule);
        _checkInPolicy(leaf, proof, policyRoot);
    }

    /// @dev The last word of every kind of rule. Bytes behind a rule could only be there by the Safe's own policy.
    function _delayOf(bytes calldata rule) internal pure returns (uint256) {
        // Safe: a rule too short wraps to a slice that there is not.
        unchecked {
            return abi.decode(rule[rule.length - 32:], (uint256));
        }
    }
}
