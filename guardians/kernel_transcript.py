"""The verdict on a change of the Kernel, for people, and the change for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guardians.acts import Named
from guardians.kernel_changing import KernelChanging, require_kernel_changeable
from guardians.review import Review
from strongroom.errors import AgentUnnamed, BadValue, ChangeUnnamed, GuardianError
from strongroom.model import Address
from strongroom.plain import to_plain
from strongroom.untrusted import escaped


def kernel_verdict(review: Review, changing: KernelChanging, agent: Address | None, changes: Sequence[Named]) -> str:
    """Whether a guardian may sign it: its own documents say so, it tightens, or the guardian has named it."""
    try:
        require_kernel_changeable(changing, review.proposal.safe_tx_hash, review.rehearsal, agent, changes)
    except AgentUnnamed:
        return "a new agent's key; name with `--agent` the address that you know from whoever keeps it"
    except ChangeUnnamed:
        return "a change of the Kernel; name with `--change` what you know from elsewhere that it must be"
    except GuardianError as error:
        return f"do not sign; {escaped(str(error))}"
    except BadValue as error:
        return str(error)
    if any(step.is_own_policy for step in changing.own):
        return "it brings what your own documents say, and nothing else; you may sign"
    if changing.agents or changing.to_be_named:
        return "it changes what you named, and nothing else; you may sign"
    return "it tightens or takes back, and nothing else; you may sign"


def kernel_changing_data(changing: KernelChanging | None) -> dict[str, Any] | None:
    """The steps at the Kernel; times are Unix seconds by the chain's clock, zero where nothing is announced."""
    if changing is None:
        return None
    steps = [
        {
            "deed": str(step.deed),
            "does": str(step.change),
            "change": step.change.hash if step.change.is_announced else None,
            "ready_at": step.standing.ready_at if step.standing else 0,
            "expires_at": step.standing.expires_at if step.standing else 0,
            "is_own_policy": step.is_own_policy,
            "caps": to_plain(step.caps),
        }
        for step in changing.own
    ]
    return {"kernel": changing.kernel.address, "is_whole": changing.is_whole, "steps": steps}
