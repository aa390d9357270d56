// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Who commands a Safe. Lists are in the Safe's own order, newest first; zero stands for none.
struct Shape {
    address singleton;
    address guard;
    address moduleGuard;
    address handler;
    address[] modules;
    address[] owners;
    uint256 threshold;
}

/// @notice A change the Safe has announced. It may be made from `readyAt` until `expiresAt` (both inclusive, Unix time)
/// unless `vetoes` reach `needed` before. `subject`: the owner it removes, whose veto does not count; zero for none.
/// `serial` numbers announcements and never returns.
struct Announced {
    address subject;
    uint40 readyAt;
    uint40 expiresAt;
    uint16 vetoes;
    uint32 serial;
    uint16 needed;
}

/// @title What a Safe asks of its transaction guard (`Guard` of 1.4.1, `ITransactionGuard` of 1.5.0; interface id
/// 0xe6d7a83a)
interface ITransactionGuard {
    /// @notice Before execution. `operation`: 0 is a call, 1 a delegatecall. The Safe has checked `signatures` already.
    function checkTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes calldata signatures,
        address sender
    ) external;

    /// @notice After execution, also when it failed and the Safe keeps the nonce used; and after a guard was removed by
    /// it.
    function checkAfterExecution(bytes32 safeTxHash, bool success) external;
}

/// @title How the guard leaves: the part that works whatever becomes of the rest
interface IOwnerGuardRemoval is ITransactionGuard {
    /// @notice The Safe will take this guard out from `readyAt` until `expiresAt`, both inclusive.
    event RemovalAnnounced(uint40 readyAt, uint40 expiresAt);
    event RemovalCancelled();
    /// @notice The guard is out of the Safe; a removal of it, once it is back, must be announced anew.
    event Removed();

    /// @notice `caller` is not the Safe.
    error NotSafe(address caller);
    /// @notice The configuration contradicts itself or the chain; `field` names the constructor's argument.
    error BadGuard(bytes32 field);
    /// @notice The Safe has begun a transaction before in the same transaction of the chain.
    error Nested();
    /// @notice The guard may be taken out from `readyAt` on; zero: no removal is in force.
    error RemovalNotReady(uint256 readyAt);
    /// @notice A removal is in force, or was not announced.
    error RemovalPending();
    error NoRemoval();

    /// @notice The Safe this guard is for. Immutable.
    function safe() external view returns (address);

    /// @notice Seconds an announced change waits, and may be vetoed; a removal waits twice as long. Immutable, 1 hour
    /// to 30 days.
    function delay() external view returns (uint32);

    /// @notice Seconds for which an announcement stays usable once ready. Immutable, 1 day to 30 days.
    function window() external view returns (uint32);

    /// @notice The Safe announces that it takes this guard out: `2 * delay()` later `setGuard(address(0))` passes,
    /// whatever the rest of the guard says. Cannot be vetoed.
    function announceRemoval() external;

    /// @notice The Safe takes the announced removal back.
    function cancelRemoval() external;

    /// @notice From when on the guard may be taken out, Unix time; zero when no removal is in force.
    function removalReadyAt() external view returns (uint256);

    /// @notice ERC-165. Yes to the ids of ERC-165 and of a transaction guard; no to contracts other than `safe`, for a
    /// Safe asks before it installs a guard, and this one would refuse whatever another Safe does.
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
}

/// @title A transaction guard for the owners' lane: enough signatures move money at once, but change who commands the
/// Safe late
/// @notice Every call of the Safe to itself that carries data is a change: modules, guards, handler, owners, threshold,
/// and what a handler adds. It is announced by the Safe, waits, and one owner may veto it. That holds for owners and
/// threshold both ways: with a threshold of keys stolen, a new owner, a removed one or a threshold nobody reaches is
/// how a theft is made to last. Nothing tightens at once here, since nothing urgent is the Safe's: one key pauses the
/// Kernel.
/// @dev An announcement is a Safe transaction: it uses up the nonce it was signed for. A veto ends its serial for good,
/// and announcing again uses up another nonce, so what was signed for the vetoed announcement, or to follow it at once,
/// is void. Signatures kept in stock for later nonces buy another wait and another veto; a rejection voids them one by
/// one.
interface IOwnerGuard is IOwnerGuardRemoval {
    /// @notice `call` is the calldata the Safe will send to itself; `change` is its keccak256.
    event ChangeAnnounced(
        bytes32 indexed change, uint32 serial, bytes call, uint40 readyAt, uint40 expiresAt, uint16 vetoesNeeded
    );
    /// @notice One of `needed` vetoes; the change is dead when `vetoes` equals `needed`.
    event ChangeVetoed(bytes32 indexed change, address indexed owner, uint16 vetoes, uint16 needed);
    event ChangeCancelled(bytes32 indexed change);
    event ChangeMade(bytes32 indexed change, uint32 serial);

    /// @notice `caller` is no owner of the Safe.
    error NotOwner(address caller);
    /// @notice The call has no selector, or takes this guard out, which is announced by `announceRemoval`.
    error NotAnnounceable(bytes4 selector);
    error AlreadyAnnounced(bytes32 change);
    error NotAnnounced(bytes32 change);
    error NotReady(bytes32 change, uint256 readyAt);
    /// @notice The veto of the owner whom the change removes does not count.
    error NotVetoable(bytes32 change);
    error AlreadyVetoed(bytes32 change, address owner);
    /// @notice A refund pays whoever sends the transaction, in any token and amount, beside the call the owners look
    /// at.
    error RefundNotAllowed(uint256 gasPrice);
    /// @notice A leg of the Kernel is running: balances are in between.
    error KernelBusy();
    /// @notice Only Safe's own MultiSendCallOnly, 1.4.1 or 1.5.0, is delegated to.
    error DelegatecallNotAllowed(address target, bytes32 codeHash);
    /// @notice The calldata of `multiSend`, or its packed bytes at `position`, are not exactly what its encoding says.
    error BadBatch(uint256 position);
    /// @notice An announced change was part of a transaction that failed and would have used up its nonce all the same.
    error ChangeFailed();
    /// @notice More modules than can be compared.
    error TooManyModules();
    /// @notice The transaction left another Safe than its announced changes make: hashes of `Shape`.
    error ShapeChanged(bytes32 found, bytes32 expected);

    /// @notice The Kernel whose legs no transaction of the Safe may interrupt. Immutable.
    function kernel() external view returns (address);

    /// @notice The Safe announces the exact `call` it will send to itself, alone or within a batch.
    /// @dev A vetoed call may be announced again; then it takes one more distinct veto than before to stop it, so no
    /// owner alone can stop anything for ever.
    function announce(bytes calldata call) external;

    /// @notice The Safe takes back an announcement.
    function cancel(bytes32 change) external;

    /// @notice An owner of the Safe votes against an announced change.
    function veto(bytes32 change) external;

    /// @notice The announcement of `change` (keccak256 of the call's whole calldata); all zero when there is none in
    /// force.
    function pending(bytes32 change) external view returns (Announced memory);

    /// @notice Who commands the Safe now. Reverts with `TooManyModules` above 64.
    function shape() external view returns (Shape memory);
}
