"""Whether the Safe Transaction Service answers, and about this very Safe."""

from __future__ import annotations

from typing import Any

from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from strongroom.chain.transport import without_secrets
from strongroom.errors import ServiceRefused, ServiceUnreachable

_SECONDS = 10.0


def serves_this_safe(premises: Premises) -> Result:
    """Its picture of the Safe is compared with the chain's: a service of another chain has other owners."""
    told, state = _ask(premises), premises.safe
    if told is None:
        return fail(
            f"it does not know Safe `{premises.account.safe}`", "see that `service` in treasury.toml is for this chain"
        )
    if set(told.get("owners", ())) != set(state.owners) or int(told.get("threshold", 0)) != state.threshold:
        return fail("it shows other owners than the chain", "see that `service` in treasury.toml is for this chain")
    if int(told.get("nonce", -1)) != state.nonce:
        return warn(f"it is at nonce {told.get('nonce')}, the chain at {state.nonce}", "wait for it to catch up")
    premises.service.pending(state.nonce)
    return ok(f"{without_secrets(premises.service_url)} serves this Safe")


def _ask(premises: Premises) -> dict[str, Any] | None:
    """The service's own description of the Safe, or `None` when it knows none."""
    import httpx

    url, shown = premises.service_url, without_secrets(premises.service_url)
    try:
        answer = httpx.get(f"{url}/api/v1/safes/{premises.account.safe}/", timeout=_SECONDS, follow_redirects=True)
    except httpx.HTTPError as error:
        raise ServiceUnreachable(shown, type(error).__name__) from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    if answer.is_error:
        raise ServiceRefused("the Safe", f"HTTP {answer.status_code}; check `service` in treasury.toml")
    try:
        return dict(answer.json())
    except (ValueError, TypeError) as error:
        raise ServiceRefused(
            "the Safe", "its answer cannot be read; let `service` in treasury.toml be a Safe Transaction Service"
        ) from error
