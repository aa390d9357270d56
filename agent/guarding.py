"""How a Safe that has its Kernel gets the owners' guard of the policy: set at once, or, where one of ours with other
terms stands, exchanged, which that one wants announced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.guard_announcements import Announcing, announcing, standing_guard
from policies.terms import PolicyDocument
from strongroom.model import Address, Block, Call, Operation, SafeTx
from strongroom.observe import safe_state
from strongroom.ports import Chain
from strongroom.protocols.owner_guard import encode_set_guard
from strongroom.wallet.deploy import Deployment


@dataclass(frozen=True, slots=True)
class Guarding:
    """The guard that the Safe does not have yet, and the call that sets it; `announced` where it must be announced."""

    guard: Deployment
    setting: Call
    announced: Announcing | None

    @property
    def before(self) -> tuple[Call, ...]:
        """What the Safe sends beside the announcement of a policy."""
        return self.announced.calls(self.setting.account) if self.announced else ()

    @property
    def after(self) -> tuple[Call, ...]:
        """What the Safe sends last: from then on it is guarded."""
        return () if self.announced else (self.setting,)


def plan_guarding(chain: Chain, policy: PolicyDocument, guard: Deployment | None, block: Block) -> Guarding | None:
    """How the Safe gets `guard`; `None` where the policy wants none and there is none of ours, or it has it already.
    Raises `BadValue` where another guard must go first."""
    state = safe_state(chain, policy.account.safe, block)
    if guard is not None and state.guard == guard.address:
        return None
    standing = standing_guard(chain, policy, state, block)
    if guard is None:
        return None
    setting = Call(policy.account, policy.account.safe, 0, encode_set_guard(guard.address))
    alone = SafeTx(policy.account, setting.to, 0, setting.data, Operation.CALL, state.nonce)
    return Guarding(guard, setting, announcing(chain, alone, standing, block))


def exchange_data(guarding: Guarding | None) -> dict[str, Any] | None:
    """What the owners send once the exchange may be made, `None` where none has to wait. `ready_at` is zero until it is
    announced."""
    if guarding is None or (found := guarding.announced) is None:
        return None
    return {
        "guard": found.guard.address,
        "delay": found.guard.delay_seconds,
        "window": found.guard.window_seconds,
        "ready_at": 0 if found.missing else found.ready_at,
        "set_guard": "0x" + guarding.setting.data.hex(),
    }


def guard_address(guarding: Guarding | None) -> Address | None:
    """The guard that is to come, if one is."""
    return guarding.guard.address if guarding else None
