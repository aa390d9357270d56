"""The page: one file, no script, nothing fetched. A hash of its own style sheet is all that its policy admits."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from guardians.announced_wording import loud_lines
from guardians.report.allocation import allocation
from guardians.report.chain import Unseen
from guardians.report.contents import Contents
from guardians.report.evidence import evidence, standing
from guardians.report.happened import CLOCKS_AGREE_SECONDS, happened
from guardians.report.markup import Markup, join, tag, trusted
from guardians.report.naming import moment
from guardians.report.people import approvals, protection, unexplained
from guardians.report.plainly import mapping, number, usd
from guardians.report.story import Fate
from strongroom.mandate import monthly_need, runway_months

_STYLE = Path(__file__).with_name("style.css")
_PLACES = (
    ("happened", "What happened"),
    ("allocation", "Allocation"),
    ("approvals", "Approvals"),
    ("unexplained", "Without an entry"),
    ("protection", "Protection"),
    ("record", "Record"),
)


def render(contents: Contents, made_at: int) -> str:
    """The whole document; `made_at` is Unix seconds."""
    style = _STYLE.read_text(encoding="utf-8")
    return join(trusted("<!doctype html>\n"), tag("html", _head(contents, style), _body(contents, made_at), lang="en"))


def _head(contents: Contents, style: str) -> Markup:
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", f"{contents.treasury.name}: treasury report"),
        tag("style", trusted(style)),
    )


def _body(contents: Contents, made_at: int) -> Markup:
    return tag(
        "body",
        _opening(contents),
        tag(
            "main",
            _section("happened", "What happened, and why", happened(contents)),
            _section("allocation", "Allocation, before and after", allocation(contents)),
            _section("approvals", "Approvals by guardian", approvals(contents)),
            _section("unexplained", "Money that left without an entry", unexplained(contents)),
            _section("protection", "What guards the treasury", protection(contents)),
            _section("record", "The record and its proofs", evidence(contents)),
        ),
        tag("footer", tag("p", "Made ", moment(made_at), " by Strongroom from its ledger and a node. ", _ends())),
    )


def _ends() -> str:
    return "Amounts are exact; values in USD are rounded down. The contracts are unaudited."


def _section(name: str, title: str, *children: Markup) -> Markup:
    return tag("section", tag("h2", title, id=f"{name}-title"), *children, id=name, aria_labelledby=f"{name}-title")


def _opening(contents: Contents) -> Markup:
    return tag(
        "header",
        tag("p", "Treasury report", class_="eyebrow"),
        tag("h1", contents.treasury.name),
        tag("p", _span(contents), class_="span"),
        standing(contents),
        _announced(contents),
        _warning(contents),
        tag("dl", (_tile(*each) for each in _tiles(contents)), class_="tiles"),
        tag("nav", (tag("a", words, href=f"#{name}") for name, words in _PLACES), aria_label="On this page"),
        class_="opening",
    )


def _announced(contents: Contents) -> Markup | None:
    """Whoever may veto a change of who commands the Safe, or of what the agent may do, must not miss it."""
    if isinstance(contents.chain, Unseen):
        return None
    found, at = contents.chain.announced, contents.chain.facts.block.timestamp
    lines = tuple(loud_lines(found, at, contents.document))
    whose = "What the agent may do" if found.kernel_pending else "Who commands the Safe"
    both = "Who commands the Safe, and what the agent may do," if found.pending and found.kernel_pending else whose
    words = f"{both} is about to change, unless an owner vetoes it:"
    listed = tag("ul", (tag("li", each) for each in lines))
    return tag("div", tag("strong", words), listed, class_="banner fault", role="alert") if lines else None


def _warning(contents: Contents) -> Markup | None:
    if not contents.unexplained:
        return None
    count = len(contents.unexplained)
    words = f"{count} {'transfer' if count == 1 else 'transfers'} out of the Safe without an entry in this log"
    return tag("p", tag("a", words, href="#unexplained"), class_="note")


def _span(contents: Contents) -> Iterator[Markup | str]:
    if contents.period is not None:
        yield f"{contents.period.name}. "
    if not contents.entries:
        yield "Nothing was recorded."
        return
    first, last = contents.entries[0].link.at, contents.entries[-1].link.at
    yield join(moment(first), " to ", moment(last))
    yield from _chain_span(contents, first)


def _chain_span(contents: Contents, first: int) -> Iterator[Markup | str]:
    """When it was on the chain, where that is another time: on a local world, whose clock is moved."""
    blocks = (mapping(each.facts.get("block")) for each in contents.asks)
    times = [at for block in blocks if (at := number(block.get("timestamp"))) is not None]
    times += [each.at for each in contents.breaker]
    last = contents.entries[-1].link.at
    if times and max(abs(min(times) - first), abs(max(times) - last)) > CLOCKS_AGREE_SECONDS:
        yield join("; by the chain's clock ", moment(min(times)), " to ", moment(max(times)))


def _tile(value: str, name: str, more: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value, tag("small", more) if more else None))


def _tiles(contents: Contents) -> Iterator[tuple[str, str, str]]:
    """Intents, not units: a payroll of five counts five."""
    fates: Counter[Fate] = Counter()
    lanes: Counter[str] = Counter()
    for unit in (unit for asked in contents.asks for unit in asked.units):
        fates[unit.fate] += len(unit.intents)
        lanes[unit.lane] += len(unit.intents) if unit.fate is Fate.EXECUTED else 0
    yield str(fates[Fate.EXECUTED]), "carried out", f"{lanes['agent']} alone, {lanes['owner']} with guardians"
    yield str(fates[Fate.DENIED]), "denied", "by the policy"
    yield str(fates[Fate.WAITING]), "waiting", "for guardians"
    if fates[Fate.REJECTED]:
        yield str(fates[Fate.REJECTED]), "rejected", "by guardians"
    if contents.after is not None and contents.after.nav_e8 is not None:
        yield usd(contents.after.nav_e8).removesuffix(" USD"), "USD held", "at the lower prices"
    yield from _runway(contents)


def _runway(contents: Contents) -> Iterator[tuple[str, str, str]]:
    mandate, after = contents.mandate, contents.after
    need = monthly_need(mandate) if mandate else {}
    if mandate is None or after is None or not need:
        return
    held = {token: each.units for token, each in after.holdings.items() if each.units is not None}
    if set(need) <= set(held):
        yield str(runway_months(mandate, held)), "months of payroll", f"the mandate keeps {mandate.runway_months}"
