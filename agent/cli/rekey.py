"""`strongroom rekey`: what the owners sign to replace the agent's key for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option

if TYPE_CHECKING:
    from guardians.app import Console
    from strongroom.model import Address


@click.command()
@click.argument("new_agent", metavar="ADDRESS")
@click.option("--drop", "dropped", multiple=True, help="A guardian to remove in the same step. May be repeated.")
@config_option
@json_option
def rekey(new_agent: str, dropped: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Write the Safe transaction that is next on the way to a new agent to rekey.json, and print all steps: the owners
    announce, wait, and make it; the old key is burned. Nothing is signed or sent; run it again to see what is next.

    Where there is a watch, the Safe sets its mark anew in the transaction that makes the re-key: after a fall the next
    two calls by anybody would pause the new key too.

    \b
    Example:
      strongroom rekey 0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc
    """
    from guardians.app import open_console
    from strongroom.addresses import parse_address

    with open_console(config) as console:
        agent, guardians = parse_address(new_agent), [parse_address(each) for each in dropped]
        data = _plan(console, agent, guardians)
    data["file"] = str(config / "rekey.json")
    Path(data["file"]).write_text(json.dumps(data, indent=1) + "\n")
    say("\n".join(_lines(data)), data, as_json)


def _plan(console: Console, agent: Address, dropped: Sequence[Address]) -> dict[str, Any]:
    from agent.rekeying import plan_next
    from guardians.kill_card.reading import read_card
    from strongroom.errors import NotNamed
    from strongroom.protocols.kernel import encode_announce, encode_rekey

    kernel = console.treasury.kernel
    if kernel is None:
        raise NotNamed("kernel", "treasury.toml", "name the Kernel; `strongroom policy deploy` plans one")
    # Reading the card of this key refuses whatever the Kernel would refuse after the owners' signatures and the delay.
    read_card(console, agent)
    _require_guardians(console, kernel, agent, dropped)
    call = encode_rekey(agent, dropped)
    plan = {"kernel": kernel, "announce": "0x" + encode_announce(call).hex(), "rekey": "0x" + call.hex()}
    terms = console.document.kernel
    delays = {"rekey": terms.rekey_delay_seconds, "window": terms.window_seconds}
    return {**plan, "delays": delays, **_marking(console, kernel, call), **plan_next(console, kernel, call)}


def _require_guardians(console: Console, kernel: Address, agent: Address, dropped: Sequence[Address]) -> None:
    """Raises `BadValue` for a dropped one that the Kernel has no entry to remove for, and for a guardian as the agent:
    the key could then shield what it does."""
    from strongroom.errors import BadValue
    from strongroom.observe import safe_state
    from strongroom.protocols.kernel import guardian_read

    block = console.chain.head()
    is_own, *found = console.chain.read([guardian_read(kernel, each) for each in (agent, *dropped)], block)
    if is_own:
        raise BadValue(agent, "the new agent", "it is a guardian of this Kernel; make a key of its own")
    owners = safe_state(console.chain, console.treasury.account.safe, block).owners
    for address, is_guardian in zip(dropped, found, strict=True):
        if address in owners:
            raise BadValue(address, "--drop", "it owns the Safe; owners are removed in the Safe UI")
        if not is_guardian:
            raise BadValue(address, "--drop", "it is no guardian of this Kernel; `strongroom kill-card` lists them")


def _marking(console: Console, kernel: Address, rekey: bytes) -> dict[str, Any]:
    """The watch's new mark, and the one Safe transaction that re-keys and sets it; nothing without a watch."""
    from strongroom.model import Call, Operation
    from strongroom.protocols.multisend import encode_multisend
    from strongroom.protocols.watch import encode_rebase

    watch, policy = console.treasury.watch, console.document
    if watch is None:
        return {"watch": None, "rebase": None, "batch": None}
    calls = [Call(policy.account, kernel, 0, rekey), Call(policy.account, watch, 0, encode_rebase())]
    data = "0x" + encode_multisend(calls).hex()
    batch = {"to": policy.multisend, "value": "0", "data": data, "operation": int(Operation.DELEGATECALL)}
    return {"watch": watch, "rebase": "0x" + encode_rebase().hex(), "batch": batch}


def _lines(plan: Mapping[str, Any]) -> Iterator[str]:
    from strongroom.quantities import format_seconds

    delay, window = (format_seconds(plan["delays"][each]) for each in ("rekey", "window"))
    after = f"2. After {delay}, and within {window} then,"
    yield f"1. The owners sign a Safe transaction: to {plan['kernel']}, value 0, data"
    yield f"   {plan['announce']}"
    yield "   Who doubts the old key pauses the Kernel before this: a pause after it voids it. Nobody can veto it."
    if not plan["ready_at"]:
        yield from _signing_lines(plan)
    if plan["watch"]:
        yield f"{after} the owners sign a second one, a delegatecall to Safe's MultiSendCallOnly:"
        yield from _batch_lines(plan)
    else:
        yield f"{after} any guardian or owner sends: to {plan['kernel']}, data"
        yield f"   {plan['rekey']}"
    if plan["ready_at"]:
        yield from _announced_lines(plan)
    yield "3. An owner removes the old delegate at the transaction service and adds the new one."


def _announced_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    from strongroom.quantities import format_moment

    ready, last = format_moment(plan["ready_at"]), format_moment(plan["expires_at"])
    yield f"   Step 1 is done: it is announced, and can be made from {ready} until {last}."
    yield from _signing_lines(plan)


def _signing_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    yield f"   nonce {plan['transaction']['nonce']}, hash {plan['safe_tx_hash']}, in {plan['file']}:"
    yield "   in the Safe UI, or each with their own documents and the new agent's address from whoever keeps its key:"
    yield f"   strongroom guardian propose {plan['file']} --agent ADDRESS --keystore KEYSTORE, then `sign`, `execute`"


def _batch_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    batch = plan["batch"]
    yield f"   to {batch['to']}, operation {batch['operation']} (delegatecall), value 0, data"
    yield f"   {batch['data']}"
    yield f"   It re-keys and sets the mark of the watch {plan['watch']} anew; after a fall the next two"
    yield "   calls by anybody would pause the new key too."
    yield "   Where nothing has fallen, or while a price that the watch counts by is missing, the re-key alone will do:"
    yield f"   any guardian or owner sends it to {plan['kernel']}, data"
    yield f"   {plan['rekey']}"
