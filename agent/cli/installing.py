"""What `policy deploy` and `policy update` tell the owners to do, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.cli.units import aligned
from guardians.caps import CapChange, cap_row
from strongroom.plain import from_plain
from strongroom.quantities import format_bps, format_moment, format_seconds

_LARGE = 2 * 24_576
"""Hexadecimal digits of calldata that makes at least one large contract."""
CAUTION = (
    "UNAUDITED contracts: begin with caps you could afford to lose.",
    "  for the first month, beside payroll: to payees together 2 % of the treasury in any 30 days, half of it at once;",
    "  swaps of 1 % a week that may lose 0.1 % a month; lending 5 % a week",
)
"""What contracts/README.md gives as conservative default caps."""


def deploy_text(answer: Mapping[str, Any]) -> str:
    """The steps of what `plan_installation` planned, which `file` holds in full."""
    steps = [_announcing_lines(answer), _installing_lines(answer), _documents_lines(answer)]
    last = ["`strongroom doctor` compares what is on chain with these documents."]
    numbered = (line for n, step in enumerate([*filter(None, steps), last], 1) for line in _numbered(n, step))
    return "\n".join([*CAUTION, *_planned_lines(answer), "", *numbered])


def _numbered(number: int, step: Sequence[str]) -> Iterator[str]:
    first, *rest = step
    yield f"{number}. {first}"
    yield from rest


def _planned_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    delays = {name: format_seconds(each) for name, each in answer["delays"].items()}
    yield f"Kernel  {answer['kernel']}"
    if answer["replaces"]:
        yield f"instead of the paused {answer['replaces']}: what that has spent counts as spent in the new one"
    yield from (f"LOOK    {line}" for line in answer["early_orders"])
    yield from (f"made    {_made_before(each, answer)}" for each in answer["made_before"])
    yield f"agent   {answer['agent']}"
    yield f"policy  {answer['document_hash']}; `strongroom policy compile` shows its rules and caps"
    yield from (f"price source of {token}  {address}" for token, address in answer["sources"].items())
    if answer["watch"]:
        fall = format_bps(answer["max_drawdown_bps"])
        yield f"watch   {answer['watch']}: after a fall of {fall} anybody can use it to pause the Kernel"
    yield from _guard_lines(answer)
    yield f"pausing beside the owners: {', '.join(answer['guardians']) or 'nobody'}"
    waits = f"what loosens waits {delays['config']}, and a guardian may veto it; a new agent's key {delays['rekey']}"
    yield f"{waits}; both stay usable for {delays['window']}"


def _made_before(address: str, answer: Mapping[str, Any]) -> str:
    """Whoever is asked to sign must know why a contract is not made."""
    is_kernel = address == answer["kernel"]
    used = ", and nobody has used it since" if is_kernel else ""
    return f"{address} stands already, made by whoever liked: just as planned, its address says{used}; it is left out"


def _guard_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    if not answer["owner_guard"]:
        yield "no owners' guard: enough stolen owners' keys change who commands the Safe at once"
        return
    delay = format_seconds(answer["guard_delays"]["delay"])
    yield f"owners' guard  {answer['owner_guard']}: from then on the Safe's owners, modules and guards"
    yield f"        change only {delay} after the owners announce it, unless an owner vetoes; payments wait for nothing"


def _announcing_lines(answer: Mapping[str, Any]) -> list[str]:
    """What is signed before, under a guard that stands; nothing where all of it is announced and ready."""
    told = answer["announcement"]
    if told is None or told["is_ready"]:
        return []
    if not told["transaction"]:
        ready, expires = format_moment(told["ready_at"]), format_moment(told["expires_at"])
        return [f"The changes are announced. Wait until {ready}; this plan can be made until {expires}."]
    named = [f"     --change '{each}'" for each in told["changes"]]
    return [
        f"The Safe is under its owners' guard {told['guard']}: the owners announce first,",
        f"   hash {told['safe_tx_hash']}, nonce {told['transaction']['nonce']}, in {answer['announcement_file']},",
        f"   by `strongroom guardian propose {answer['announcement_file']} --keystore KEYSTORE` and `sign HASH`, with",
        *named,
        f"   Then wait {format_seconds(told['delay'])}, in which any owner may veto; the next step can be made for",
        f"   {format_seconds(told['window'])} after that, and `strongroom policy deploy` again says when.",
        f"   Keep {answer['file']}, which it reads: what is announced is in there. Moved away, all begins anew.",
    ]


def _installing_lines(answer: Mapping[str, Any]) -> list[str]:
    tx, named = answer["transaction"], "--agent ADDRESS --keystore KEYSTORE"
    return [
        "The owners sign this Safe transaction, a batch by Safe's MultiSendCallOnly; who executes it pays the gas:",
        f"   to {tx['to']}, operation {tx['operation']} (delegatecall), value 0, nonce {tx['nonce']}",
        f"   hash {answer['safe_tx_hash']}",
        f"   data: {(len(tx['data']) - 2) // 2:,} bytes, in {answer['file']}",
        *_condition_lines(answer),
        *_creating_lines(answer),
        "   in the Safe UI, or each with their own policy.toml and the agent's address from whoever keeps its key:",
        f"   strongroom guardian propose {answer['file']} {named}   (says what it does, and how much gas)",
        f"   strongroom guardian sign HASH {named}",
        f"   strongroom guardian execute HASH {named}",
    ]


def _creating_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Chains cap the gas of one transaction, some at 16.7 million (EIP-7825), and a Safe adds its own."""
    if len(answer["transaction"]["data"]) > _LARGE:
        yield "   large: it makes the contracts, for some 13 million gas. Where that is too much at once, anybody sends"
        yield f"   `strongroom guardian create {answer['file']} --keystore KEYSTORE`; this command, run again,"
        yield "   then plans the small rest. Nobody can make other contracts there"


def _condition_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    if answer["replaces"]:
        yield "   executed while the old Kernel is still paused; it is disabled by the same transaction"
    elif answer["watch"]:
        yield "   executed while every price that the watch counts by is fresh, for it takes its mark then"


def _documents_lines(answer: Mapping[str, Any]) -> list[str]:
    return [
        "Then, in treasury.toml:",
        '   mode = "guarded"',
        f'   kernel = "{answer["kernel"]}"  # in [account]',
        *(f'   {key} = "{answer[key]}"  # in [account]' for key in ("registry", "watch") if answer[key]),
        *([] if answer["registry"] else _unanchored(answer["anchor_keystore"])),
    ]


def _unanchored(keystore: str) -> list[str]:
    return [
        f"   no anchoring key at {keystore}: the log will not be anchored;",
        "   put an encrypted keystore of its own there, with the password of the agent's, and run this again:",
        "   the registry is made with the Kernel",
    ]


def update_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The steps of what `plan_update` planned; `file` holds every transaction and its data in full."""
    if answer["unchanged"]:
        yield "the Kernel already enforces this policy; nothing to sign"
        return
    delay, window = (format_seconds(answer["delays"][each]) for each in ("config", "window"))
    yield f"policy {answer['document_hash']}, root {answer['root']}"
    yield from _cap_lines(answer["caps"])
    yield from (f"LOOK    {line}" for line in answer["early_orders"])
    yield from (f"price source of {token}  {address}" for token, address in answer["sources"].items())
    yield from _signing_lines(answer)
    yield from _exchange_lines(answer)
    yield f"2. After {delay}, unless a guardian vetoes, and within {window} then, any guardian or owner sends:"
    yield f"   to {answer['kernel']}, data: {_size(answer['set_policy'])}, `set_policy` in {answer['file']}"
    yield "   Until it is sent, one guardian or owner stops it with any wallet, more where it was stopped before:"
    yield f"   to {answer['kernel']}, data: {answer['veto']}"
    yield "   `strongroom guardian changes` shows it, and `guardian veto` sends that"
    if answer["watch"] and answer["watch"] != answer["named_watch"]:
        yield f'3. Then, in treasury.toml: watch = "{answer["watch"]}"  # in [account]'
    elif answer["named_watch"] and not answer["watch"]:
        yield "3. Then treasury.toml names no `watch`"
    if dropped := answer["dropped"]:
        # Not before: a change that is made voids what else is announced.
        yield f"   After step 2: the watch {dropped['watch']} may pause until the Kernel drops it. The owners sign:"
        yield f"   to {answer['kernel']}, value 0, data: {_size(dropped['announce'])}, `dropped.announce` there"
        yield f"   by `strongroom guardian announce 'removeGuardian({dropped['watch']})' --keystore KEYSTORE`"
        yield f"   and after {delay}, unless a guardian vetoes, any guardian or owner sends there"
        yield f"   data: {_size(dropped['remove'])}, `dropped.remove` there"


def _cap_lines(caps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What loosens or tightens, for who must decide about it."""
    if not caps:
        yield "caps    as they are; what changes is rules, or what the Kernel does not enforce"
        return
    yield "caps    that change, before and after:"
    rows = [(f"  {said}", *rest) for said, *rest in (cap_row(from_plain(CapChange, each)) for each in caps)]
    yield from aligned(rows, right=(1,))


def _size(data: str) -> str:
    return f"{(len(data) - 2) // 2:,} bytes"


def _signing_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    tx = answer["transaction"]
    if not tx["operation"]:
        yield "1. The owners sign this Safe transaction:"
        yield f"   to {answer['kernel']}, value 0, nonce {tx['nonce']}"
        yield f"   hash {answer['safe_tx_hash']}"
        yield f"   data: {_size(tx['data'])}, `announce` in {answer['file']}"
        yield from _proposing_lines(answer)
        return
    yield "1. The owners sign this Safe transaction, a delegatecall to Safe's MultiSendCallOnly:"
    yield f"   to {tx['to']}, operation {tx['operation']} (delegatecall), value 0, nonce {tx['nonce']}"
    yield f"   hash {answer['safe_tx_hash']}"
    yield f"   data: {_size(tx['data'])}, in {answer['file']}; it makes what is named above,"
    if answer["adds_watch"]:
        yield f"   makes the watch {answer['watch']} a guardian, which may pause at once,"
    yield "   and announces the policy"
    if answer["owner_guard"] and not answer["exchanges_guard"]:
        yield f"   and sets the owners' guard {answer['owner_guard']}: the Safe's owners, modules and guards"
        yield "   then change only its delay after the owners announce it, unless an owner vetoes"
    yield from _proposing_lines(answer)


def _proposing_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    yield "   in the Safe UI, or each with their own policy.toml, which is compared with what is announced, by"
    yield f"   `strongroom guardian propose {answer['file']} --keystore KEYSTORE`, then `sign HASH` and `execute HASH`"


def _exchange_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The guard that stands gives way to one with other terms, by its own rules."""
    if (told := answer["exchanges_guard"]) is None:
        return
    if told["ready_at"]:
        yield f"   The new guard {answer['owner_guard']} is announced: from {format_moment(told['ready_at'])} on"
    else:
        yield f"   and announces the new guard {answer['owner_guard']}: {format_seconds(told['delay'])} later"
    yield f"   the owners sign: to the Safe itself, value 0, data: `exchanges_guard.set_guard` in {answer['file']},"
    yield f"   within {format_seconds(told['window'])}, unless an owner vetoes"
