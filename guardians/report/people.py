"""What people did and what still guards the money: approvals, transfers without an entry, Safe and Kernel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from guardians.report.chain import Seen
from guardians.report.contents import Contents
from guardians.report.markup import Markup, join, tag
from guardians.report.naming import holder, moment
from guardians.report.plainly import amount, usd
from guardians.report.story import Signing
from policies.document import document_hash
from strongroom.model import Facts, Outflow, WatchState
from strongroom.plain import to_plain
from strongroom.protocols.breaker import BreakerEvent, Observed, Paused, Rebased, Rekeyed, Tripped
from strongroom.protocols.owner_guard_events import ChangeVetoed, GuardEvent
from strongroom.quantities import format_seconds

_SHOWN = 8


def approvals(contents: Contents) -> Markup:
    """Who signed what and who stopped the agent, owners who did nothing included."""
    owners = contents.facts.safe.owners if contents.facts else contents.document.guardians.members
    names = list(dict.fromkeys([*owners, *(each.guardian for each in contents.signings)]))
    signed = {name: [each for each in contents.signings if each.guardian == name] for name in names}
    rows = (
        tag(
            "tr",
            tag("th", tag("span", name, class_="hash"), scope="row"),
            tag("td", str(len(signed[name])), data_label="Signed"),
            tag("td", _units([(each.unit, each.index) for each in signed[name]]), data_label="Units"),
            tag("td", join(_stops(name, contents)) or _idle(signed[name]), data_label="On chain"),
        )
        for name in names
    )
    head = tag("tr", (tag("th", each, scope="col") for each in ("Guardian", "Signed", "Units", "On chain")))
    return tag(
        "div",
        tag(
            "table",
            tag("caption", "Signatures as the agent saw them on the service or the chain", class_="quiet"),
            tag("thead", head),
            tag("tbody", rows),
        ),
        class_="wide people",
    )


def _units(signed: Sequence[tuple[str, int]]) -> Iterator[Markup | str]:
    for place, (unit, index) in enumerate(signed):
        yield ", " if place else ""
        yield tag("a", unit, href=f"#entry-{index}")


def _stops(guardian: str, contents: Contents) -> Iterator[Markup | str]:
    """What a guardian did to the breaker with an own key."""
    done = [(_act(each.event, guardian), each.at) for each in contents.breaker]
    for place, (act, at) in enumerate((act, at) for act, at in done if act):
        yield "; " if place else ""
        yield join(f"{act}, ", moment(at))


def _idle(signed: Sequence[Signing]) -> str:
    return "" if signed else "nothing in this time"


def _act(event: BreakerEvent | GuardEvent, guardian: str) -> str:
    if isinstance(event, GuardEvent):
        return "vetoed a change of the Safe" if isinstance(event, ChangeVetoed) and event.owner == guardian else ""
    if isinstance(event, Rekeyed | Rebased) or event.by != guardian:
        return ""
    return {Paused: "paused the Kernel", Observed: "observed a fall", Tripped: "tripped the watch"}.get(type(event), "")


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
    yield from _watch(contents, facts)
    yield "Owners' guard", _guard(contents)
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


def _guard(contents: Contents) -> Markup | str:
    found = contents.chain.announced if isinstance(contents.chain, Seen) else None
    if found and found.guard:
        delay = format_seconds(found.guard.delay_seconds)
        words = f" who commands the Safe changes {delay} after it was announced, and each owner can veto it"
        return join(tag("span", found.guard.address, class_="hash"), words)
    if found and found.foreign:
        return join(tag("span", found.foreign, class_="hash"), " is a guard of somebody else's")
    return "none: whoever holds enough of the owners' keys changes who commands the Safe at once"


def _watch(contents: Contents, facts: Facts) -> Iterator[tuple[str, Markup | str]]:
    named, watch = contents.treasury.watch, facts.watch
    if named is None:
        if contents.treasury.kernel is not None:
            yield "Watch", "none: a fall of the treasury stops nothing by itself"
        return
    if watch is None:
        yield "Watch", join(tag("span", named, class_="hash"), " does not answer as a watch")
        return
    yield "Watch", join(tag("span", watch.address, class_="hash"), f" {_watched(watch, facts)}")
    yield "Its mark", f"{usd(watch.mark_e8)}, its floor {usd(watch.floor_e8)}"


def _watched(watch: WatchState, facts: Facts) -> str:
    if watch.wealth_e8 is None:
        return "counts nothing while a price is missing"
    counts = f"counts {usd(watch.wealth_e8)}"
    if not watch.has_fallen:
        return f"{counts}, at its floor or above"
    paused = facts.kernel is not None and facts.kernel.paused
    return f"{counts}, below its floor: {'a re-key needs a new mark' if paused else 'anybody can pause the Kernel'}"
