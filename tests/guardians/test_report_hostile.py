"""What strangers wrote stays text, and a log of any shape gives a page: nobody's bytes are trusted to be ours."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardians.report.contents import Contents, gather
from guardians.report.happened import happened
from guardians.report.holdings import recorded_facts
from guardians.report.markup import LONGEST, tag, visible
from guardians.report.page import render
from guardians.report.plainly import margin
from guardians.report.story import Asked, Fate, Signing, Told, signings, tell
from policies.document import load
from policies.scenario import Scenario, facts_of
from policies.terms import PolicyDocument
from strongroom.clock import SetClock
from strongroom.ledger.entries import NO_BINDING, Entry, Link
from strongroom.ledger.file_ledger import FileLedger
from strongroom.model import Account, Digest, Facts
from strongroom.plain import to_plain
from strongroom.quantities import format_units
from tests.guardians.pages import Node, Tree

EXAMPLE = Path(__file__).parents[2] / "config"
AT = 1_795_000_000
HOSTILE = (
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></pre></svg></desc>",
    "<!--", "]]>", "&lt;b&gt;", "&#x202e;",
    "\u202ereversed\u2066", "zero\u200bwidth", "bell\x07 null\x01 line\nfeed\r",
    "x" * 5_000,
)  # fmt: skip
LURKING = tuple("\u202e\u2066\u200b\x07\x01\r")


def folder_of(home: Path) -> Path:
    """The example's documents, with a state folder of their own and no node that answers."""
    home.mkdir(parents=True)
    for name in ("treasury.toml", "policy.toml", "mandate.toml"):
        text = (EXAMPLE / name).read_text()
        text = text.replace("~/.strongroom/hall", str(home / "state")).replace(":8545", ":9")
        (home / name).write_text(text)
    return home


def document() -> PolicyDocument:
    return load((EXAMPLE / "policy.toml").read_text())


def facts(policy: PolicyDocument) -> Facts:
    return facts_of(Scenario((), dict.fromkeys(policy.tokens, 10**24), {}), policy)


def write_log(folder: Path, evil: str) -> None:
    """One ask whose every text is `evil`, through the ledger's own door."""
    policy = document()
    plain = to_plain(facts(policy))
    plain["tokens"] |= {evil: {"decimals": 6}} if evil.isascii() else {}
    label = {"kind": "Labelled", "label": "external"}
    pay = {key: {**label, "value": evil} for key in ("token", "payee", "reason")}
    intent = {"kind": "Pay", "id": evil, "amount_units": {**label, "value": 7_000_000}, **pay}
    unit = {"id": "u-1", "intents": [intent, {"kind": evil, "what": {**label, "value": evil}}]}
    finding = {"rule": evil, "verdict": evil, "reason": evil, "measured": evil, "limit": evil}
    with closing(FileLedger.open(folder / "state" / "ledger", policy.account, SetClock(AT), {"mode": evil})) as ledger:
        asked = ledger.append("tool.req", {"tool": "chat", "operator": evil}).index
        plan = {"plan": {"actor": evil, "rationale": evil, "units": [unit]}, "facts": plain}
        planned = ledger.append("tool.res", plan, cause=asked).index
        looked = ledger.append("tool.req", {"tool": "observe", "unit": "u-1"}, cause=planned).index
        seen = ledger.append("tool.res", {"facts": plain}, cause=looked).index
        outcome = {"success": False, "revert": evil, "deltas": [{"holder": evil, "token": evil, "units": -1}]}
        ledger.append("rehearsal", {"unit": "u-1", "outcome": outcome, "action": {"kind": evil}}, cause=seen)
        verdict = {"unit": "u-1", "mode": evil, "decision": {"verdict": "ask", "findings": [finding]}}
        ledger.append("verdict", verdict, cause=seen)
        people = ledger.append("human.req", {"unit": "u-1", "proposal": evil, "nonce": 3}, cause=seen).index
        answer = {"unit": "u-1", "event": evil, "approvals": [{"guardian": evil, "signature": evil}]}
        ledger.append("human.res", answer, cause=people)
        failed = ledger.append("tool.req", {"tool": "plan", "ask": {"actor": evil}}).index
        ledger.append("gap", {"why": evil}, cause=failed)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_in_a_recorded_run_stays_text(tmp_path: Path, number: int) -> None:
    folder, evil = folder_of(tmp_path / "home"), HOSTILE[number]
    write_log(folder, evil)
    page = render(gather(folder), AT)
    tree = Tree(page).root
    assert visible(evil) in tree.one("section", id="happened").text
    assert visible(evil) in tree.one("section", id="approvals").text
    assert not [each for each in LURKING if each in page]
    assert_quiet(tree)


def assert_quiet(tree: Node) -> None:
    for node in tree.all():
        assert node.tag not in {"script", "img", "iframe", "b", "form", "object"}
        assert not {name for name in node.attributes if name.startswith("on") or name in ("src", "style")}
        assert node.attributes.get("href", "#").startswith("#")


@dataclass(frozen=True)
class Calm:
    """A page's contents that property tests may print in a word."""

    contents: Contents = field(repr=False)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    folder = folder_of(tmp_path_factory.mktemp("hostile") / "home")
    write_log(folder, "calm")
    return Calm(gather(folder))


def skeleton(tree: Node) -> list[tuple[str, tuple[str, ...]]]:
    return [(node.tag, tuple(node.attributes)) for node in tree.all()]


def told_with(contents: Contents, text: str) -> Contents:
    """A page whose every text from outside is `text`."""
    intent = {"kind": "Pay", **{key: {"value": text} for key in ("token", "payee", "reason")}}
    finding = dict.fromkeys(("rule", "verdict", "reason", "measured", "limit"), text)
    mined = {"deltas": [{"holder": text, "token": text, "units": 5}], "as_rehearsed": False}
    decision = {"verdict": text, "findings": [finding]}
    unit = Told(
        text, (intent,), Fate.EXECUTED, "owner", text, decision, {}, 1, text, (text,), mined, text, text, entries=[1]
    )
    asked = Asked(0, AT, text, text, {"tokens": {}, "block": {"number": 1}}, [unit], ({"id": text},), text)
    asked.planned = ({"id": text},)
    return replace(contents, asks=(asked,), signings=(Signing(text, text, 1),))


@settings(max_examples=40)
@given(text=st.text(min_size=1).filter(lambda text: "." not in text and margin(text, text) is None))
def test_no_text_changes_the_shape_of_the_page(calm: Calm, text: str) -> None:
    """Whatever is said, the page has the same elements with the same attributes as when something harmless is said."""
    shapes = [skeleton(Tree(render(told_with(calm.contents, each), AT)).root) for each in (text, "x")]
    assert shapes[0] == shapes[1]


@given(text=st.text())
def test_markup_gives_back_what_can_be_seen_and_nothing_unseen(text: str) -> None:
    shown = visible(text)
    node = Tree(tag("p", text, title=text)).root.one("p")
    assert (node.text, node.attributes["title"]) == (shown, shown)
    assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert len(text) <= LONGEST or f"({len(text) - LONGEST} more characters)" in shown


KEYS = (
    "unit", "tool", "plan", "units", "intents", "id", "kind", "token", "amount_units", "value", "decision", "verdict",
    "findings", "measured", "limit", "approvals", "guardian", "deltas", "holder", "mined", "outcome", "action", "facts",
    "tokens", "decimals", "block", "number", "rationale", "actor", "ask", "operator", "why", "nonce", "tx_hash",
    "as_rehearsed", "success", "anchor", "size", "gas_used", "approvals_needed", "event", "mode",
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.sampled_from(("u", "plan", "1" * 90, "-7"))
)
BODIES = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner)),
    max_size=8,
)
KINDS = ("tool.req", "tool.res", "gap", "rehearsal", "verdict", "tx.mined", "tx.sent", "human.req", "human.res")


def entry(index: int, kind: str, body: dict[str, Any], account: Account) -> Entry:
    link = Link(account, "run", index, NO_BINDING, index - 1 if index else None, AT)
    return Entry(index, kind, Digest("0x" + NO_BINDING), link, body, (), b"")


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """The beginning of a run, so that what follows finds a unit to be about."""
    yield "tool.req", {"tool": "plan"}
    yield "tool.res", {"plan": {"units": [{"id": "u", "intents": [{"kind": "Pay"}]}]}, "facts": {"tokens": {"u": 1}}}
    yield "tool.req", {"unit": "u"}


@settings(max_examples=40)
@given(
    rest=st.lists(
        st.tuples(st.sampled_from(KINDS), BODIES.map(lambda body: {**body, "unit": "u"}) | BODIES), max_size=6
    )
)
def test_entries_of_any_shape_are_told_without_failing(calm: Calm, rest: list[tuple[str, dict[str, Any]]]) -> None:
    account = calm.contents.document.account
    entries = [entry(index, *each, account) for index, each in enumerate([*steps(), *rest])]
    told = replace(calm.contents, asks=tell(entries), signings=tuple(signings(entries)))
    assert Tree(happened(told)).root.one("span", class_="id").text == "u"
    assert recorded_facts(entries) is None


@given(have=st.integers(0, 10**30), most=st.integers(0, 10**30), decimals=st.sampled_from((0, 2, 6, 18)))
def test_a_margin_is_exact_to_the_last_unit(have: int, most: int, decimals: int) -> None:
    written = [f"{format_units(each, decimals)} USDC" for each in (have, most)]
    found = margin(*written)
    assert found is not None
    gap = int(found.gap.split()[0].replace(",", "").replace(".", ""))
    digits = max(len(each.split()[0].partition(".")[2]) for each in written)
    assert gap * 10**decimals == abs(have - most) * 10 ** len(found.gap.split()[0].partition(".")[2]) or decimals == 0
    assert digits >= 2
    assert (found.above, found.equal) == (have > most, have == most)
    assert found.share == (have * 10_000 // most if most else None)


def test_margins_of_different_units_are_not_compared() -> None:
    assert margin("5 payments", "5 asked for") is None
    assert margin("1.00 gwei", "150.00 gwei") is not None
    assert margin("unlimited", "1.00 USDC") is None
    assert margin("٣ USDC", "4 USDC") is None


def test_facts_of_an_earlier_version_are_still_drawn() -> None:
    """What this version added to facts is not in old entries; balances and prices are all that a picture needs."""
    policy = document()
    old = to_plain(facts(policy))
    for each in fields(Facts):
        if each.name not in ("account", "block", "safe", "tokens", "balances", "rounds", "gas"):
            del old[each.name]
    found = recorded_facts([entry(0, "tool.res", {"facts": old}, policy.account)])
    assert found is not None
    assert found.balances == facts(policy).balances
