// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAuditRegistry} from "./interfaces/IAuditRegistry.sol";
import {IKernelState} from "./interfaces/IKernel.sol";
import {EntryHead} from "./libraries/EntryHead.sol";
import {MerkleLog} from "./libraries/MerkleLog.sol";

// Gates are packed with times, so slither takes counts for times: remainders choose places in a ring, and zeros are exact.
// slither-disable-start weak-prng,incorrect-equality

/// @title AuditRegistry: one for all Kernels of a chain; nobody owns it
/// @notice UNAUDITED. What it proves: the log that is anchored only ever grew, and commits to all but the last few actions.
/// What it cannot: whether what an entry says is true, and whether a bound ledger leaf is in the log. A bound leaf that is
/// not shows off chain, where `Bound` events are compared with the log.
/// @dev Authority is msg.sender only: a Kernel binds for itself, its Safe configures, the anchorer anchors. Asking a Kernel
/// for its Safe before anything is stored is the only call out.
contract AuditRegistry is IAuditRegistry {
    /// @dev One word of storage: all that `bind` reads and writes beside the accumulators. `maxActions` zero: not open.
    /// `since` is the oldest uncovered action's time, or before it. `marked` is a later action, next in line for `since`;
    /// zero for none.
    struct Gate {
        uint16 maxActions;
        uint32 maxSeconds;
        uint48 bound;
        uint48 covered;
        uint32 since;
        uint48 marked;
        uint32 markedAt;
    }

    struct Head {
        address anchorer;
        uint64 size;
        bytes32 root;
    }

    uint256 private constant MOST_ACTIONS = 256;

    /// @dev Where in its word a gate's fields begin, in bits: in their order, `maxActions` lowest.
    uint256 private constant MAX_SECONDS_AT = 16;
    uint256 private constant BOUND_AT = 48;
    uint256 private constant COVERED_AT = 96;
    uint256 private constant SINCE_AT = 144;
    uint256 private constant MARKED_AT = 176;
    uint256 private constant MARKED_TIME_AT = 224;

    /// @dev Packed: written as structs, gates would be stored field by field.
    mapping(address kernel => uint256) private _gates;
    mapping(address kernel => Head) private _heads;
    /// @dev The accumulator after action n is at n % maxActions, until n + maxActions is bound.
    mapping(address kernel => bytes32[MOST_ACTIONS]) private _accumulators;

    /* THE SAFE'S FUNCTIONS */

    /// @inheritdoc IAuditRegistry
    function open(
        address kernel,
        bytes32 genesis,
        address anchorer,
        uint32 maxActions,
        uint32 maxSeconds,
        uint64 size,
        bytes32 root
    ) external {
        _checkConfiguration(kernel, anchorer);
        if (_gates[kernel] != 0) revert AlreadyOpen(kernel);
        if (maxActions == 0 || maxActions > MOST_ACTIONS || maxSeconds == 0) revert BadLimits(maxActions, maxSeconds);
        if (size == 0 && root != MerkleLog.EMPTY_ROOT) revert NotConsistent(size, root);
        // The cast is safe: at most 256.
        _gates[kernel] = _packed(Gate(uint16(maxActions), maxSeconds, 0, 0, 0, 0, 0));
        _heads[kernel] = Head(anchorer, size, root);
        _accumulators[kernel][0] = genesis;
        emit Opened(kernel, genesis, anchorer, maxActions, maxSeconds, size, root);
    }

    /// @inheritdoc IAuditRegistry
    function setAnchorer(address kernel, address anchorer) external {
        _checkConfiguration(kernel, anchorer);
        if (_gates[kernel] == 0) revert NotOpen(kernel);
        _heads[kernel].anchorer = anchorer;
        emit AnchorerChanged(kernel, anchorer);
    }

    /// @dev The agent's key must not also say that the agent's actions are in the log. A later re-key is not seen here.
    function _checkConfiguration(address kernel, address anchorer) private view {
        bool isSafe = kernel.code.length != 0 && IKernelState(kernel).safe() == msg.sender;
        if (!isSafe) revert NotSafeOf(kernel, msg.sender);
        if (anchorer == IKernelState(kernel).agent()) revert NotAnchorer(anchorer);
    }

    /* THE KERNEL'S GATE */

    /// @inheritdoc IAuditRegistry
    function bind(bytes32 ledgerLeaf, bytes32 action) external {
        uint256 gate = _gates[msg.sender];
        (uint256 maxActions, uint256 bound) = (uint16(gate), uint48(gate >> BOUND_AT));
        if (maxActions == 0) revert NotOpen(msg.sender);
        _gates[msg.sender] = _counted(gate, maxActions, bound);
        bytes32[MOST_ACTIONS] storage ring = _accumulators[msg.sender];
        bytes32 next = keccak256(abi.encode(ring[bound % maxActions], ledgerLeaf, action));
        // Safe, here and below: numbers of 48 bits are never used up.
        unchecked {
            ring[(bound + 1) % maxActions] = next;
            emit Bound(msg.sender, ledgerLeaf, action, next, uint64(bound + 1));
        }
    }

    /// @dev The gate after one action more, which must not be behind. To keep every action's time would cost each of them
    /// one slot more; two are kept instead, of the oldest and of the next bound after `since` was last set. Bit by bit, as
    /// every action pays for it. The casts of times are safe until 2106, as in the Kernel.
    function _counted(uint256 gate, uint256 maxActions, uint256 bound) private view returns (uint256) {
        unchecked {
            uint256 waiting = bound - uint48(gate >> COVERED_AT);
            uint256 since = uint32(gate >> SINCE_AT);
            bool isLate = waiting != 0 && block.timestamp - since >= uint32(gate >> MAX_SECONDS_AT);
            if (isLate || waiting >= maxActions) revert LogBehind(waiting, since);
            uint256 time = uint32(block.timestamp);
            if (waiting == 0) {
                gate = gate ^ (since ^ time) << SINCE_AT;
            } else if (uint48(gate >> MARKED_AT) == 0) {
                gate = uint256(uint176(gate)) | bound + 1 << MARKED_AT | time << MARKED_TIME_AT;
            }
            return gate + (1 << BOUND_AT);
        }
    }

    /* ANCHORS */

    /// @inheritdoc IAuditRegistry
    function anchor(
        address kernel,
        uint64 size,
        bytes32 root,
        bytes32[] calldata consistency,
        Coverage calldata coverage
    ) external {
        Gate memory gate = _unpacked(_gates[kernel]);
        Head storage head = _heads[kernel];
        if (gate.maxActions == 0) revert NotOpen(kernel);
        if (msg.sender != head.anchorer) revert NotAnchorer(msg.sender);
        _checkExtends(head, size, root, consistency);
        if (coverage.entry.length != 0) {
            _cover(gate, _numberOf(kernel, gate, _bindingIn(size, root, coverage)));
            _gates[kernel] = _packed(gate);
        }
        head.size = size;
        head.root = root;
        emit Anchored(kernel, size, root, gate.covered);
    }

    function _checkExtends(Head storage head, uint64 size, bytes32 root, bytes32[] calldata consistency) private view {
        uint64 anchored = head.size;
        if (size < anchored) revert SizeShrinks(size, anchored);
        if (!MerkleLog.extends(head.root, anchored, root, size, consistency)) revert NotConsistent(size, root);
    }

    /// @dev The binding of an entry that is in the tree (size, root).
    function _bindingIn(uint64 size, bytes32 root, Coverage calldata coverage) private pure returns (bytes32) {
        bytes32 leaf = MerkleLog.leafHash(coverage.entry);
        bool isIncluded = MerkleLog.includes(root, size, coverage.index, leaf, coverage.inclusion);
        if (!isIncluded) revert NotIncluded(coverage.index);
        (bool isEntry, bytes32 binding) = EntryHead.binding(coverage.entry);
        if (!isEntry) revert NotAnAccumulator(0);
        return binding;
    }

    /// @dev An accumulator at or before the covered one is true and changes nothing.
    function _cover(Gate memory gate, uint256 number) private pure {
        if (number <= gate.covered) return;
        // Now number + 1 is the oldest, timed as the marked action if that is it or came before it. Otherwise the old time
        // stands: the clock is never late, and early only where actions overtook an anchor.
        if (gate.marked != 0 && gate.marked <= number + 1) (gate.since, gate.marked) = (gate.markedAt, 0);
        // The cast is safe: at most `bound`.
        gate.covered = uint48(number);
    }

    /// @dev Newest first: an anchor is rarely overtaken by more than an action or two.
    function _numberOf(address kernel, Gate memory gate, bytes32 binding) private view returns (uint256) {
        bytes32[MOST_ACTIONS] storage ring = _accumulators[kernel];
        (uint256 bound, uint256 maxActions) = (gate.bound, gate.maxActions);
        for (uint256 age = 0; age < maxActions && age <= bound; age++) {
            if (ring[(bound - age) % maxActions] == binding) return bound - age;
        }
        revert NotAnAccumulator(binding);
    }

    /* A GATE'S WORD */

    function _packed(Gate memory gate) private pure returns (uint256) {
        uint256 limits = uint256(gate.maxActions) | uint256(gate.maxSeconds) << MAX_SECONDS_AT;
        uint256 counts = uint256(gate.bound) << BOUND_AT | uint256(gate.covered) << COVERED_AT;
        uint256 marked = uint256(gate.marked) << MARKED_AT | uint256(gate.markedAt) << MARKED_TIME_AT;
        return limits | counts | uint256(gate.since) << SINCE_AT | marked;
    }

    function _unpacked(uint256 word) private pure returns (Gate memory gate) {
        (gate.maxActions, gate.maxSeconds) = (uint16(word), uint32(word >> MAX_SECONDS_AT));
        (gate.bound, gate.covered) = (uint48(word >> BOUND_AT), uint48(word >> COVERED_AT));
        (gate.since, gate.marked) = (uint32(word >> SINCE_AT), uint48(word >> MARKED_AT));
        gate.markedAt = uint32(word >> MARKED_TIME_AT);
    }

    /* VIEWS */

    /// @inheritdoc IAuditRegistry
    function log(address kernel) external view returns (Log memory) {
        Gate memory gate = _unpacked(_gates[kernel]);
        Head memory head = _heads[kernel];
        bytes32 newest = gate.maxActions == 0 ? bytes32(0) : _accumulators[kernel][gate.bound % gate.maxActions];
        return Log({
            anchorer: head.anchorer,
            maxActions: gate.maxActions,
            maxSeconds: gate.maxSeconds,
            size: head.size,
            bound: gate.bound,
            covered: gate.covered,
            root: head.root,
            accumulator: newest
        });
    }

    /// @inheritdoc IAuditRegistry
    function accumulator(address kernel, uint64 number) external view returns (bytes32) {
        Gate memory gate = _unpacked(_gates[kernel]);
        bool isRemembered = number <= gate.bound && gate.bound - number < gate.maxActions;
        return isRemembered ? _accumulators[kernel][number % gate.maxActions] : bytes32(0);
    }
}
// slither-disable-end weak-prng,incorrect-equality
