"""The rule on prices exactly at its limits: age, distance between sources, and how many of them there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.scenario import Judged
from strongroom.model import Address, TokenId, Verdict
from strongroom.valuation import Bounds

WETH = TokenId("WETH")
ALLOW, DENY = Verdict.ALLOW, Verdict.DENY
THIRD = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
Desk = Any


def verdict(desk: Desk, judged: Judged) -> Verdict:
    """What the rule says of all prices together."""
    found = [f.verdict for f in desk.decide(judged).findings if f.rule == "prices"]
    return max(found, key=lambda each: each.rank)


def with_second(desk: Desk, judged: Judged, **changes: int) -> Judged:
    one, two = judged.facts.rounds[WETH]
    changed: Judged = desk.with_facts(judged, rounds={**judged.facts.rounds, WETH: (one, replace(two, **changes))})
    return changed


@pytest.fixture
def swapped(desk: Desk) -> Judged:
    judged: Judged = desk.stage("swap 1 WETH to USDC", arrives="99.7 %")
    return judged


@pytest.mark.parametrize(("older", "said"), [(-1, ALLOW), (0, ALLOW), (1, DENY)])
def test_a_source_is_as_old_as_the_bound_and_no_second_older(
    desk: Desk, swapped: Judged, older: int, said: Verdict
) -> None:
    age = desk.document.bounds_of(WETH).max_age_seconds + older
    assert verdict(desk, with_second(desk, swapped, updated_at=swapped.facts.block.timestamp - age)) is said


@pytest.mark.parametrize(("ahead", "said"), [(0, ALLOW), (1, DENY)])
def test_no_source_is_from_the_future(desk: Desk, swapped: Judged, ahead: int, said: Verdict) -> None:
    assert verdict(desk, with_second(desk, swapped, updated_at=swapped.facts.block.timestamp + ahead)) is said


@pytest.mark.parametrize(("more", "said"), [(-1, ALLOW), (0, ALLOW), (1, DENY)])
def test_sources_are_as_far_apart_as_the_bound_and_no_unit_further(
    desk: Desk, swapped: Judged, more: int, said: Verdict
) -> None:
    """1.5 % of 3,000 USD in 1e-8; downwards the lower source is what is measured by."""
    highest = swapped.facts.rounds[WETH][0].answer * 10_150 // 10_000
    assert verdict(desk, with_second(desk, swapped, answer=highest + more)) is said


def test_as_many_sources_as_the_bound_and_none_less(desk: Desk, swapped: Judged) -> None:
    one, two = swapped.facts.rounds[WETH]
    for needed, said in ((2, ALLOW), (3, DENY)):
        bounds = Bounds(desk.document.bounds.max_age_seconds, desk.document.bounds.max_deviation_bps, needed)
        assert verdict(desk.under(replace(desk.document, bounds=bounds)), swapped) is said
    for rounds in ((one,), (), (one, two, replace(two, feed=THIRD))):
        told = {**swapped.facts.rounds, WETH: rounds}
        assert verdict(desk, desk.with_facts(swapped, rounds=told)) is DENY
