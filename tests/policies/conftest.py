"""A desk at which requests in the words of cases.toml become what the engine judges, under a shipped sample policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from policies.case import Case, open_case
from policies.cases import load_cases, sample, strictest_by_rule
from policies.document import load
from policies.engine import judge
from policies.rules import RULES
from policies.scenario import Judged, dress, stage
from policies.terms import PolicyDocument
from policies.trading import TradingTerms
from strongroom.model import Address, Call, Decision, Delta, TokenId, Verdict

PRICES = '[prices]\nUSDC = "1"\nDAI = "1"\nWETH = "3_000"\n'


@dataclass(frozen=True)
class Desk:
    """One policy, and ways to stage, judge and tamper with units under it."""

    document: PolicyDocument

    def under(self, document: PolicyDocument) -> Desk:
        """The same desk under another policy."""
        return Desk(document)

    def stage(self, *requests: str, **keys: Any) -> Judged:
        """What the engine gets for one unit of these requests; `keys` are those of cases.toml."""
        rows = {"name": "one", "request": list(requests), "expect": "allow", **keys}
        # JSON's strings, lists and booleans are TOML's.
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in rows.items()]
        text = "\n".join([PRICES, "[[cases]]", *lines])
        (case,) = load_cases(text, self.document)
        return stage(case.scenario, self.document)

    def open(self, judged: Judged) -> Case:
        return open_case(judged.compiled, judged.action, judged.rehearsal, judged.facts, self.document)

    def decide(self, judged: Judged, without: str = "") -> Decision:
        """The decision, with one rule left out where asked."""
        return judge(self.open(judged), {name: rule for name, rule in RULES.items() if name != without})

    def says(self, judged: Judged) -> Mapping[str, Verdict]:
        """The rules that do not allow."""
        return {r: v for r, v in strictest_by_rule(self.decide(judged)).items() if v is not Verdict.ALLOW}

    def units(self, text: str) -> int:
        """`12_000 USDC` in units."""
        number, token = text.split()
        whole, _, rest = number.replace("_", "").partition(".")
        decimals = self.document.tokens[TokenId(token)].token.decimals
        return int(whole) * 10**decimals + int(rest.ljust(decimals, "0") or 0)

    def with_calls(self, judged: Judged, *calls: Call) -> Judged:
        """The same unit with other calls, compiled and dressed alike."""
        compiled = replace(judged.compiled, calls=calls)
        return replace(judged, compiled=compiled, action=dress(calls, self.document, judged.action.nonce))

    def with_rehearsal(self, judged: Judged, **changes: Any) -> Judged:
        return replace(judged, rehearsal=replace(judged.rehearsal, **changes))

    def with_facts(self, judged: Judged, **changes: Any) -> Judged:
        return replace(judged, facts=replace(judged.facts, **changes))

    def with_delta(self, judged: Judged, holder: Address, token: str, units: int) -> Judged:
        """One more change of a balance seen in the rehearsal."""
        return self.with_rehearsal(judged, deltas=(*judged.rehearsal.deltas, Delta(holder, TokenId(token), units)))


@pytest.fixture(scope="session")
def document() -> PolicyDocument:
    """The larger sample without its standing orders, its rules of value and its bounds on the market, and with a team
    class that their payroll would fit in: room enough for the arithmetic of caps and tiers."""
    shipped = load(sample("active_treasury")[0])
    usdc, dai = (shipped.caps["team"][TokenId(token)] for token in ("USDC", "DAI"))
    wide = {
        usdc.token: replace(usdc, cap_units=90_000 * 10**6, at_once_units=45_000 * 10**6),
        dai.token: replace(dai, cap_units=30_000 * 10**18, at_once_units=15_000 * 10**18),
    }
    unbounded = replace(shipped, orders={}, outflow=None, holdings=None, runway=None)
    unbounded = replace(unbounded, trading=TradingTerms(), volatility=None)
    return replace(unbounded, caps={**shipped.caps, "team": wide})


@pytest.fixture(scope="session")
def desk(document: PolicyDocument) -> Desk:
    return Desk(document)
