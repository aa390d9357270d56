"""What one unit's thread carries between its steps, and how the steps read it as nouns."""

from __future__ import annotations

from typing import Any, TypedDict

from strongroom.model import Action, Compiled, Decision, Digest, Facts, KernelCall, Rehearsal, SafeTx, Unit
from strongroom.plain import from_plain
from strongroom.protocols.kernel import action_hash
from strongroom.protocols.safe import rejection, safe_tx_hash


class State(TypedDict, total=False):
    """Values are plain forms of the model's nouns; `cause` is the ledger index that led here. `lane` is set once
    guardians must be asked; `nonce` when the unit takes a certain nonce of the Safe's. `asked` is the human.req entry
    of what is proposed, none while others hold the nonce; `expires`, in seconds of the chain's time, ends what its
    signatures are worth; `past` holds the proposals that were dropped and still stand in the queue."""

    unit: dict[str, Any]
    actor: str
    cause: int
    nonce: int | None
    lane: str
    facts: dict[str, Any]
    compiled: dict[str, Any]
    action: dict[str, Any]
    rehearsal: dict[str, Any]
    decision: dict[str, Any]
    intent: dict[str, Any]
    asked: int | None
    expires: int
    past: list[dict[str, Any]]
    event: str
    tx_hash: str
    drifts: int
    status: str


Update = dict[str, Any]


def unit(state: State) -> Unit:
    return from_plain(Unit, state["unit"])


def facts(state: State) -> Facts:
    # A unit that fell asleep before pairs, markets and watch were observed knows none: rules that need one then deny.
    return from_plain(Facts, {"pairs": [], "lending": [], "watch": None, **state["facts"]})


def compiled(state: State) -> Compiled:
    return from_plain(Compiled, state["compiled"])


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


def rehearsal(state: State) -> Rehearsal:
    return from_plain(Rehearsal, state["rehearsal"])


def decision(state: State) -> Decision:
    return from_plain(Decision, state["decision"])


def binding(act: Action) -> Digest:
    """What the ledger binds the action by: the hash owners sign, or the Kernel call's hash without its leaf."""
    return safe_tx_hash(act) if isinstance(act, SafeTx) else action_hash(act.account, act.kernel, act.data)
