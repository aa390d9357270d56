// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelPaid, IKernelState} from "./interfaces/IKernel.sol";
import {ISafe} from "./interfaces/ISafe.sol";
import {Bucket, BucketSetting, Pending} from "./interfaces/KernelTypes.sol";
import {LeakyBucket} from "./libraries/LeakyBucket.sol";

/// @title The Kernel's storage, who may call it, and its buckets
abstract contract KernelState is IKernelState, IKernelPaid {
    using LeakyBucket for Bucket;

    /// @dev One slot: everything a payment reads before it looks at its rule. `screened` is set by the first block or
    /// revocation; until then no leg needs to look either of them up.
    struct State {
        address agent;
        uint32 epoch;
        uint32 version;
        bool paused;
        bool screened;
    }

    /// @dev A bucket as one word. A struct, so that a charge finds its place once.
    struct Slot {
        uint256 packed;
    }

    /// @dev Counts of announcements and of pauses.
    struct Counters {
        uint32 serial;
        uint32 pauses;
    }

    /// @dev Addresses of precompiles: no token can live there.
    address internal constant ACTIONS = address(1);
    address internal constant LOSS = address(2);
    /// @dev Bucket units of one agent call, so that slow drains do not round to nothing.
    uint256 internal constant ONE_ACTION = 1e6;

    uint256 internal constant MIN_DELAY = 1 hours;
    uint256 internal constant MIN_WINDOW = 1 days;
    uint256 internal constant MAX_DELAY = 30 days;

    address public immutable safe;
    address public immutable registry;
    uint32 public immutable configDelay;
    uint32 public immutable rekeyDelay;
    uint32 public immutable window;

    State internal _state;
    bytes32 public root;
    bytes32 public documentHash;
    bytes32 public agentCodeHash;
    Counters internal _counters;
    mapping(bytes32 key => Slot) private _buckets;
    mapping(bytes32 rule => uint256) public lastPaid;
    mapping(address target => bool) public blocked;
    mapping(uint32 version => mapping(bytes32 rule => bool)) internal _revoked;
    mapping(address account => bool) internal _guardians;
    mapping(address key => bool) public burned;
    mapping(bytes32 change => Pending) internal _pending;
    mapping(bytes32 change => uint16) internal _timesVetoed;
    mapping(uint32 serial => mapping(address guardian => bool)) internal _hasVetoed;
    mapping(address token => uint256) public paid;

    /// @dev One while an entry runs. A whole word: a bool would be read again to be written.
    uint256 private transient _busy;

    constructor(address safe_, address registry_, uint32 configDelay_, uint32 rekeyDelay_, uint32 window_) {
        if (safe_.code.length == 0) revert BadSafe(safe_);
        _checkDelay(configDelay_, MIN_DELAY);
        _checkDelay(rekeyDelay_, MIN_DELAY);
        _checkDelay(window_, MIN_WINDOW);
        safe = safe_;
        registry = registry_;
        configDelay = configDelay_;
        rekeyDelay = rekeyDelay_;
        window = window_;
    }

    /// @dev Every entry but `pause`: whatever a token or payee does with the control it is given, it finds the door shut.
    /// A modifier's text stands in each entry: what they share is in functions.
    modifier locked() {
        _lock();
        _;
        _busy = 0;
    }

    modifier onlySafe() {
        _requireSafe();
        _;
    }

    modifier onlyGuardian() {
        _requireGuardian();
        _;
    }

    function _lock() private {
        if (_busy != 0) revert Busy();
        _busy = 1;
    }

    function _requireSafe() private view {
        if (msg.sender != safe) revert NotSafe(msg.sender);
    }

    function _requireGuardian() private view {
        if (!isGuardian(msg.sender)) revert NotGuardian(msg.sender);
    }

    /* VIEWS */

    /// @inheritdoc IKernelState
    function agent() external view returns (address) {
        return _state.agent;
    }

    /// @inheritdoc IKernelState
    function epoch() external view returns (uint32) {
        return _state.epoch;
    }

    /// @inheritdoc IKernelState
    function version() external view returns (uint32) {
        return _state.version;
    }

    /// @inheritdoc IKernelState
    function paused() external view returns (bool) {
        return _state.paused;
    }

    /// @inheritdoc IKernelState
    function isGuardian(address account) public view returns (bool) {
        return _guardians[account] || ISafe(safe).isOwner(account);
    }

    /// @inheritdoc IKernelState
    function revoked(bytes32 rule) public view returns (bool) {
        return _revoked[_state.version][rule];
    }

    /// @inheritdoc IKernelState
    function bucketKey(address token, uint32 class) public pure returns (bytes32) {
        return keccak256(abi.encode(token, class));
    }

    /// @inheritdoc IKernelState
    function bucket(bytes32 key) external view returns (Bucket memory) {
        return _bucketAt(key);
    }

    /// @inheritdoc IKernelState
    function available(bytes32 key) external view returns (uint256) {
        Bucket memory current = _bucketAt(key);
        return current.roomAbove(current.levelAt(block.timestamp));
    }

    /// @inheritdoc IKernelState
    function busy() external view returns (bool) {
        return _busy != 0;
    }

    /// @inheritdoc IKernelState
    function pending(bytes32 change) external view returns (Pending memory found) {
        if (_isPending(change)) found = _pending[change];
    }

    /* BUCKETS */

    function _bucketAt(bytes32 key) internal view returns (Bucket memory) {
        return LeakyBucket.unpacked(_buckets[key].packed);
    }

    /// @return slot The bucket after the charge, as stored.
    function _charge(bytes32 key, uint256 amount) internal returns (uint256 slot) {
        Slot storage stored = _buckets[key];
        uint256 room;
        (slot, room) = LeakyBucket.charged(stored.packed, amount, block.timestamp);
        if (amount > room) revert BucketExceeded(key, amount, room);
        stored.packed = slot;
    }

    /// @dev The level may exceed a capacity that was lowered. Cutting it would forget what was spent, and lowering and
    /// raising again would hand it out a second time.
    function _setBucket(BucketSetting memory setting, uint256 level) internal {
        // A bucket that never drains would be a lifetime cap, one that drains in no time none at all.
        if ((setting.capacity == 0) != (setting.drain == 0)) revert BadBucket(setting.token, setting.class);
        Bucket memory made = Bucket(setting.capacity, 0, 0, setting.drain);
        made.fill(level, block.timestamp);
        _buckets[bucketKey(setting.token, setting.class)].packed = made.packed();
        emit BucketSet(setting.token, setting.class, made.capacity, made.level, made.drain);
    }

    /* SHARED CHECKS */

    function _isPending(bytes32 change) internal view returns (bool) {
        Pending storage found = _pending[change];
        return _isInForce(found.expiresAt, found.pauses);
    }

    /// @dev What was never announced expired in 1970.
    function _isInForce(uint256 expiresAt, uint256 pauses) internal view returns (bool) {
        // slither-disable-next-line incorrect-equality (counts)
        return block.timestamp <= expiresAt && pauses == _counters.pauses;
    }

    function _addGuardian(address guardian) internal {
        bool isOther = guardian != address(0) && guardian != address(this) && guardian != safe;
        if (!isOther || guardian == _state.agent || burned[guardian]) revert BadGuardian(guardian);
        _guardians[guardian] = true;
        emit GuardianAdded(guardian);
    }

    function _removeGuardian(address guardian) internal {
        if (!_guardians[guardian]) return;
        _guardians[guardian] = false;
        emit GuardianRemoved(guardian);
    }

    /// @dev The agent is nobody else: a key that is also an owner or guardian could approve or shield what it does.
    function _setAgent(address newAgent, bytes32 codeHash) internal {
        if (newAgent == address(0) || newAgent == safe || isGuardian(newAgent)) revert BadAgent(newAgent);
        if (burned[newAgent]) revert KeyBurned(newAgent);
        if (newAgent.code.length == 0 ? codeHash != 0 : newAgent.codehash != codeHash) revert BadAgent(newAgent);
        _state.agent = newAgent;
        agentCodeHash = codeHash;
    }

    function _checkDelay(uint256 delay, uint256 minimum) private pure {
        if (delay < minimum || delay > MAX_DELAY) revert BadDelay(delay, minimum, MAX_DELAY);
    }
}
