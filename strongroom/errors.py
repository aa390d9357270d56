"""Every error a user can meet. A class takes facts and writes its own sentence; the command line prints it and exits 1.

StrongroomError
├── InputError          what was typed or written in a document is wrong
│   ├── BadAddress
│   ├── UnknownKey
│   ├── BadValue
│   ├── NotNamed
│   └── Unparseable
├── SetupError          the installation, a key, the state folder or the Safe is not as it must be
│   ├── ForeignPackage
│   ├── KeyMissing
│   ├── ModuleMissing
│   ├── PolicyMismatch
│   ├── NotDeployed
│   ├── NotReplaceable
│   ├── MadeAndUsed
│   ├── StateHeld
│   ├── ToolMissing
│   └── WrongChain
├── NodeError           the chain's node
│   ├── NodeUnreachable
│   └── NodeRefused
├── ModelUnanswered     the language model gave no answer that could be read
├── ServiceError        the Safe Transaction Service
│   ├── ServiceUnreachable
│   └── ServiceRefused
│       └── NoService
├── UnitError           one unit cannot go on for now
│   ├── Unsettled
│   ├── GasTooDear
│   ├── GasTooLow
│   └── NoLongerQueued
├── GuardianError       what a guardian asked for is not done
│   ├── NotQueued
│   ├── NotAnOwner
│   ├── Denied
│   ├── AgentUnnamed
│   ├── OtherAgent
│   ├── NotGuarded
│   ├── NotAnnounced
│   ├── TooEarly
│   ├── NotThePolicy
│   ├── Unannounced
│   ├── ChangeUnnamed
│   ├── OtherChange
│   ├── NotPending
│   ├── NotVetoable
│   ├── NotMade
│   ├── NoSuchRun
│   ├── RunStands
│   ├── NotComplete
│   ├── OthersMustSign
│   ├── MustWait
│   ├── NotNext
│   └── WouldRevert
└── LedgerError         the audit log
    ├── LedgerCorrupt
    ├── LedgerUnwritable
    ├── AnchorRefused
    └── NotRecorded
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class StrongroomError(Exception):
    """Anything that ends a command with one line."""


class InputError(StrongroomError):
    """What was typed, or written in a document, cannot be used. `where` is the place in words, where there is one."""

    where = ""

    def begin(self, place: str) -> None:
        """Puts a place that was found later, such as a line, before the message."""
        self.args = (f"{place}: {self}",)


class BadAddress(InputError):
    def __init__(self, value: str, is_address: bool = False, where: str = "") -> None:
        self.value, self.is_address, self.where = value, is_address, where
        # A checksum worked out from a mistyped address would make the mistake look right.
        known = "its checksum does not fit: a capital letter is wrong, or a digit; copy it anew from where it comes"
        mend = known if is_address else "give 0x and 40 hexadecimal digits"
        super().__init__(f"`{value}`{' for ' + where if where else ''} is not a checksummed address; {mend}")


class UnknownKey(InputError):
    def __init__(self, key: str, known: Iterable[str], where: str) -> None:
        names = sorted(known)
        near = get_close_matches(key, names, n=1)
        mend = f"did you mean `{near[0]}`" if near else "known here: " + ", ".join(f"`{n}`" for n in names)
        self.where = f"`{key}` in {where}"
        super().__init__(f"unknown key {self.where}; {mend}")


class BadValue(InputError):
    """Lists and truths are shown as a document writes them."""

    def __init__(self, value: object, where: str, mend: str) -> None:
        self.where = where
        super().__init__(f"`{_written(value)}` cannot be used for {where}; {mend}")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(f'"{each}"' if isinstance(each, str) else _written(each) for each in value) + "]"
    return str(value)


class NotNamed(InputError):
    """What a document leaves out and cannot do without here; `where` is the document, or one of its tables."""

    def __init__(self, key: str, where: str, mend: str) -> None:
        self.where = where
        super().__init__(f"{where} names no `{key}`; {mend}")


class Unparseable(InputError):
    def __init__(self, text: str, mend: str) -> None:
        super().__init__(f"`{text}` is not understood; {mend}")


class SetupError(StrongroomError):
    """The installation, a key, the state folder or the Safe is not as it must be."""


class ForeignPackage(SetupError):
    def __init__(self, package: str, owners: Iterable[str]) -> None:
        named = ", ".join(f"`{o}`" for o in sorted(owners))
        super().__init__(
            f"package `{package}` is also installed by {named}; uninstall it, it would replace ours silently"
        )


class KeyMissing(SetupError):
    def __init__(self, path: str, mend: str) -> None:
        super().__init__(f"no usable key at `{path}`; {mend}")


class ModuleMissing(SetupError):
    def __init__(self, kernel: str, safe: str) -> None:
        mend = "its owners sign what `strongroom policy deploy` prints"
        super().__init__(f"Kernel `{kernel}` is not enabled in Safe `{safe}`; {mend}")


class PolicyMismatch(SetupError):
    def __init__(
        self,
        what: str,
        ours: str,
        chain: str,
        holder: str = "the Kernel",
        mend: str = "put back what the Kernel has, or let the owners change it: "
        "`strongroom policy update`, for a key `strongroom rekey`",
    ) -> None:
        super().__init__(f"{what} is `{ours}` here and `{chain}` in {holder}; {mend}")


class NotDeployed(SetupError):
    def __init__(self, what: str, address: str, mend: str) -> None:
        super().__init__(f"no {what} at `{address}`; {mend}")


class NotReplaceable(SetupError):
    def __init__(self, kernel: str, why: str, mend: str) -> None:
        super().__init__(f"Kernel `{kernel}` cannot be replaced: {why}; {mend}")


class MadeAndUsed(SetupError):
    """A planned contract stands already, and is not as it was born."""

    def __init__(self, what: str, address: str, why: str, mend: str) -> None:
        super().__init__(f"somebody has made the planned {what} `{address}` already, and {why}; {mend}")


class StateHeld(SetupError):
    def __init__(self, path: str, pid: int) -> None:
        super().__init__(f"state folder `{path}` is held by process `{pid}`; stop it, or reach it through its socket")


class ToolMissing(SetupError):
    def __init__(self, tool: str, mend: str) -> None:
        super().__init__(f"`{tool}` is not installed; {mend}")


class WrongChain(SetupError):
    def __init__(self, url: str, found: int, expected: int) -> None:
        super().__init__(f"node `{url}` serves chain `{found}`, treasury.toml says `{expected}`; correct one of them")


class NodeError(StrongroomError):
    """The chain's node did not do what was asked."""


class NodeUnreachable(NodeError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"node `{url}` cannot be reached ({why}); check `rpc` in treasury.toml")


class NodeRefused(NodeError):
    """The node answered a method with a JSON-RPC error; `data` holds revert bytes where it gave them."""

    def __init__(self, method: str, why: str, data: bytes = b"") -> None:
        self.data = data
        super().__init__(f"the node refused `{method}`: {why}")


class ModelUnanswered(StrongroomError):
    """The language model did not answer; `received` is what came of an answer, `why` says what was wrong."""

    def __init__(self, why: str, received: bytes = b"") -> None:
        self.why, self.received = why, received
        super().__init__(f"the language model did not answer ({why}); check [model] in treasury.toml")


class ServiceError(StrongroomError):
    """The Safe Transaction Service did not do what was asked."""


class ServiceUnreachable(ServiceError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"transaction service `{url}` cannot be reached ({why}); check `service` in treasury.toml")


class ServiceRefused(ServiceError):
    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"the transaction service refused `{what}`: {why}")


class NoService(ServiceRefused):
    """Something answers there, in no way that the service would."""

    def __init__(self, url: str, why: str) -> None:
        mend = "it is no Safe Transaction Service; check `service` in treasury.toml, or what `--service` names"
        ServiceError.__init__(self, f"`{url}` answers, but {why}; {mend}")


class UnitError(StrongroomError):
    """One unit cannot go on for now; it is taken up again at the next round."""


class Unsettled(UnitError):
    def __init__(self, unit: str) -> None:
        super().__init__(f"unit `{unit}` was sent and is not mined yet; its receipt is looked for again")


class GasTooDear(UnitError):
    def __init__(self, unit: str, base_fee_wei: int, most_wei: int) -> None:
        super().__init__(
            f"unit `{unit}` goes on once gas is cheaper; a base fee of `{base_fee_wei}` wei is above the policy's "
            f"`{most_wei}`, wait until it falls"
        )


class GasTooLow(UnitError):
    """Before anything of `what` was started or signed; the amounts are in the chain's coin."""

    def __init__(self, what: str, agent: str, held: str, needed: str, short: str) -> None:
        super().__init__(
            f"`{what}` takes up to `{needed}` for gas and the agent's key holds `{held}`, so nothing was started; "
            f"send `{short}` or more to `{agent}`"
        )


class NoLongerQueued(UnitError):
    def __init__(self, unit: str, safe_tx_hash: str) -> None:
        super().__init__(
            f"unit `{unit}`: proposal `{safe_tx_hash}` is not in the queue; look at the transaction service"
        )


class GuardianError(StrongroomError):
    """What a guardian asked for is not done."""


class NotQueued(GuardianError):
    def __init__(self, what: object) -> None:
        super().__init__(f"nothing waits at `{what}`; `strongroom guardian list` shows what does")


class NotAnOwner(GuardianError):
    def __init__(self, address: str, safe: str, owners: Iterable[str]) -> None:
        named = ", ".join(f"`{owner}`" for owner in owners)
        super().__init__(f"key `{address}` does not own Safe `{safe}`; open the keystore of one of {named}")


class Denied(GuardianError):
    def __init__(self, safe_tx_hash: str, denials: int, nonce: int) -> None:
        count = "1 finding denies" if denials == 1 else f"{denials} findings deny"
        super().__init__(
            f"{count} `{safe_tx_hash}`; do not sign it, `strongroom guardian reject {nonce}` uses up its nonce instead"
        )


class AgentUnnamed(GuardianError):
    def __init__(self, proposal: str, does: str) -> None:
        super().__init__(
            f"proposal `{proposal}` {does}; "
            "name with `--agent` the address you know from whoever keeps that key, not the one shown here"
        )


class OtherAgent(GuardianError):
    def __init__(self, proposal: str, found: str, named: str) -> None:
        super().__init__(f"proposal `{proposal}` gives the Kernel to `{found}`, not to `{named}`; do not sign it")


class NotGuarded(GuardianError):
    def __init__(self, safe: str, found: str) -> None:
        super().__init__(
            f"Safe `{safe}` has no owners' guard of ours ({found}): nothing is announced there and nothing can be "
            "vetoed; `strongroom policy update` plans one"
        )


class NotAnnounced(GuardianError):
    def __init__(self, proposal: str, change: str, wait: str) -> None:
        super().__init__(
            f"proposal `{proposal}` changes the Safe by what is not announced; "
            f"`strongroom guardian announce '{change}'` first, it can be made {wait} later; do not sign this one"
        )


class TooEarly(GuardianError):
    def __init__(self, proposal: str, change: str, ready: str) -> None:
        super().__init__(f"proposal `{proposal}` makes `{change}`, which can be made from {ready} on; come back then")


class NotThePolicy(GuardianError):
    def __init__(self, proposal: str, found: str) -> None:
        super().__init__(
            f"proposal `{proposal}` gives the Kernel the policy `{found}`, NOT THE POLICY YOU HOLD; do not sign it: "
            "find out whose policy.toml is newer, and compare the two line by line"
        )


class Unannounced(GuardianError):
    def __init__(self, proposal: str, change: str, wait: str) -> None:
        super().__init__(
            f"proposal `{proposal}` makes `{change}`, which is not announced at the Kernel: it would revert; "
            f"do not sign it, announce it first, it can be made {wait} later"
        )


class ChangeUnnamed(GuardianError):
    def __init__(self, proposal: str, missing: int, whose: str) -> None:
        count = "a change" if missing == 1 else f"{missing} changes"
        super().__init__(
            f"proposal `{proposal}` is about {count} of {whose} that you have not named; "
            "name each with `--change`, as you know it from elsewhere than here"
        )


class OtherChange(GuardianError):
    def __init__(self, proposal: str, found: str, named: str) -> None:
        super().__init__(f"proposal `{proposal}` is about `{found}`, not about `{named}`; do not sign it")


class NotPending(GuardianError):
    def __init__(self, named: str) -> None:
        super().__init__(f"no change `{named}` is announced; `strongroom guardian changes` lists what is")


class NotVetoable(GuardianError):
    def __init__(self, change: str, by: str, why: str) -> None:
        super().__init__(f"change `{change}` cannot be vetoed by `{by}`: {why}; nothing was sent")


class NotMade(GuardianError):
    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"the contract at `{address}` is not made: {why}; what was made before it stays")


class NoSuchRun(GuardianError):
    def __init__(self, run: str) -> None:
        super().__init__(
            f"no announced run `{run}` is in force: it was run, vetoed or voided, or its time is over; "
            "`strongroom guardian runs` lists what is"
        )


class RunStands(GuardianError):
    """A veto of an announced run that did not end it."""

    def __init__(self, run: str, by: str, why: str) -> None:
        super().__init__(
            f"announced run `{run}` is not vetoed by `{by}`: {why}; another guardian or owner can veto it, or pause"
        )


class NotComplete(GuardianError):
    def __init__(self, proposal: str, signed: int, needed: int) -> None:
        super().__init__(f"proposal `{proposal}` has `{signed}` of `{needed}` signatures; other guardians must sign it")


class OthersMustSign(GuardianError):
    def __init__(self, proposal: str, missing: str) -> None:
        super().__init__(f"proposal `{proposal}` wants signatures of certain guardians; `{missing}` must sign it still")


class MustWait(GuardianError):
    def __init__(self, proposal: str, delay: str) -> None:
        mend = "the treasurer, who knows when that was, carries it out then; or reject it"
        super().__init__(f"proposal `{proposal}` waits `{delay}` after it was proposed; {mend}")


class NotNext(GuardianError):
    def __init__(self, nonce: int, next_nonce: int) -> None:
        super().__init__(f"nonce `{nonce}` is not the Safe's next, `{next_nonce}` is; execute or reject that one first")


class WouldRevert(GuardianError):
    def __init__(self, proposal: str, why: str) -> None:
        super().__init__(f"proposal `{proposal}` would revert now ({why}); nothing was sent")


class LedgerError(StrongroomError):
    """The audit log cannot be trusted or cannot be written."""


class LedgerCorrupt(LedgerError):
    def __init__(self, path: str, index: int, why: str) -> None:
        self.index = index
        super().__init__(f"ledger `{path}` is not intact at entry `{index}`: {why}; restore it from a backup")


class LedgerUnwritable(LedgerError):
    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"ledger `{path}` cannot be written ({why}); mend or free the disk, then start again")


class AnchorRefused(LedgerError):
    def __init__(self, size: int, why: str) -> None:
        mend = "compare the log with the anchored head: `strongroom ledger verify`"
        super().__init__(f"the registry refuses the head of `{size}` entries ({why}); {mend}")


class NotRecorded(LedgerError):
    def __init__(self, binding: str) -> None:
        super().__init__(f"action `{binding}` has no durable tx.intent entry; nothing was signed")
