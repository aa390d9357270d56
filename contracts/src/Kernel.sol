// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelDelays} from "./KernelDelays.sol";
import {KernelState} from "./KernelState.sol";
import {IKernelRun} from "./interfaces/IKernel.sol";
import {Birth, BucketSetting, Kind, Leg, OrderRule} from "./interfaces/KernelTypes.sol";

/// @title Kernel: the Safe module through which an agent may move a treasury's money, within a policy, until stopped
/// @notice UNAUDITED. With the agent's key stolen the treasury loses at most what the buckets and standing orders say, to
/// allowlisted recipients only, and nothing after a pause. contracts/README.md holds the threat model and each error.
/// @dev One Kernel for one Safe, 1.4.1 or 1.5.0. Authority is msg.sender only. Needs Cancun (transient storage).
// slither-disable-next-line missing-inheritance (IKernel is all of its parts together)
contract Kernel is KernelDelays, IKernelRun {
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
    // Behind the transient lock, which slither does not see.
    // slither-disable-next-line reentrancy-no-eth,reentrancy-benign,reentrancy-events
    function run(Leg[] calldata legs, bytes32 ledgerLeaf) external locked {
        if (msg.sender != _state.agent) return _runExits(legs);
        _enter(ledgerLeaf);
        if (legs.length == 0) revert EmptyRun();
        bytes32 policyRoot = root;
        (bool isOver, bool isAnnounced) = (false, false);
        for (uint256 i = 0; i < legs.length; i++) {
            Leg calldata leg = legs[i];
            // A payee of an earlier leg may have paused: it is not behind the lock.
            bool isScreened = _checkLive();
            (Kind kind, bytes calldata rule) = (leg.kind, leg.rule);
            bytes32 leaf = _listedLeaf(kind, rule, leg.proof, policyRoot);
            uint256 delay = _delayOf(rule);
            if (delay != 0 && !isAnnounced) {
                _takeRun(legs, leaf, delay);
                isAnnounced = true;
            }
            if (_runLeg(leaf, kind, rule, leg, ledgerLeaf, isScreened)) isOver = true;
        }
        // Not at the leg that did it: it would undo that very leg, and the bucket would never be found over its soft limit.
        if (isOver) _pause(LOSS_KEY);
    }

    /// @dev `rule` is the leg's: read once, since every look into calldata is paid for.
    /// @return isOver Whether the leg lifted the loss bucket over its soft limit.
    function _runLeg(
        bytes32 leaf,
        Kind kind,
        bytes calldata rule,
        Leg calldata leg,
        bytes32 ledgerLeaf,
        bool isScreened
    ) private returns (bool isOver) {
        if (kind == Kind.Pay) {
            _runPayment(leaf, rule, leg.amount, ledgerLeaf, isScreened);
        } else if (kind == Kind.Order) {
            _payOrder(leaf, abi.decode(rule, (OrderRule)), leg.amount, ledgerLeaf, isScreened);
        } else if (kind == Kind.Swap) {
            isOver = _swap(leaf, rule, leg, ledgerLeaf, isScreened);
        } else if (kind == Kind.Act) {
            _act(leaf, rule, leg, ledgerLeaf, isScreened);
        } else {
            revert KindNotAllowed(kind);
        }
    }

    /// @dev A PayRule but for its delay: whoever runs the leg has read that.
    function _runPayment(bytes32 leaf, bytes calldata rule, uint256 amount, bytes32 ledgerLeaf, bool isScreened)
        private
    {
        (address token, address recipient, uint96 maximum, uint32 class) =
            abi.decode(rule, (address, address, uint96, uint32));
        _checkAmount(amount, maximum);
        _pay(leaf, token, recipient, class, amount, ledgerLeaf, isScreened);
    }

    /// @dev No gate and no count: whoever saves the treasury waits for no log. The buckets of their class bound exits.
    function _runExits(Leg[] calldata legs) private {
        if (!isGuardian(msg.sender)) revert NotAgent(msg.sender);
        if (!_state.paused) revert KernelLive();
        if (legs.length == 0) revert EmptyRun();
        bytes32 policyRoot = root;
        for (uint256 i = 0; i < legs.length; i++) {
            Leg calldata leg = legs[i];
            if (leg.kind != Kind.Exit) revert KindNotAllowed(leg.kind);
            bytes32 leaf = _listedLeaf(Kind.Exit, leg.rule, leg.proof, policyRoot);
            uint256 delay = _delayOf(leg.rule);
            // Nobody announces in a pause.
            if (delay != 0) revert RuleDelayed(leaf, delay);
            _exit(leaf, leg.rule, leg, _state.screened);
        }
    }

    function _openBucket(BucketSetting memory setting) private {
        bool isNamedTwice = _bucketAt(bucketKey(setting.token, setting.class)).capacity != 0;
        if (isNamedTwice || setting.level > setting.capacity) revert BadBucket(setting.token, setting.class);
        _setBucket(setting, setting.level);
    }
}
