"""A policy's own cases: requests with the verdict and findings that people expect, tried against the engine without a
chain.

cases.toml lies beside policy.toml: what a treasurer reads to see what the policy means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from policies.engine import decide
from policies.market_scene import market_scene
from policies.moments import parse_moment
from policies.scenario import NOW, Scenario, address_of, stage
from policies.terms import PolicyDocument
from strongroom.addresses import keccak, to_digest
from strongroom.documents import Table, parse
from strongroom.errors import BadValue, NotNamed, Unparseable
from strongroom.model import (
    Address,
    Amount,
    Decision,
    Intent,
    Label,
    Labelled,
    Opinion,
    Outflow,
    Pay,
    Supply,
    Swap,
    TokenId,
    Verdict,
    Withdraw,
)
from strongroom.quantities import parse_amount, parse_bps, parse_seconds, parse_units

_PAY = re.compile(r"pay (\S+ \S+) to (\S+)")
_SWAP = re.compile(r"swap (\S+ \S+) to (\S+)")
_SUPPLY = re.compile(r"supply (\S+ \S+) to (\S+)")
_WITHDRAW = re.compile(r"withdraw (\S+ \S+) from (\S+)")
_PAST = re.compile(r"(\S+ \S+) to (\S+) (\d\S* [a-z]+) ago")
_WAITING = re.compile(r"(\S+ \S+) to (\S+)")
_E8_DECIMALS = 8


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """A request, and what must come of it. `findings` maps a rule to the strictest verdict that it gives."""

    name: str
    scenario: Scenario
    verdict: Verdict
    findings: Mapping[str, Verdict]
    approvals: int | None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """`differences` is empty when the policy does what the case expects."""

    name: str
    decision: Decision
    differences: tuple[str, ...]


def load_cases(text: str, document: PolicyDocument, name: str = "cases.toml") -> tuple[PolicyCase, ...]:
    """The cases in `text`, in order; the Safe holds its `balances`, else a million, where a case says nothing else.
    Raises `InputError` naming key and mend."""
    with parse(text, name) as top:
        held = _amounts(top, "balances", _decimals(document))
        with top.table("prices") as row:
            prices = {_token(t, document, row.where): _price(row, t) for t in list(row.keys())}
        if not (rows := top.rows("cases")):
            # No case at all would pass for all as expected.
            raise NotNamed("cases", name, "write rows: [[cases]]")
        return tuple(_case(row, prices, held, document) for row in rows)


def run_cases(document: PolicyDocument, cases: tuple[PolicyCase, ...]) -> tuple[CaseResult, ...]:
    """Each case's decision and how it differs from what was expected."""
    return tuple(_run(document, case) for case in cases)


def samples() -> tuple[str, ...]:
    """Names of the samples that ship with the package."""
    return tuple(sorted(entry.name for entry in files("policies").joinpath("samples").iterdir() if entry.is_dir()))


def sample(name: str) -> tuple[str, str]:
    """The texts of a sample's policy.toml and cases.toml; `payroll-only` is `payroll_only`. Raises `BadValue` on an
    unknown name."""
    name = name.replace("-", "_")
    if name not in samples():
        raise BadValue(name, "a sample's name", "choose one of " + ", ".join(f"`{known}`" for known in samples()))
    folder = files("policies").joinpath("samples", name)
    policy, cases = (folder.joinpath(part).read_text(encoding="utf-8") for part in ("policy.toml", "cases.toml"))
    return policy, cases


def strictest_by_rule(decision: Decision) -> dict[str, Verdict]:
    """Each rule's strictest verdict."""
    found: dict[str, Verdict] = {}
    for finding in decision.findings:
        found[finding.rule] = max(found.get(finding.rule, Verdict.ALLOW), finding.verdict, key=lambda v: v.rank)
    return found


def _run(document: PolicyDocument, case: PolicyCase) -> CaseResult:
    judged = stage(case.scenario, document)
    decision = decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, document)
    return CaseResult(case.name, decision, tuple(_differences(case, decision)))


def _differences(case: PolicyCase, decision: Decision) -> list[str]:
    """Every rule that did not allow must be expected by name, so that no case passes for a reason not its own."""
    found, verdict = strictest_by_rule(decision), decision.verdict
    differences = [] if verdict is case.verdict else [f"verdict is {verdict}, expected {case.verdict}"]
    for rule in sorted(found.keys() | case.findings.keys()):
        says, expected = found.get(rule, Verdict.ALLOW), case.findings.get(rule, Verdict.ALLOW)
        if says is not expected:
            differences.append(f"rule `{rule}` says {says}, expected {expected}")
    if case.approvals is not None and decision.approvals_needed != case.approvals:
        differences.append(f"{decision.approvals_needed} guardians are asked, expected {case.approvals}")
    return differences


def _case(
    row: Table, prices: Mapping[TokenId, int], held: Mapping[TokenId, int], document: PolicyDocument
) -> PolicyCase:
    with row:
        findings = row.table("findings")
        return PolicyCase(
            name=row.text("name"),
            scenario=_scenario(row, prices, held, document),
            verdict=Verdict(row.choice("expect", tuple(Verdict))),
            findings={rule: Verdict(findings.choice(rule, tuple(Verdict))) for rule in list(findings.keys())},
            approvals=row.integer("guardians") if row.has("guardians") else None,
        )


def _scenario(
    row: Table, prices: Mapping[TokenId, int], held: Mapping[TokenId, int], document: PolicyDocument
) -> Scenario:
    decimals = _decimals(document)
    balances = {token: 10**6 * 10**places for token, places in decimals.items()}
    now = parse_moment(row.text("at"), row.path("at")) if row.has("at") else NOW
    return Scenario(
        intents=_intents(row, document),
        balances={**balances, **held, **_amounts(row, "balances", decimals)},
        prices_e8=prices,
        past=tuple(_outflow(text, document, row.path("past"), now) for text in row.texts("past", ())),
        waiting=tuple(_waiting(text, document, row.path("waiting")) for text in row.texts("waiting", ())),
        stale=frozenset(_token(text, document, row.path("stale")) for text in row.texts("stale", ())),
        arrives_bps=parse_bps(row.text("arrives", "100 %"), row.path("arrives")),
        revert=row.text("reverts", ""),
        supplied=_amounts(row, "supplied", decimals),
        left=_amounts(row, "left", decimals),
        owes=row.flag("owes", False),
        actor=row.text("asked_by", ""),
        opinions=_opinions(row, document),
        denied=tuple(address_of(each, document) for each in row.texts("denied", ())),
        denied_by=_source(row, document),
        lists_age_seconds=parse_seconds(row.text("lists_age"), row.path("lists_age")) if row.has("lists_age") else 0,
        now=now,
        market=market_scene(row, decimals),
    )


def _source(row: Table, document: PolicyDocument) -> str:
    """The one list that denies; empty for all of them. Raises `BadValue` on one that the policy does not ask for."""
    name, known = row.text("denied_by", ""), document.sanctions.sources if document.sanctions else ()
    if name and name not in known:
        raise BadValue(name, row.path("denied_by"), f"name one of the policy's lists: {', '.join(known) or 'none'}")
    return name


def _amounts(row: Table, key: str, decimals: Mapping[TokenId, int]) -> dict[TokenId, int]:
    amounts = [parse_amount(text, decimals, row.path(key)) for text in row.texts(key, ())]
    return {amount.token: amount.units for amount in amounts}


def _intents(row: Table, document: PolicyDocument) -> tuple[Intent, ...]:
    """`by` labels every value of the request; `amount_by` the amounts alone."""
    by = Label(row.choice("by", tuple(Label), Label.OPERATOR))
    amount_by = Label(row.choice("amount_by", tuple(Label), by))
    return read_requests(row.texts("request"), document, by, amount_by)


def read_requests(
    texts: Sequence[str], document: PolicyDocument, by: Label, amount_by: Label | None = None
) -> tuple[Intent, ...]:
    """Requests such as `pay 2_500 USDC to alice`, in order; `by` labels their values, `amount_by` the amounts alone.
    Raises `InputError` naming the request and the mend."""
    return tuple(_intent(f"intent {n}", text, by, amount_by or by, document) for n, text in enumerate(texts, 1))


def _opinions(row: Table, document: PolicyDocument) -> tuple[Opinion, ...]:
    """`second_says` is what a second model would do; left out, none was asked."""
    if not row.has("second_says"):
        return ()
    said = enumerate(row.texts("second_says"), 1)
    chosen = (_intent(f"intent {n}", text, Label.MODEL, Label.MODEL, document) for n, text in said)
    return (Opinion("a second model", tuple(chosen)),)


def _intent(id_: str, text: str, by: Label, amount_by: Label, document: PolicyDocument) -> Intent:
    reason = Labelled(text, by)
    if found := _PAY.fullmatch(text):
        amount = parse_amount(found[1], _decimals(document), f"request `{text}`")
        return Pay(id_, Labelled(amount.token, by), Labelled(found[2], by), Labelled(amount.units, amount_by), reason)
    if found := _SWAP.fullmatch(text):
        amount = parse_amount(found[1], _decimals(document), f"request `{text}`")
        bought = _token(found[2], document, f"request `{text}`")
        return Swap(id_, Labelled(amount.token, by), Labelled(bought, by), Labelled(amount.units, amount_by), reason)
    for kind, pattern in ((Supply, _SUPPLY), (Withdraw, _WITHDRAW)):
        if found := pattern.fullmatch(text):
            amount, venue = parse_amount(found[1], _decimals(document), f"request `{text}`"), Labelled(found[2], by)
            return kind(id_, Labelled(amount.token, by), Labelled(amount.units, amount_by), venue, reason)
    mend = "write `pay 2_500 USDC to alice`, `swap 1 WETH to USDC`, `supply 500 USDC to aave` or `withdraw … from aave`"
    raise Unparseable(text, mend)


def _outflow(text: str, document: PolicyDocument, where: str, now: int) -> Outflow:
    found = _PAST.fullmatch(text)
    if not found:
        raise BadValue(text, where, "write for example `20_000 USDC to bob 3 days ago`")
    amount = parse_amount(found[1], _decimals(document), where)
    recipient, age = address_of(found[2], document), parse_seconds(found[3], where)
    return Outflow(amount.token, recipient, amount.units, now - age, to_digest(keccak(text.encode())))


def _waiting(text: str, document: PolicyDocument, where: str) -> tuple[Address, Amount]:
    found = _WAITING.fullmatch(text)
    if not found:
        raise BadValue(text, where, "write for example `20_000 USDC to bob`")
    return address_of(found[2], document), parse_amount(found[1], _decimals(document), where)


def _token(text: str, document: PolicyDocument, where: str) -> TokenId:
    if text not in document.tokens:
        raise BadValue(text, where, "name a listed token: " + ", ".join(f"`{token}`" for token in document.tokens))
    return TokenId(text)


def _price(row: Table, token: str) -> int:
    return parse_units(row.text(token), _E8_DECIMALS, row.path(token))


def _decimals(document: PolicyDocument) -> dict[TokenId, int]:
    return {id_: listed.token.decimals for id_, listed in document.tokens.items()}
