// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "./IKernelErrors.sol";
import {IKernelEvents} from "./IKernelEvents.sol";
import {Bucket, BucketSetting, Leg, PayRule, Pending} from "./KernelTypes.sol";

// The whole Kernel, in parts: a part is implemented completely or not at all.

/// @title What anybody may read
interface IKernelState is IKernelErrors, IKernelEvents {
    /// @notice The Safe whose module this is. Immutable.
    function safe() external view returns (address);

    /// @notice The AuditRegistry that gates the agent; zero means ungated. Immutable.
    function registry() external view returns (address);

    /// @notice Seconds a loosening change waits, and may be vetoed. Immutable, 1 hour to 30 days.
    function configDelay() external view returns (uint32);

    /// @notice Seconds a re-key waits. Immutable, 1 hour to 30 days.
    function rekeyDelay() external view returns (uint32);

    /// @notice Seconds for which an announcement stays usable once ready. Immutable, 1 day to 30 days.
    function window() external view returns (uint32);

    /// @notice The key that may act within the policy.
    function agent() external view returns (address);

    /// @notice Code hash the agent must have if it has code; zero means that it must have none.
    function agentCodeHash() external view returns (bytes32);

    /// @notice Number of agents before this one.
    function epoch() external view returns (uint32);

    /// @notice Number of policies so far; the first is 1.
    function version() external view returns (uint32);

    /// @notice Whether the breaker has tripped.
    function paused() external view returns (bool);

    /// @notice Root of the policy's Merkle tree: leaf = keccak256(keccak256(abi.encode(tag, rule))), inner nodes keccak256
    /// of the sorted pair. Zero means that no rule exists.
    function root() external view returns (bytes32);

    /// @notice Hash of the policy document the root was compiled from.
    function documentHash() external view returns (bytes32);

    /// @notice Whether `account` may pause, veto and block: a guardian of the Kernel's own or an owner of the Safe.
    function isGuardian(address account) external view returns (bool);

    /// @notice Whether `key` was once replaced as agent. Burned keys never come back.
    function burned(address key) external view returns (bool);

    /// @notice Whether a guardian has stopped this payee, venue, token or price source.
    function blocked(address target) external view returns (bool);

    /// @notice Whether the Safe has revoked the rule under the current version.
    function revoked(bytes32 rule) external view returns (bool);

    /// @notice When a standing order was last paid, Unix time; zero means never.
    function lastPaid(bytes32 rule) external view returns (uint256);

    /// @notice Key of a bucket: keccak256(abi.encode(token, class)). Two tokens are not tokens: `address(1)` with class 0
    /// counts agent calls, 1e6 units each; `address(2)` with class 0 counts losses of swaps in USD 1e-8.
    function bucketKey(address token, uint32 class) external pure returns (bytes32);

    /// @notice The bucket as stored: `level` is as of `updated`.
    function bucket(bytes32 key) external view returns (Bucket memory);

    /// @notice Units that could be spent from the bucket now, rounded down.
    function available(bytes32 key) external view returns (uint256);

    /// @notice Whether an entry of the Kernel is running in this transaction.
    function busy() external view returns (bool);

    /// @notice The announcement of `change` (keccak256 of the call's whole calldata); all zero when there is none in force.
    function pending(bytes32 change) external view returns (Pending memory);
}

/// @title Payments in the agent lane
interface IKernelPay {
    /// @notice The agent pays `amount` units of `rule.token` to `rule.recipient`.
    /// @dev 0 < amount <= rule.maxAmount. Charges the bucket (token, class) and one agent call. The Safe's balance falls by
    /// at most `amount`. Rules with a delay are refused here. Reverts on everything it cannot vouch for.
    /// @param proof Siblings of the rule's leaf, from the leaf upwards; empty for a tree of one leaf.
    /// @param ledgerLeaf Leaf hash of the audit log's entry for this action; emitted, and bound in the registry if there is one.
    function pay(PayRule calldata rule, uint256 amount, bytes32[] calldata proof, bytes32 ledgerLeaf) external;
}

/// @title Runs: any legs, one after another, all or nothing
interface IKernelRun {
    /// @notice The agent runs `legs` atomically; each is metered before the next begins. One agent call, however many legs.
    /// @dev Payrolls are runs of standing orders. A run whose swaps lift the loss bucket over three quarters of its capacity is
    /// run to its end, and the Kernel pauses. A guardian may run Exit legs, alone, while the Kernel is paused: no gate, no
    /// count, and `ledgerLeaf` is not read.
    function run(Leg[] calldata legs, bytes32 ledgerLeaf) external;
}

/// @title Announced runs: legs whose rules carry a delay
interface IKernelAnnouncedRuns {
    /// @notice The agent announces the very legs it will run; they are checked against the policy now and again when run.
    /// @dev Ready after the longest delay among the legs, usable for `window()` seconds, once. Counts as one agent call. Dies with the
    /// epoch, the version and any pause. `id` = keccak256(abi.encode(epoch, version, legs)).
    function announceRun(Leg[] calldata legs, bytes32 ledgerLeaf) external returns (bytes32 id);

    /// @notice A guardian kills an announced run.
    function vetoRun(bytes32 id) external;

    /// @notice When an announced run is ready, Unix time; zero when it is not in force.
    function runReadyAt(bytes32 id) external view returns (uint256);
}

/// @title The breaker
interface IKernelBreaker {
    /// @notice Stops everything in the agent lane and voids every announcement, at once. For the Safe, guardians, owners and
    /// the agent. Idempotent: pausing again voids nothing. Not behind the lock: it works in the middle of a run too.
    function pause() external;

    /// @notice A guardian stops one payee, venue, token or price source, at once; exits through it too.
    function blockAddress(address target) external;

    /// @notice Undoes `blockAddress`; announced by the Safe.
    function unblockAddress(address target) external;

    /// @notice Names a new agent, burns the old key for ever, raises the epoch, drops guardians and ends a pause; announced by
    /// the Safe, cannot be vetoed. Bucket levels and paid orders stay as they are.
    /// @param codeHash Zero if `newAgent` is a key without code, else the code hash it has now and must keep.
    /// @param dropped Guardians removed in the same step; those that are none are ignored.
    function rekey(address newAgent, bytes32 codeHash, address[] calldata dropped) external;
}

/// @title Configuration by the Safe
interface IKernelConfig {
    /// @notice The Safe announces the exact `call` (calldata for setPolicy, unblockAddress, removeGuardian or rekey). Once it is
    /// ready, the Safe, a guardian or an owner makes it by sending that calldata.
    /// @dev A vetoed call may be announced again; then it takes one more distinct veto than before to stop it, so no
    /// guardian alone can stop anything for ever.
    function announce(bytes calldata call) external;

    /// @notice The Safe takes back an announcement.
    function cancel(bytes32 change) external;

    /// @notice A guardian votes against an announced change. Not against a re-key, not against their own removal.
    function veto(bytes32 change) external;

    /// @notice Replaces the policy and the limits of the buckets named; buckets not named stay as they are. Announced.
    /// @dev Levels settle at the old rate and stay; a bucket that was closed starts full. Revocations end with the version.
    function setPolicy(bytes32 newRoot, bytes32 newDocumentHash, BucketSetting[] calldata settings) external;

    /// @notice Takes a guardian's powers away. Announced.
    function removeGuardian(address guardian) external;

    /// @notice The Safe adds a guardian, at once.
    function addGuardian(address guardian) external;

    /// @notice The Safe lowers a bucket's capacity and rate, at once; zero closes it. The level stays, even above the capacity.
    function lowerBucket(BucketSetting calldata setting) external;

    /// @notice The Safe revokes one rule, at once, until the next policy: also one of the same root, which waits and may be
    /// vetoed like any other. Voids what was announced before.
    function revoke(bytes32 rule) external;
}

/// @title What a drawdown watch reads
interface IKernelPaid {
    /// @notice Units of `token` that payments and orders have taken out of the Safe since deployment.
    function paid(address token) external view returns (uint256);
}

/// @title The whole
interface IKernel is
    IKernelState,
    IKernelPay,
    IKernelRun,
    IKernelAnnouncedRuns,
    IKernelBreaker,
    IKernelConfig,
    IKernelPaid
{}
