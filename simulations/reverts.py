"""Why a call reverted, in words. Revert bytes come from strangers: what is shown of them is short and printable."""

from __future__ import annotations

from functools import cache

from simulations.revert_codes import explained
from strongroom.protocols.abi import argument_types, decode_values, selector

_PANICS = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "value outside its enum",
    0x22: "malformed storage bytes",
    0x31: "pop from an empty array",
    0x32: "index out of bounds",
    0x41: "too much memory",
    0x51: "call of an empty function pointer",
}
_ERC20_ERRORS = """
ERC20InsufficientBalance(address,uint256,uint256) ERC20InsufficientAllowance(address,uint256,uint256)
ERC20InvalidSender(address) ERC20InvalidReceiver(address) ERC20InvalidApprover(address) ERC20InvalidSpender(address)
SafeERC20FailedOperation(address) AddressEmptyCode(address) FailedInnerCall() EnforcedPause()
"""
_KERNEL_ERRORS = """
NotAgent(address) NotGuardian(address) NotSafe(address) NotAllowedToPause(address) KernelPaused() KernelLive() Busy()
NotInPolicy(bytes32) RuleIsRevoked(bytes32) AddressIsBlocked(address) RuleDelayed(bytes32,uint256) BadRule(bytes32)
KindNotAllowed(uint8) EmptyRun() AmountIsZero() AboveRuleMaximum(uint256,uint256) NotTheOrderedAmount(uint256,uint256)
OrderNotDue(uint256,uint256) OrderNotInForce(uint256,uint256) BucketExceeded(bytes32,uint256,uint256)
TemplateMismatch(bytes32,bytes32) WordMismatch(uint256,uint256,uint256) SelectorForbidden(bytes4)
DeadlinePassed(uint256) CallFailed(address,bytes) TransferRefused(address) SpentTooMuch(address,uint256,uint256)
ReceivedTooLittle(address,uint256,uint256) SlippageTooHigh(uint256,uint256) HoldingTooLarge(address,uint256,uint256)
AllowanceRemains(address,address,uint256) RateOutOfRange(uint256,uint256,uint256) BadAgent(address)
BadGuardian(address) BadDelay(uint256,uint256,uint256) BadBucket(address,uint32) BadSafe(address)
SourcesDeviate(uint256,uint256,uint256) FeedUnusable(address,bytes32) SequencerDown(uint256) BadConfig(bytes32)
NotLowering(address,uint32) KeyBurned(address) NotAnnounceable(bytes4) AlreadyAnnounced(bytes32)
NotAnnounced(bytes32) NotReady(bytes32,uint256) NotVetoable(bytes32) AlreadyVetoed(bytes32,address)
LogBehind(uint256,uint256) NotOpen(address) NotAnchorer(address) NotSafeOf(address,address) AlreadyOpen(address)
BadLimits(uint32,uint32) SizeShrinks(uint64,uint64) NotConsistent(uint64,bytes32) NotIncluded(uint64)
NotAnAccumulator(bytes32) NoDrawdown(uint256,uint256) TooSoon(uint256) AlreadyPaused() KernelBusy() BadWatch(bytes32)
"""
_OWNER_GUARD_ERRORS = """
BadGuard(bytes32) RemovalNotReady(uint256) RemovalPending() NoRemoval() NotOwner(address) RefundNotAllowed(uint256)
Nested() DelegatecallNotAllowed(address,bytes32) BadBatch(uint256) ChangeFailed() TooManyModules()
ShapeChanged(bytes32,bytes32)
"""
"""Those that the Kernel has too stand there."""
_VAULT_ERRORS = """
ERC4626ExceededMaxDeposit(address,uint256,uint256) ERC4626ExceededMaxMint(address,uint256,uint256)
ERC4626ExceededMaxWithdraw(address,uint256,uint256) ERC4626ExceededMaxRedeem(address,uint256,uint256)
"""
KNOWN_ERRORS = tuple((_ERC20_ERRORS + _KERNEL_ERRORS + _OWNER_GUARD_ERRORS + _VAULT_ERRORS).split())
"""Signatures of the custom errors that are shown by name: OpenZeppelin's tokens and vaults, the Kernel's and its
guards' own."""
_SHOWN = 160
_PASSED_ON = 1024


def revert_reason(data: bytes, error: str = "") -> str:
    """What revert bytes say: the text of `Error(string)`, with its meaning where it is a code, a named
    `Panic(uint256)`, a known custom error with its arguments, else the bytes in hexadecimal; `error` (the node's own
    words) when there are none. Never empty, at most 160 characters, printable ASCII only.

    Source: Solidity documentation, "Panic via assert and Error via require" and "Errors and the Revert Statement".
    """
    return _printable(_decoded(data) or error or "reverted without a reason")


def _decoded(data: bytes) -> str:
    if not data:
        return ""
    try:
        return _named(data)
    except ValueError:
        return "0x" + data.hex()


def _named(data: bytes) -> str:
    if data[:4] == selector("Error(string)"):
        return explained(str(decode_values(["string"], data[4:])[0]))
    if data[:4] == selector("Panic(uint256)"):
        (code,) = decode_values(["uint256"], data[4:])
        return f"panic 0x{code:02x} ({_PANICS.get(code, 'unknown code')})"
    signature = _custom_errors().get(data[:4])
    if signature is None:
        return f"unknown error 0x{data.hex()}"
    values = decode_values(argument_types(signature), data[4:])
    return f"{signature[: signature.index('(')]}({', '.join(_shown(value) for value in values)})"


def _shown(value: object) -> str:
    """An argument for people; bytes may be another call's revert bytes, passed on."""
    if not isinstance(value, bytes):
        return str(value)
    # Only short ones are looked into: each level costs bytes, so strangers cannot nest without end.
    return _decoded(value) if len(value) <= _PASSED_ON and len(value) != 32 else "0x" + value.hex()


@cache
def _custom_errors() -> dict[bytes, str]:
    return {selector(signature): signature for signature in KNOWN_ERRORS}


def _printable(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text)[:_SHOWN]
