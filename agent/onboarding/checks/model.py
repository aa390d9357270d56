"""Whether the language model answers as a planner must. Where it does not, the rules plan: a warning, no more."""

from __future__ import annotations

from agent.app import MODEL_KEY, SECOND_MODEL_KEY, model_of, second_model_of
from agent.onboarding.examination import Result, ok, warn
from agent.onboarding.premises import Premises
from agent.planners.draft import Draft, read, schema_of
from agent.planners.prompt import as_data, load_prompt
from agent.planners.unusable import Unusable
from strongroom.chain.transport import without_secrets
from strongroom.errors import ModelUnanswered
from strongroom.model_settings import LanguageModel
from strongroom.ports import Model

_MADE_UP = {
    "operation": "rebalance",
    "wanted": [{"kind": "swap", "asset_id": "RED", "counterparty_id": "BLUE", "whole": "2.00 RED"}],
}
"""Nothing of the treasury: whoever runs the model learns no more than that it is asked."""
_INSTEAD = "the mandate's rules plan until then"
_MENDS = {
    "HTTP 401": "put its key into {}",
    "HTTP 403": "put a key that may use it into {}",
    "HTTP 404": "let `url` end where `/chat/completions` begins, and let `name` be one that it serves",
    "HTTP 429": "raise its limits, or ask it less often",
}


def answers(premises: Premises) -> Result:
    """One small question about made-up facts, to the very endpoint that would plan, under the very schema; and to the
    one that would be asked beside it."""
    treasury = premises.treasury
    settings, model = treasury.model, model_of(treasury)
    if settings is None or model is None:
        return ok("none is named, the mandate's rules plan")
    first, other = _answers(settings, model, MODEL_KEY, _INSTEAD), second_model_of(treasury)
    if settings.second is None or other is None or not first.is_ok:
        return first
    second = _answers(settings.second, other, SECOND_MODEL_KEY, "a policy that wants both to agree asks guardians")
    return ok(f"{first.what}; {second.what}") if second.is_ok else second


def _answers(settings: LanguageModel, model: Model, key: str, instead: str) -> Result:
    named = f"`{settings.name}` at {without_secrets(settings.url)}"
    try:
        _ask(model)
    except ModelUnanswered as error:
        mend = _MENDS.get(error.why, "start it, or correct [model] in treasury.toml").format(key)
        return warn(f"{named} does not answer ({error.why})", f"{mend}; {instead}")
    except Unusable as error:
        return warn(f"{named} does not answer as asked: {error}", f"name one that keeps to a JSON schema; {instead}")
    return ok(f"{named} answers as asked")


def _ask(model: Model) -> None:
    """Raises `ModelUnanswered` or `Unusable`."""
    messages = [
        ("system", load_prompt("plan.md").text),
        ("user", f"{as_data('facts', _MADE_UP)}\n{as_data('external', [])}"),
    ]
    read(Draft, model.ask(messages, schema_of(Draft), lambda _: None))
