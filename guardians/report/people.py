"""What people did and what still guards the money: approvals, transfers without an entry, Safe and Kernel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from guardians.report.contents import Contents
from guardians.report.happened import holder, moment
from guardians.report.markup import Markup, join, tag
from guardians.report.plainly import amount
from policies.document import document_hash
from strongroom.model import Facts, Outflow
from strongroom.plain import to_plain
from strongroom.quantities import format_seconds

_SHOWN = 8


def approvals(contents: Contents) -> Markup:
    """Who signed what, owners who signed nothing included."""
    owners = contents.facts.safe.owners if contents.facts else contents.document.guardians.members
    names = list(dict.fromkeys([*owners, *(each.guardian for each in contents.signings)]))
    signed = {name: [each for each in contents.signings if each.guardian == name] for name in names}
    rows = (
        tag(
            "tr",
            tag("th", tag("span", name, class_="hash"), scope="row"),
            tag("td", str(len(signed[name])), data_label="Signed"),
            tag("td", _units([(each.unit, each.index) for each in signed[name]]), data_label="Units"),
        )
        for name in names
    )
    head = tag("tr", (tag("th", each, scope="col") for each in ("Guardian", "Signed", "Units")))
    return tag(
        "div",
        tag(
            "table",
            tag("caption", "As the agent saw them on the service or the chain", class_="quiet"),
            tag("thead", head),
            tag("tbody", rows),
        ),
        class_="wide people",
    )


def _units(signed: Sequence[tuple[str, int]]) -> Iterator[Markup | str]:
    if not signed:
        yield "nothing in this time"
    for place, (unit, index) in enumerate(signed):
        yield ", " if place else ""
        yield tag("a", unit, href=f"#entry-{index}")


def unexplained(contents: Contents) -> Markup:
    """ERC-20 transfers out of the Safe whose transaction this log does not name."""
    facts, found = contents.facts, contents.unexplained
    if facts is None or found is None:
        return tag("p", "The chain did not answer, so this could not be checked.", class_="note")
    reach = format_seconds(contents.document.history_seconds())
    if not found:
        return tag("p", f"Every ERC-20 transfer out of the Safe of the last {reach} has its entry in this log.")
    several = len(found) != 1
    told = f"{len(found)} ERC-20 {'transfers' if several else 'transfer'} out of the Safe in the last {reach} "
    told += f"{'have' if several else 'has'} no entry here. Either the owners sent them themselves, or somebody used "
    told += "the agent's key without its log. Each should be known to one of the owners."
    return join(tag("p", told, class_="note"), _sums(found, facts, contents), _transfers(found, facts, contents))


def _sums(found: Sequence[Outflow], facts: Facts, contents: Contents) -> Markup:
    sums: Counter[tuple[str, str]] = Counter()
    for each in found:
        sums[each.token, holder(each.recipient, contents.document)] += each.units
    tokens = to_plain(facts.tokens)
    lines = (
        tag("li", tag("span", amount(token, units, tokens), class_="figure"), f" to {name}")
        for (token, name), units in sums.items()
    )
    return tag("ul", lines, class_="deltas")


def _transfers(found: Sequence[Outflow], facts: Facts, contents: Contents) -> Markup:
    tokens = to_plain(facts.tokens)
    lines = [
        tag(
            "li",
            tag("span", amount(each.token, each.units, tokens), class_="figure"),
            f" to {holder(each.recipient, contents.document)}, ",
            moment(each.timestamp),
            tag("span", each.tx_hash, class_="hash"),
        )
        for each in found
    ]
    listed = tag("ol", lines, class_="transfers")
    return listed if len(lines) <= _SHOWN else tag("details", tag("summary", f"All {len(lines)} transfers"), listed)


def protection(contents: Contents) -> Markup:
    """Mode, Safe, Kernel and policy, by the chain where it answered."""
    pairs = _protection(contents)
    return tag("dl", ((tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts wide-facts")


def _protection(contents: Contents) -> Iterator[tuple[str, Markup | str]]:
    treasury, facts = contents.treasury, contents.facts
    yield "Mode", f"{treasury.mode}, as treasury.toml says now"
    yield "Safe", join(tag("span", treasury.account.safe, class_="hash"), f" on chain {treasury.account.chain_id}")
    yield "Policy", tag("span", document_hash(contents.document), class_="hash")
    if facts is None:
        return
    yield "Owners", f"{facts.safe.threshold} of {len(facts.safe.owners)} sign for the Safe"
    yield from _kernel(contents, facts)
    foreign = [each for each in facts.safe.modules if each != treasury.kernel]
    if foreign:
        yield "Other modules", tag("ul", (tag("li", each, class_="hash") for each in foreign))


def _kernel(contents: Contents, facts: Facts) -> Iterator[tuple[str, Markup | str]]:
    named, kernel = contents.treasury.kernel, facts.kernel
    if named is None:
        yield "Kernel", "none: nothing moves without the owners' signatures"
        return
    if kernel is None:
        yield "Kernel", join(tag("span", named, class_="hash"), " does not answer as a Kernel")
        return
    state = "paused: only a re-key by the owners ends it" if kernel.paused else "live"
    enabled = "" if kernel.enabled else ", NOT a module of the Safe"
    yield "Kernel", join(tag("span", kernel.address, class_="hash"), f" {state}{enabled}")
    replaced = f" (the key was replaced {kernel.epoch} {'time' if kernel.epoch == 1 else 'times'})"
    yield "Agent's key", join(tag("span", kernel.agent, class_="hash"), replaced if kernel.epoch else "")
    same = kernel.document_hash == document_hash(contents.document)
    yield "Its policy", "the very policy.toml beside this report" if same else "NOT the policy.toml beside this report"
