"""Changes that get a unit a better verdict, as values."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.model import TokenId, Verdict


@dataclass(frozen=True, slots=True)
class Lower:
    """The intent at `place` (from 0) moves at most `units` of its token instead of `from_units`; one unit more does
    not get the verdict. With `order` it is exactly that amount, which the policy's standing order of this name pays."""

    place: int
    token: TokenId
    units: int
    from_units: int
    order: str = ""


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """The same unit without the intents at these places (from 0); with any of them back it does not get the verdict."""

    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """The very same unit from this Unix second on; one second earlier it does not get the verdict."""

    until: int


@dataclass(frozen=True, slots=True)
class Amended:
    """A limit of policy.toml, by table and key, and what it would have to be: a step less is not enough. `unit` says
    what it counts: a token's units, `bps`, `gas` or `wei`."""

    table: str
    key: str
    unit: str
    value: int
    from_value: int


@dataclass(frozen=True, slots=True)
class Amend:
    """People change the policy: every one of these limits."""

    limits: tuple[Amended, ...]


Change = Lower | LeaveOut | Wait | Amend


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """A change and the verdict that the engine gives after it. Where the change moves other amounts, the rehearsal is
    an estimate from the old one: a new rehearsal decides."""

    change: Change
    verdict: Verdict

    @property
    def is_estimate(self) -> bool:
        return isinstance(self.change, Lower | LeaveOut)


@dataclass(frozen=True, slots=True)
class Prospect:
    """How a unit gets at least `verdict`; `why_none` says what is in the way where no single change does it."""

    verdict: Verdict
    ways: tuple[Counterfactual, ...]
    why_none: str = ""
