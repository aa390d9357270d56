// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Anchors the heads of audit logs and stops a Kernel whose log falls behind
/// @notice One log for each Kernel. Trees are RFC 9162 (SHA-256, 0x00 before leaves, 0x01 before nodes). The claim: at most
/// `maxActions` actions or `maxSeconds` seconds of a Kernel's doing can be missing from its log, then the Kernel stops;
/// and a rewritten log cannot be anchored.
/// @dev accumulator_0 = genesis; accumulator_n = keccak256(abi.encode(accumulator_{n-1}, ledgerLeaf, action)). An entry
/// holds an accumulator as the 64 hexadecimal digits of its binding: `<version> <type> <binding>\n<json>`.
interface IAuditRegistry {
    /// @notice A Kernel's log as the chain knows it. `bound` actions so far, `covered` of them proven to be in the tree.
    struct Log {
        address anchorer;
        uint32 maxActions;
        uint32 maxSeconds;
        uint64 size;
        uint64 bound;
        uint64 covered;
        bytes32 root;
        bytes32 accumulator;
    }

    /// @notice An entry of the tree that carries an accumulator: its exact bytes, index and inclusion path, leaf upwards.
    struct Coverage {
        bytes entry;
        uint64 index;
        bytes32[] inclusion;
    }

    event Opened(
        address indexed kernel,
        bytes32 indexed genesis,
        address anchorer,
        uint32 maxActions,
        uint32 maxSeconds,
        uint64 size,
        bytes32 root
    );
    event AnchorerChanged(address indexed kernel, address anchorer);
    event Bound(address indexed kernel, bytes32 indexed ledgerLeaf, bytes32 action, bytes32 accumulator, uint64 number);
    event Anchored(address indexed kernel, uint64 size, bytes32 root, uint64 covered);

    error NotSafeOf(address kernel, address caller);
    error NotAnchorer(address caller);
    error AlreadyOpen(address kernel);
    error NotOpen(address kernel);
    error BadLimits(uint32 maxActions, uint32 maxSeconds);
    /// @notice `waiting` actions are not covered by an anchor, the oldest since `since`: anchor the log first.
    error LogBehind(uint256 waiting, uint256 since);
    error SizeShrinks(uint64 size, uint64 anchored);
    /// @notice The new head is not an extension of the anchored one.
    error NotConsistent(uint64 size, bytes32 root);
    error NotIncluded(uint64 index);
    /// @notice The entry's head is malformed, or its binding is none of the accumulators still remembered.
    error NotAnAccumulator(bytes32 binding);

    /// @notice The Kernel's Safe opens its log, once. `genesis` binds log id, chain id and policy hash.
    /// @param maxActions 1 to 256: also the number of recent accumulators remembered.
    function open(
        address kernel,
        bytes32 genesis,
        address anchorer,
        uint32 maxActions,
        uint32 maxSeconds,
        uint64 size,
        bytes32 root
    ) external;

    /// @notice The Kernel's Safe names another anchoring key (never the agent's).
    function setAnchorer(address kernel, address anchorer) external;

    /// @notice The calling Kernel binds one action: the ledger's leaf and keccak256 of the Kernel's calldata. Reverts with
    /// `LogBehind` once `maxActions` are uncovered or the oldest uncovered one is `maxSeconds` old.
    function bind(bytes32 ledgerLeaf, bytes32 action) external;

    /// @notice The anchorer moves the head to (size, root), which must extend the anchored head, and proves how many
    /// actions the tree covers.
    /// @param consistency RFC 9162 2.1.4 path from the anchored size to `size`.
    function anchor(
        address kernel,
        uint64 size,
        bytes32 root,
        bytes32[] calldata consistency,
        Coverage calldata coverage
    ) external;

    function log(address kernel) external view returns (Log memory);

    /// @notice The accumulator after `number` actions, if still remembered, else zero.
    function accumulator(address kernel, uint64 number) external view returns (bytes32);
}
