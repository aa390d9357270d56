"""What `policy deploy` and `policy update` tell the owners to do, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strongroom.quantities import format_seconds


def deploy_text(answer: Mapping[str, Any]) -> str:
    """The steps of what `plan_installation` planned, which `file` holds in full."""
    tx, has_watch = answer["transaction"], answer["watch"] is not None
    delays = {name: format_seconds(each) for name, each in answer["delays"].items()}
    return "\n".join(
        [
            "UNAUDITED contracts: begin with caps you could afford to lose.",
            f"Kernel  {answer['kernel']}",
            f"agent   {answer['agent']}",
            f"policy  {answer['document_hash']}; `strongroom policy compile` shows its rules and caps",
            *(f"price source of {token}  {address}" for token, address in answer["sources"].items()),
            *[f"watch   {answer['watch']}, a guardian that anybody may make pause it after a fall"] * has_watch,
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
            "",
            "3. `strongroom doctor` compares what is on chain with these documents.",
        ]
    )


def update_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The steps of what `plan_update` planned; `file` holds a transaction too long for a terminal."""
    yield f"policy {answer['document_hash']}, root {answer['root']}"
    yield from (f"price source of {token}  {address}" for token, address in answer["sources"].items())
    yield from _signing_lines(answer)
    yield f"2. After the delay, unless a guardian vetoes, any guardian or owner sends: to {answer['kernel']}, data"
    yield f"   {answer['set_policy']}"
    if answer["watch"]:
        yield f'3. Then, in treasury.toml: watch = "{answer["watch"]}"  # in [account]'
    else:
        yield "3. Then treasury.toml names no `watch`"
    if dropped := answer["dropped"]:
        # Not before: a change that is made voids what else is announced.
        yield f"   After step 2: the watch {dropped['watch']} may pause until the Kernel drops it. The owners sign:"
        yield f"   to {answer['kernel']}, value 0, data"
        yield f"   {dropped['announce']}"
        yield "   and after the delay, unless a guardian vetoes, any guardian or owner sends there"
        yield f"   {dropped['remove']}"


def _signing_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    tx = answer["transaction"]
    if not tx["operation"]:
        yield f"1. The owners sign a Safe transaction: to {answer['kernel']}, value 0, data"
        yield f"   {answer['announce']}"
        return
    yield "1. The owners sign this Safe transaction in the Safe UI, a delegatecall to Safe's MultiSendCallOnly:"
    yield f"   to {tx['to']}, operation {tx['operation']} (delegatecall), value 0, nonce {tx['nonce']}"
    yield f"   hash {answer['safe_tx_hash']}"
    yield f"   data: {(len(tx['data']) - 2) // 2:,} bytes, in {answer['file']}; it makes what is named above,"
    if answer["adds_watch"]:
        yield f"   makes the watch {answer['watch']} a guardian, which may pause at once,"
    yield "   and announces the policy"
