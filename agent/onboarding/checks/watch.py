"""Whether a drawdown would stop the agent, and how near that is."""

from __future__ import annotations

from agent.comparing.fields import Contract
from agent.onboarding.checks.parity import agreement
from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from agent.watching import in_safe_e8, watch_is_near, watch_told
from strongroom.protocols.watch import encode_rebase


def drawdown(premises: Premises) -> Result:
    """And that it is the policy's own watch."""
    named = premises.treasury.watch
    if premises.kernel is not None and not (own := agreement(premises.compared(Contract.WATCH))).is_ok:
        return own
    if named is None:
        wanted = premises.policy.watch is not None
        return ok("none yet; it comes with the Kernel" if wanted else "none; no drawdown stops the agent")
    state = premises.facts.watch
    if state is None:
        return fail(f"`{named}` does not answer as a watch", "correct `watch` in treasury.toml")
    kernel = premises.facts.kernel
    paused = kernel is not None and kernel.paused
    told = watch_told(state, premises.block, in_safe_e8(premises.facts, premises.policy), paused)
    if state.wealth_e8 is None:
        return warn(told, "wait for the feed, or replace it in policy.toml")
    if paused and state.has_fallen:
        return warn(told, "find out what was lost; `strongroom rekey` plans the re-key with the new mark")
    rebase = f"after payments of their own the owners send it rebase(), data `0x{encode_rebase().hex()}`, from the Safe"
    return warn(told, f"find out what was lost; {rebase}") if watch_is_near(state) else ok(told)
