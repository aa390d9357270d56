"""What one unit's thread carries between its steps, and how the steps read it as nouns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypedDict

from strongroom.model import Action, Block, Compiled, Decision, Digest, Facts, KernelCall, Rehearsal, SafeTx, Unit
from strongroom.plain import from_plain
from strongroom.protocols.kernel import action_hash
from strongroom.protocols.kernel_runs import delay_seconds, encode_announce_run
from strongroom.protocols.safe import rejection, safe_tx_hash


class State(TypedDict, total=False):
    """Values are plain forms of the model's nouns; `cause` is the ledger index that led here. `lane` is set once
    guardians must be asked; `nonce` when the unit takes a certain nonce of the Safe's. `asked` is the human.req entry
    of what is proposed, none while others hold the nonce; `proposed`, in seconds of the chain's time, is since when it
    stands in the queue, none once it was dropped; `expires`, in seconds of the chain's time, ends what its
    signatures are worth; `past` holds the proposals that were dropped and still stand in the queue. `stage` says which
    of the two calls of an announced run is under way, `announced` what the Kernel noted of it and in which block, and
    `gas` what the rehearsal of the call to be signed used; `quoted_at` is the block whose pools `compiled` was quoted
    on, for `facts` are looked at again until what is sent is sent."""

    unit: dict[str, Any]
    actor: str
    cause: int
    nonce: int | None
    lane: str
    facts: dict[str, Any]
    compiled: dict[str, Any]
    quoted_at: dict[str, Any]
    action: dict[str, Any]
    rehearsal: dict[str, Any]
    decision: dict[str, Any]
    intent: dict[str, Any]
    asked: int | None
    proposed: int | None
    expires: int
    past: list[dict[str, Any]]
    event: str
    tx_hash: str
    drifts: int
    status: str
    stage: str
    announced: dict[str, Any]
    gas: int


Update = dict[str, Any]
ANNOUNCING, RUNNING = "announcing", "running"


def unit(state: State) -> Unit:
    return from_plain(Unit, _unit(state, state["unit"]))


def _unit(state: State, plain: dict[str, Any]) -> dict[str, Any]:
    """One that fell asleep before units said who asked for them, and what other models think: the thread always knew
    the one, and nobody was asked the other."""
    return {"actor": state.get("actor", ""), "opinions": [], **plain}


def facts(state: State) -> Facts:
    # A unit that fell asleep before pairs, markets and watch were observed knows none: rules that need one then deny.
    # Nor is an order due whose last payment it does not know.
    known = {"pairs": [], "lending": [], "watch": None, "announced": [], "listings": [], **state["facts"]}
    kernel = known["kernel"] and {"last_paid": {}, **known["kernel"]}
    return from_plain(Facts, {**known, "kernel": kernel})


def compiled(state: State) -> Compiled:
    plain = state["compiled"]
    return from_plain(Compiled, {**plain, "unit": _unit(state, plain["unit"])})


def quoted_at(state: State) -> Block:
    """A unit that was compiled before this was kept may have been quoted a little earlier than this says."""
    return from_plain(Block, state["quoted_at"]) if "quoted_at" in state else facts(state).block


def action(state: State) -> Action:
    read: Action = from_plain(Action, state["action"])  # type: ignore[arg-type]
    return read


def safe_tx(state: State) -> SafeTx:
    """The action of a unit in the owner lane."""
    found = action(state)
    if not isinstance(found, SafeTx):
        raise TypeError(f"`{unit(state).id}` is not in the owner lane")
    return found


def dropped(state: State) -> tuple[SafeTx, ...]:
    """What this unit had proposed before, oldest first, all at one nonce. Guardians may still execute any of them."""
    return tuple(from_plain(SafeTx, each) for each in state.get("past", ()))


def is_rejection(state: State) -> bool:
    """Whether what waits only uses up the nonce of a proposal that was dropped."""
    tx = action(state)
    return isinstance(tx, SafeTx) and tx == rejection(tx.account, tx.nonce)


def kernel_call(state: State) -> KernelCall:
    """The action of a unit in the agent lane."""
    found = action(state)
    if not isinstance(found, KernelCall):
        raise TypeError(f"`{unit(state).id}` is not in the agent lane")
    return found


def announcement(run: KernelCall) -> KernelCall:
    """The call that announces `run`."""
    return replace(run, data=encode_announce_run(run.data))


def sending(state: State) -> Action:
    """What is signed and sent now: the announcement of the action, or the action itself."""
    found = action(state)
    announces = isinstance(found, KernelCall) and state.get("stage") == ANNOUNCING
    return announcement(found) if isinstance(found, KernelCall) and announces else found


def must_be_announced(state: State) -> bool:
    """Whether the action may only be run after an announcement that is still to be made."""
    found = action(state)
    if not isinstance(found, KernelCall) or state.get("stage") == RUNNING:
        return False
    return delay_seconds(found.data) > 0


def rehearsal(state: State) -> Rehearsal:
    return from_plain(Rehearsal, state["rehearsal"])


def decision(state: State) -> Decision:
    return from_plain(Decision, {"quorums": [], **state["decision"]})


def binding(act: Action) -> Digest:
    """What the ledger binds the action by: the hash owners sign, or the Kernel call's hash without its leaf."""
    return safe_tx_hash(act) if isinstance(act, SafeTx) else action_hash(act.account, act.kernel, act.data)
