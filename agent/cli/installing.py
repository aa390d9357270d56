"""What `policy deploy` and `policy update` tell the owners to do, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.cli.units import aligned
from strongroom.quantities import format_bps, format_seconds, format_units


def deploy_text(answer: Mapping[str, Any]) -> str:
    """The steps of what `plan_installation` planned, which `file` holds in full."""
    tx, has_watch = answer["transaction"], answer["watch"] is not None
    fall = format_bps(answer["max_drawdown_bps"] or 0)
    delays = {name: format_seconds(each) for name, each in answer["delays"].items()}
    return "\n".join(
        [
            "UNAUDITED contracts: begin with caps you could afford to lose.",
            f"Kernel  {answer['kernel']}",
            f"agent   {answer['agent']}",
            f"policy  {answer['document_hash']}; `strongroom policy compile` shows its rules and caps",
            *(f"price source of {token}  {address}" for token, address in answer["sources"].items()),
            *[f"watch   {answer['watch']}: after a fall of {fall} anybody can use it to pause the Kernel"] * has_watch,
            f"pausing beside the owners: {', '.join(answer['guardians']) or 'nobody'}",
            f"what loosens waits {delays['config']}, a new agent's key {delays['rekey']}; "
            f"both stay usable for {delays['window']}",
            "",
            "1. The owners sign this Safe transaction, a delegatecall to Safe's MultiSendCallOnly:",
            f"   to {tx['to']}, operation {tx['operation']} (delegatecall), value 0, nonce {tx['nonce']}",
            f"   hash {answer['safe_tx_hash']}",
            f"   data: {(len(tx['data']) - 2) // 2:,} bytes, in {answer['file']}",
            *["   executed while every price that the watch counts by is fresh, for it takes its mark then"]
            * has_watch,
            "   in the Safe UI, or each with their own policy.toml and the agent's address from whoever keeps its key:",
            f"   strongroom guardian propose {answer['file']} --agent ADDRESS --keystore KEYSTORE",
            "   strongroom guardian sign HASH --agent ADDRESS --keystore KEYSTORE",
            "   strongroom guardian execute HASH --agent ADDRESS --keystore KEYSTORE",
            "",
            "2. Then, in treasury.toml:",
            '   mode = "guarded"',
            f'   kernel = "{answer["kernel"]}"  # in [account]',
            *(f'   {key} = "{answer[key]}"  # in [account]' for key in ("registry", "watch") if answer[key]),
            *([] if answer["registry"] else _unanchored(answer["anchor_keystore"])),
            "",
            "3. `strongroom doctor` compares what is on chain with these documents.",
        ]
    )


def _unanchored(keystore: str) -> list[str]:
    return [
        f"   no anchoring key at {keystore}: the log will not be anchored;",
        "   make one first and plan anew, the registry is made with the Kernel",
    ]


def update_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The steps of what `plan_update` planned; `file` holds every transaction and its data in full."""
    if answer["unchanged"]:
        yield "the Kernel already enforces this policy; nothing to sign"
        return
    delay, window = (format_seconds(answer["delays"][each]) for each in ("config", "window"))
    yield f"policy {answer['document_hash']}, root {answer['root']}"
    yield from _cap_lines(answer["caps"])
    yield from (f"price source of {token}  {address}" for token, address in answer["sources"].items())
    yield from _signing_lines(answer)
    yield f"2. After {delay}, unless a guardian vetoes, and within {window} then, any guardian or owner sends:"
    yield f"   to {answer['kernel']}, data: {_size(answer['set_policy'])}, `set_policy` in {answer['file']}"
    if answer["watch"]:
        yield f'3. Then, in treasury.toml: watch = "{answer["watch"]}"  # in [account]'
    else:
        yield "3. Then treasury.toml names no `watch`"
    if dropped := answer["dropped"]:
        # Not before: a change that is made voids what else is announced.
        yield f"   After step 2: the watch {dropped['watch']} may pause until the Kernel drops it. The owners sign:"
        yield f"   to {answer['kernel']}, value 0, data: {_size(dropped['announce'])}, `dropped.announce` there"
        yield f"   and after {delay}, unless a guardian vetoes, any guardian or owner sends there"
        yield f"   data: {_size(dropped['remove'])}, `dropped.remove` there"


def _cap_lines(caps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What loosens or tightens, for who must decide about it."""
    if not caps:
        yield "caps    as they are; what changes is rules, or what the Kernel does not enforce"
        return
    yield "caps    that change, before and after:"
    rows = [(f"  {each['said']}", _cap_said(each, "before"), "->", _cap_said(each, "after")) for each in caps]
    yield from aligned(rows, right=(1,))


def _cap_said(cap: Mapping[str, Any], when: str) -> str:
    units, drain = int(cap[f"at_once_{when}"]), cap[f"drain_seconds_{when}"]
    if not units:
        return "none"
    amount = format_units(units, cap["decimals"]) if cap["decimals"] else str(units)
    return f"{amount} at once, back in {_roughly(drain)}"


def _roughly(seconds: int) -> str:
    """In whole days from two days on, in whole hours below, rounded up."""
    name, size = ("day", 86_400) if seconds > 2 * 86_400 else ("hour", 3_600)
    count = -(-seconds // size)
    return f"{count} {name}{'' if count == 1 else 's'}"


def _size(data: str) -> str:
    return f"{(len(data) - 2) // 2:,} bytes"


def _signing_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    tx = answer["transaction"]
    if not tx["operation"]:
        yield f"1. The owners sign a Safe transaction: to {answer['kernel']}, value 0, nonce {tx['nonce']}"
        yield f"   hash {answer['safe_tx_hash']}"
        yield f"   data: {_size(tx['data'])}, `announce` in {answer['file']}"
        return
    yield "1. The owners sign this Safe transaction in the Safe UI, a delegatecall to Safe's MultiSendCallOnly:"
    yield f"   to {tx['to']}, operation {tx['operation']} (delegatecall), value 0, nonce {tx['nonce']}"
    yield f"   hash {answer['safe_tx_hash']}"
    yield f"   data: {_size(tx['data'])}, in {answer['file']}; it makes what is named above,"
    if answer["adds_watch"]:
        yield f"   makes the watch {answer['watch']} a guardian, which may pause at once,"
    yield "   and announces the policy"
