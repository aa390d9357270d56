"""What a model may say about a plan: ids of the policy and shares of what the mandate wants, nothing else exists.

No address, calldata, decimal number or smallest unit can be written in it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.planners.completion import content, strict_json
from agent.planners.unusable import Unusable
from strongroom.untrusted import shown

WHOLE = 10_000
"""A share is counted in 1/10,000."""

_Id = Annotated[str, Field(min_length=1, max_length=64)]


class Words(BaseModel):
    """Extra keys and values of another type are refused: a lenient reader would take `"5"` for 5."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Share(Words):
    """`value` 1/10,000 of what the mandate wants done; more than the whole cannot be said."""

    basis: Literal["share"]
    value: Annotated[int, Field(ge=1, le=WHOLE)]


class Choice(Words):
    """One thing to do. `counterparty_id` is the payee of a payment, the token bought in a swap."""

    kind: Literal["pay", "swap"]
    asset_id: _Id
    counterparty_id: _Id
    amount: Share
    reason: Annotated[str, Field(max_length=200)]


class Draft(Words):
    choices: Annotated[list[Choice], Field(max_length=64)]


W = TypeVar("W", bound=Words)


def schema_of(kind: type[Words]) -> dict[str, Any]:
    """The JSON schema that goes to the model. What it promises is checked again here: few servers hold to it."""
    return kind.model_json_schema()


def read(kind: type[W], received: bytes) -> W:
    """What the answer says. Raises `Unusable` naming what does not fit and where."""
    said = strict_json(content(received).encode(), "what the model said")
    try:
        return kind.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = shown(".".join(str(part) for part in first["loc"])) or "it"
        raise Unusable(f"what the model said does not fit the schema: `{where}`: {first['type']}") from error
