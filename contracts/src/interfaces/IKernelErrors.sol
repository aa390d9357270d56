// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Kind} from "./KernelTypes.sol";

/// @title Everything the Kernel refuses with
/// @notice contracts/README.md says for each why it happens and how to solve it.
interface IKernelErrors {
    /* AUTHORITY */

    /// @notice `caller` is not the agent (or has code other than the Safe named).
    error NotAgent(address caller);
    /// @notice `caller` is neither a guardian nor a Safe owner.
    error NotGuardian(address caller);
    /// @notice `caller` is not the Safe.
    error NotSafe(address caller);
    /// @notice `caller` is not the Safe, a guardian, an owner or the agent.
    error NotAllowedToPause(address caller);
    /// @notice The breaker is open: only a re-key ends it.
    error KernelPaused();
    /// @notice The Kernel runs and the function is for the time it is paused.
    error KernelLive();
    /// @notice Another entry of the Kernel is still running.
    error Busy();

    /* RULES */

    /// @notice No leaf of the policy is this rule.
    error NotInPolicy(bytes32 leaf);
    /// @notice The Safe has revoked this rule.
    error RuleIsRevoked(bytes32 leaf);
    /// @notice A guardian has blocked this payee, venue, token or price source.
    error AddressIsBlocked(address target);
    /// @notice The rule waits `delay` seconds: announce the run first.
    error RuleDelayed(bytes32 leaf, uint256 delay);
    /// @notice The rule contradicts itself, or calls or approves the Safe, its guard, the Kernel, the registry or Permit2.
    error BadRule(bytes32 leaf);
    /// @notice This Kernel runs no legs of this kind for this caller.
    error KindNotAllowed(Kind kind);
    /// @notice A run without legs.
    error EmptyRun();

    /* AMOUNTS */

    error AmountIsZero();
    /// @notice Asked for more than the rule allows for one payment or leg.
    error AboveRuleMaximum(uint256 asked, uint256 maximum);
    /// @notice A standing order pays exactly its amount.
    error NotTheOrderedAmount(uint256 asked, uint256 ordered);
    /// @notice The order was paid at `paidAt`; due again at `dueAt`.
    error OrderNotDue(uint256 paidAt, uint256 dueAt);
    /// @notice Now is outside the order's lifetime.
    error OrderNotInForce(uint256 notBefore, uint256 notAfter);
    /// @notice The bucket has room for `left` units only.
    error BucketExceeded(bytes32 key, uint256 asked, uint256 left);

    /* CALLS AND EFFECTS */

    /// @notice The leg's calldata is not the rule's template.
    error TemplateMismatch(bytes32 found, bytes32 expected);
    /// @notice The word of the calldata at `offset` differs from the typed argument.
    error WordMismatch(uint256 offset, uint256 found, uint256 expected);
    /// @notice A selector that moves tokens or hides further calls may never be called by a leg.
    error SelectorForbidden(bytes4 selector);
    error DeadlinePassed(uint256 deadline);
    /// @notice The Safe's own call failed; `reason` is what came back.
    error CallFailed(address target, bytes reason);
    /// @notice The token answered a transfer or an approval with anything but nothing or true.
    error TransferRefused(address token);
    /// @notice More left the Safe than the leg may spend.
    error SpentTooMuch(address token, uint256 spent, uint256 allowed);
    error ReceivedTooLittle(address token, uint256 received, uint256 floor);
    /// @notice The leg lost more, between the two sources, than the rule's slippage.
    error SlippageTooHigh(uint256 lossUsdE8, uint256 allowedUsdE8);
    error HoldingTooLarge(address token, uint256 holding, uint256 maximum);
    /// @notice The token keeps an allowance that cannot be set to zero, or had one before the leg.
    error AllowanceRemains(address token, address spender, uint256 allowance);
    error RateOutOfRange(uint256 rate, uint256 minimum, uint256 maximum);

    /* CONFIGURATION */

    error BadAgent(address agent);
    error BadGuardian(address guardian);
    error BadDelay(uint256 delay, uint256 minimum, uint256 maximum);
    error BadBucket(address token, uint32 class);
    error BadSafe(address safe);
    /// @notice An instant change may only lower capacity and rate.
    error NotLowering(address token, uint32 class);
    /// @notice A key that was replaced is burned for ever.
    error KeyBurned(address key);
    /// @notice Only setPolicy, unblockAddress, removeGuardian and rekey are announced.
    error NotAnnounceable(bytes4 selector);
    error AlreadyAnnounced(bytes32 change);
    /// @notice Not announced, vetoed, expired or voided by a pause.
    error NotAnnounced(bytes32 change);
    error NotReady(bytes32 change, uint256 readyAt);
    /// @notice Re-keys cannot be vetoed; nobody vetoes their own removal.
    error NotVetoable(bytes32 change);
    error AlreadyVetoed(bytes32 change, address guardian);
}
