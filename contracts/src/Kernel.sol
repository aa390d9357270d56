// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelState} from "./KernelState.sol";
import {KernelSwaps} from "./KernelSwaps.sol";
import {IKernelRun} from "./interfaces/IKernel.sol";
import {Birth, BucketSetting, Kind, Leg, OrderRule, PayRule, SwapRule} from "./interfaces/KernelTypes.sol";
import {RuleLeaf} from "./libraries/RuleLeaf.sol";

/// @title Kernel: the Safe module through which an agent may move a treasury's money, within a policy, until stopped
/// @notice UNAUDITED. With the agent's key stolen the treasury loses at most what the buckets and standing orders say, to
/// allowlisted recipients only, and nothing after a pause. contracts/README.md holds the threat model and each error.
/// @dev One Kernel for one Safe, 1.4.1 or 1.5.0. Authority is msg.sender only. Needs Cancun (transient storage).
contract Kernel is KernelSwaps, IKernelRun {
    /// @dev The first policy needs no delay: the Safe reads it all before it enables the module.
    constructor(Birth memory birth)
        KernelState(birth.safe, birth.registry, birth.configDelay, birth.rekeyDelay, birth.window)
    {
        for (uint256 i = 0; i < birth.guardians.length; i++) {
            _addGuardian(birth.guardians[i]);
        }
        _setAgent(birth.agent, birth.agentCodeHash);
        for (uint256 i = 0; i < birth.buckets.length; i++) {
            _openBucket(birth.buckets[i]);
        }
        _setPolicy(birth.root, birth.documentHash);
    }

    /// @inheritdoc IKernelRun
    function run(Leg[] calldata legs, bytes32 ledgerLeaf) external locked {
        _enter(ledgerLeaf);
        if (legs.length == 0) revert EmptyRun();
        bytes32 policyRoot = root;
        for (uint256 i = 0; i < legs.length; i++) {
            _runLeg(legs[i], policyRoot, ledgerLeaf);
        }
    }

    function _runLeg(Leg calldata leg, bytes32 policyRoot, bytes32 ledgerLeaf) private {
        // A payee of an earlier leg may have paused: it is not behind the lock.
        if (_state.paused) revert KernelPaused();
        bytes32 leaf = RuleLeaf.hash(leg.kind, leg.rule);
        _checkInPolicy(leaf, leg.proof, policyRoot);
        if (leg.kind == Kind.Pay) _pay(leaf, abi.decode(leg.rule, (PayRule)), leg.amount, ledgerLeaf);
        else if (leg.kind == Kind.Order) _payOrder(leaf, abi.decode(leg.rule, (OrderRule)), leg.amount, ledgerLeaf);
        else if (leg.kind == Kind.Swap) _swap(leaf, abi.decode(leg.rule, (SwapRule)), leg, ledgerLeaf);
        else revert KindNotAllowed(leg.kind);
    }

    function _openBucket(BucketSetting memory setting) private {
        bool isNamedTwice = _bucketAt(bucketKey(setting.token, setting.class)).capacity != 0;
        if (isNamedTwice || setting.level > setting.capacity) revert BadBucket(setting.token, setting.class);
        _setBucket(setting, setting.level);
    }
}
