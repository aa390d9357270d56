"""The shipped samples do what their cases say, and a case that expects something else is reported."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.cases import load_cases, run_cases, sample, samples
from policies.document import load
from strongroom.errors import BadValue, InputError
from strongroom.model import Verdict

HEAD = '[prices]\nUSDC = "1"\n[[cases]]\nname = "one"\n'


def test_the_samples_are_found_as_package_data() -> None:
    assert samples() == ("active_treasury", "conservative_stables", "grants_programme", "payroll_only")
    with pytest.raises(BadValue, match="choose one of `active_treasury`"):
        sample("nothing")


@pytest.mark.parametrize("name", samples())
def test_each_sample_does_what_its_cases_say(name: str) -> None:
    policy, text = sample(name)
    document = load(policy)
    results = run_cases(document, load_cases(text, document))
    assert {result.name: result.differences for result in results} == {result.name: () for result in results}
    assert {result.decision.verdict for result in results} == {Verdict.ALLOW, Verdict.ASK, Verdict.DENY}


@pytest.mark.parametrize("name", samples())
def test_a_loosened_policy_fails_its_cases(name: str) -> None:
    """Without tiers, or without the right payees, at least one case says so: the cases guard the policy."""
    policy, text = sample(name)
    document = load(policy)
    caps = {cls: {t: replace(cap, tiers=()) for t, cap in row.items()} for cls, row in document.caps.items()}
    loosened = replace(document, caps=caps)
    assert any(result.differences for result in run_cases(loosened, load_cases(text, loosened)))


def test_an_unexpected_finding_is_a_difference_even_when_the_verdict_is_right() -> None:
    document = load(sample("payroll_only")[0])
    text = HEAD + 'request = ["pay 12_001 USDC to alice"]\nexpect = "deny"\nfindings = { payments = "deny" }\n'
    (result,) = run_cases(document, load_cases(text, document))
    assert result.differences == ("rule `approvals` says ask, expected allow",)
    text = HEAD + 'request = ["pay 10 USDC to alice"]\nexpect = "ask"\nguardians = 2\n'
    (result,) = run_cases(document, load_cases(text, document))
    assert result.differences == ("verdict is allow, expected ask", "0 guardians are asked, expected 2")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('request = ["send 10 USDC to alice"]\nexpect = "allow"', "write `pay 2_500 USDC to alice`"),
        ('request = ["pay 10 GOLD to alice"]\nexpect = "allow"', "a listed token"),
        ('request = ["swap 10 USDC to WETH"]\nexpect = "allow"', "name a listed token"),
        ('request = ["pay 10 USDC to alice"]\nexpect = "maybe"', "choose one of `allow`"),
        ('request = ["pay 10 USDC to alice"]\nexpects = "allow"', "did you mean `expect`"),
        ('request = ["pay 10 USDC to alice"]\nexpect = "allow"\npasts = []', "did you mean `past`"),
        ('request = ["pay 10 USDC to alice"]\nexpect = "allow"\npast = ["10 USDC to bob"]', "3 days ago"),
        ('request = ["pay 10 USDC to alice"]\nexpect = "allow"\nwaiting = ["10 USDC"]', "20_000 USDC to bob"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused_with_a_mend(lines: str, said: str) -> None:
    document = load(sample("payroll_only")[0])
    with pytest.raises(InputError) as refusal:
        load_cases(HEAD + lines, document)
    assert said in str(refusal.value)


def test_a_swap_that_no_listed_pool_makes_is_refused() -> None:
    document = load(sample("active_treasury")[0])
    text = '[prices]\nWETH = "3_000"\nDAI = "1"\n[[cases]]\nname = "one"\nexpect = "allow"\n'
    with pytest.raises(BadValue, match="no listed pool"):
        run_cases(document, load_cases(text + 'request = ["swap 1 WETH to DAI"]', document))
