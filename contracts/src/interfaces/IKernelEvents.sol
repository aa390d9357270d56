// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Leg} from "./KernelTypes.sol";

/// @title What the Kernel tells the world. Frozen: runtimes, guardians and indexers depend on every signature.
/// @dev `rule` is always the leaf of the policy tree, `ledgerLeaf` the agent's entry in the audit log.
interface IKernelEvents {
    /* LEGS */

    /// @notice A payment or a standing order; `amount` left the Safe for `recipient`, before any fee of the token's own.
    event Paid(
        bytes32 indexed rule, address indexed token, address indexed recipient, uint256 amount, bytes32 ledgerLeaf
    );
    /// @notice `spent` and `received` are measured; `lossUsdE8` was charged to the loss bucket.
    event Swapped(
        bytes32 indexed rule,
        address indexed tokenIn,
        address indexed tokenOut,
        uint256 spent,
        uint256 received,
        uint256 lossUsdE8,
        bytes32 ledgerLeaf
    );
    event Acted(
        bytes32 indexed rule,
        address indexed tokenIn,
        address indexed tokenOut,
        uint256 spent,
        uint256 received,
        bytes32 ledgerLeaf
    );
    /// @notice A guardian brought a position home while the Kernel was paused.
    event Exited(
        bytes32 indexed rule,
        address indexed guardian,
        address indexed tokenOut,
        address tokenIn,
        uint256 spent,
        uint256 received
    );

    /* ANNOUNCED RUNS */

    /// @notice The agent will run these legs from `readyAt` on unless a guardian vetoes `id`.
    event RunAnnounced(
        bytes32 indexed id,
        uint32 epoch,
        uint32 version,
        Leg[] legs,
        uint40 readyAt,
        uint40 expiresAt,
        bytes32 ledgerLeaf
    );
    event RunVetoed(bytes32 indexed id, address indexed guardian);

    /* BREAKER */

    /// @notice Live -> Paused. `limit` is the key of the bucket whose soft limit was reached, zero when somebody paused.
    event Paused(uint32 indexed epoch, address indexed by, bytes32 limit);
    /// @notice `oldAgent` is burned for ever; the Kernel is live again in `epoch`.
    event Rekeyed(uint32 indexed epoch, address indexed oldAgent, address indexed newAgent, bytes32 agentCodeHash);
    event AddressBlocked(address indexed target, address indexed by);
    event AddressUnblocked(address indexed target);
    event RuleRevoked(bytes32 indexed rule, uint32 version);

    /* CONFIGURATION */

    event GuardianAdded(address indexed guardian);
    event GuardianRemoved(address indexed guardian);
    event PolicySet(bytes32 indexed root, uint32 version, bytes32 indexed documentHash);
    /// @notice State of a bucket right after it was set or lowered.
    event BucketSet(address indexed token, uint32 indexed class, uint96 capacity, uint96 level, uint32 drain);
    /// @notice `call` is the whole calldata of the function that will be called; `change` is its keccak256.
    event ChangeAnnounced(
        bytes32 indexed change, uint32 serial, bytes call, uint40 readyAt, uint40 expiresAt, uint16 vetoesNeeded
    );
    /// @notice One of `needed` vetoes; the change is dead when `vetoes` equals `needed`.
    event ChangeVetoed(bytes32 indexed change, address indexed guardian, uint16 vetoes, uint16 needed);
    event ChangeCancelled(bytes32 indexed change);
    event ChangeMade(bytes32 indexed change, uint32 serial);
}
