"""Changes of the Kernel in words: what each gives to whom, from when, until when, who may stop it."""

from __future__ import annotations

from collections.abc import Iterator

from guardians.caps import cap_row
from guardians.changes import StandingKernel
from guardians.changing import Deed
from guardians.kernel_changing import KernelChanging, KernelStep, is_own_policy, wait
from guardians.planned_beside import Beside
from policies.grants import compile_policy
from policies.terms import PolicyDocument
from strongroom.model import Address, Digest
from strongroom.protocols.kernel import BucketSetting
from strongroom.protocols.kernel_changes import KernelChange
from strongroom.quantities import format_moment, format_seconds

_SHOWN_BYTES = 120
_OWN, _OTHER = "the policy of your own policy.toml", "NOT THE POLICY YOU HOLD"


def kernel_change_words(change: KernelChange, document: PolicyDocument) -> str:
    """What the Kernel is told to do."""
    if not change.function:
        shown = change.data[:_SHOWN_BYTES].hex() + ("..." if len(change.data) > _SHOWN_BYTES else "")
        return f"call the Kernel's function of unknown meaning 0x{shown}"
    if change.function == "setPolicy":
        return _policy_words(change, document)
    if change.function == "rekey":
        return f"give the Kernel to the agent's key {change.arguments[0]}, {_rekey_words(change)}"
    if change.function == "lowerBucket":
        return f"lower {_bucket_words(change.arguments[0], document)} at once"
    if change.function == "revoke":
        return f"revoke the rule {_rule_words(change.arguments[0], document)} at once, until the next policy"
    one = change.arguments[0] if change.arguments else ""
    return {
        "removeGuardian": f"take from the guardian {one} all powers at the Kernel: to pause, to veto, to block",
        "unblockAddress": f"let the Kernel pay and use {one} again, which a guardian has blocked",
        "addGuardian": f"make {one} a guardian of the Kernel: it may pause, veto and block, and moves nothing",
        "cancel": f"take back the announcement {one}",
        "pause": "pause the Kernel at once: the agent moves nothing until a re-key, and all that is announced is void",
        "blockAddress": f"block {one} at once, which the Kernel lets only guardians' own accounts do",
    }[change.function]


def _policy_words(change: KernelChange, document: PolicyDocument) -> str:
    root, found, _ = change.arguments
    if is_own_policy(change, document):
        return f"put {_OWN} in force at the Kernel: hash {found}, root {root}"
    return f"put another policy in force at the Kernel, {_OTHER}: hash {found}, root {root}"


def _rekey_words(change: KernelChange) -> str:
    dropped = ", ".join(change.arguments[2])
    ends = "burn the key it has for ever and end a pause"
    return f"{ends}; and drop the guardians {dropped}" if dropped else ends


def _bucket_words(setting: BucketSetting, document: PolicyDocument) -> str:
    found = {each.key for each in compile_policy(document).buckets}
    token = document.known_at(setting.token)
    name = f"the cap {setting.key} of {token.id if token else setting.token}"
    unknown = "" if setting.key in found else ", which your policy.toml does not have,"
    return f"{name}{unknown} to {setting.capacity_units} units in {format_seconds(setting.drain_seconds or 0)}"


def _rule_words(leaf: Digest, document: PolicyDocument) -> str:
    name = compile_policy(document).names.get(leaf)
    return f"`{name}`" if name else f"{leaf}, which your policy.toml does not have,"


def kernel_step_words(step: KernelStep | Beside, document: PolicyDocument, agent: Address | None) -> str:
    """One call of a proposal. Whose key a re-key gives the Kernel to is shown only once the guardian has named it: an
    address that is shown first is copied, not compared."""
    if isinstance(step, Beside):
        return step.words
    announced = "announce: " if step.deed is Deed.ANNOUNCE else ""
    if step.change.function != "rekey":
        return f"{announced}{kernel_change_words(step.change, document)}"
    return f"{announced}give the Kernel to another agent's key ({_compared(step, agent)}), {_rekey_words(step.change)}"


def _compared(step: KernelStep, named: Address | None) -> str:
    found = step.change.arguments[0]
    if named is None:
        return "ask whoever keeps it for its address, and name that with `--agent`; it is compared with the bytes"
    return f"{found}, as you named it" if found == named else f"{found}, NOT {named} as you named it"


def kernel_changing_lines(changing: KernelChanging) -> Iterator[str]:
    """What a guardian must know before signing: when, until when, who may veto, and what gets looser."""
    state = "PAUSED" if changing.kernel.paused else "live"
    yield f"  it is about the Kernel {changing.kernel.address}, which is {state}:"
    for step in changing.own:
        yield from (f"    {line}" for line in _terms(step, changing.kernel))
    if not changing.is_whole:
        yield "    beside it is what your documents do not plan, so your policy judges all of it"


def _terms(step: KernelStep, kernel: StandingKernel) -> Iterator[str]:
    window = format_seconds(kernel.terms.window_seconds)
    if step.deed is Deed.ANNOUNCE:
        later = wait(kernel, step.change)
        yield f"executed, it lets any guardian or owner make this {later} later, for {window}"
        yield from _vetoes(step.change, kernel)
        yield f"the change is {step.change.hash}"
    elif step.deed is Deed.MAKE and step.change.is_announced:
        yield _made(step, kernel)
    elif step.deed is Deed.MAKE and step.change.function not in ("addGuardian", "pause"):
        yield "it tightens, at once; whatever is announced at the Kernel is void then"
    yield from _policy_terms(step)


def _made(step: KernelStep, kernel: StandingKernel) -> str:
    if step.standing is None:
        return f"NEVER ANNOUNCED: the Kernel refuses it; announced, it can be made {wait(kernel, step.change)} later"
    when = f"from {format_moment(step.standing.ready_at)} until {format_moment(step.standing.expires_at)}"
    counted = f", {step.standing.vetoes} of {step.standing.needed} vetoes" if step.standing.needed else ""
    return f"announced: it can be made {when}{counted}"


def _vetoes(change: KernelChange, kernel: StandingKernel) -> Iterator[str]:
    if change.function == "rekey":
        yield "NOBODY CAN VETO THIS, and it ends a pause:"
        yield _STAYS if kernel.paused else "a pause of the Kernel after it voids it; the owners can take it back too"
        return
    but = " but one whom it removes" if change.function == "removeGuardian" else ""
    yield f"until it is made, each guardian and owner may veto it{but}; one veto ends it,"
    yield "and each time it is announced again after that it takes one veto more"


_STAYS = "the Kernel is paused already, so only the owners can take it back"


def _policy_terms(step: KernelStep) -> Iterator[str]:
    if step.is_own_policy is None:
        return
    if not step.is_own_policy:
        yield f"{_OTHER}: its hash, rules or caps differ from those of your policy.toml"
    for change in step.caps:
        said, before, arrow, after, word = cap_row(change)
        yield " ".join(filter(None, ("cap:", said + ",", before, arrow, after, word)))
    if not step.caps:
        yield "no cap of your policy.toml changes"
    yield "what rules it gains or loses no chain tells: compare your policy.toml with the one you held before"
