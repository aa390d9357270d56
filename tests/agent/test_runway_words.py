"""Mandate and policy both speak of the runway: a plan for less than what the policy lets pass is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.app import require_runway
from policies.cases import sample
from policies.document import load
from policies.runway import RunwayTerms
from strongroom.errors import BadValue
from strongroom.settings import Mandate

DAY = 86_400
POLICY = replace(load(sample("active_treasury")[0]), runway=RunwayTerms(6 * 31 * DAY, 1, DAY))


def test_a_mandate_plans_for_at_least_what_the_policy_asks() -> None:
    require_runway(Mandate((), 6, {}), POLICY)
    require_runway(Mandate((), 0, {}), replace(POLICY, runway=None))
    with pytest.raises(BadValue, match=r"`5 months` cannot be used for `months` in .runway. of mandate") as refusal:
        require_runway(Mandate((), 5, {}), POLICY)
    assert "policy.toml asks guardians below 186 days" in str(refusal.value)
    longer = replace(POLICY, runway=RunwayTerms(6 * 31 * DAY + 1, 1, DAY))
    with pytest.raises(BadValue):
        require_runway(Mandate((), 6, {}), longer)
