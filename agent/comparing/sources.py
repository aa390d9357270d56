"""Price sources against policy.toml: those that it names, and those that the watch counts by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agent.blueprint import plan_source, price_terms
from agent.comparing.fields import Comparison, Contract, Field, Reading, code_fields, is_ours, shown
from agent.comparing.installed import Installed
from strongroom.model import Address, TokenId
from strongroom.ports import Read
from strongroom.protocols.price_source import PriceTerms, terms_reads
from strongroom.protocols.watch import watched_read
from strongroom.quantities import format_bps, format_seconds

_MEND = "name the source that `strongroom policy deploy` plans"
_WATCH_MEND = "`strongroom policy update` plans the watch of this policy"


@dataclass(frozen=True, slots=True)
class Source:
    """A price source as `holder` names it, with the terms and the address that it should have."""

    address: Address
    token: TokenId
    terms: PriceTerms
    planned: Address
    holder: str
    mend: str


def reads(installed: Installed) -> tuple[Read[Any], ...]:
    """All that `compare` asks where the sources are as planned; others are asked once they are known."""
    plan = installed.watch_plan
    planned = [each.address for each in plan.sources.values()] if plan else []
    addresses = dict.fromkeys([*(each.address for each in _named(installed)), *planned])
    return tuple(read for address in addresses for read in terms_reads(address))


def compare(reading: Reading, installed: Installed) -> Iterator[Comparison]:
    """Every field of each source; one that policy and watch both use is compared once."""
    seen: set[tuple[Address, PriceTerms]] = set()
    for source in (*_named(installed), *_counted(reading, installed)):
        if (source.address, source.terms) not in seen:
            seen.add((source.address, source.terms))
            yield _compared(reading, source)


def _named(installed: Installed) -> Iterator[Source]:
    document, known = installed.document, installed.known
    for listed in document.tokens.values():
        if listed.source:
            planned, terms = plan_source(listed, document, known).address, price_terms(listed, document, known)
            yield Source(listed.source, listed.token.id, terms, planned, "policy.toml", _MEND)


def _counted(reading: Reading, installed: Installed) -> Iterator[Source]:
    """What the watch itself names for each token that it should count; one of other code can name anything."""
    plan, watch = installed.watch_plan, installed.watch
    if plan is None or watch is None or not is_ours(tuple(code_fields(reading, Contract.WATCH, watch))):
        return
    (watched,) = reading.values([watched_read(watch)])
    sources = {each.token: each.source for each in watched or ()}
    for id_, terms in plan.terms.items():
        if (address := sources.get(terms.token)) is not None:
            yield Source(address, id_, terms, plan.sources[id_].address, "the watch", _WATCH_MEND)


def _compared(reading: Reading, source: Source) -> Comparison:
    """Our code with these terms, at the address that commits to both: a copy's private constants could lie."""
    name = f"price source of `{source.token}`"
    fields = tuple(code_fields(reading, Contract.PRICE_SOURCE, source.address, name))
    if is_ours(fields):
        address = Field("the address", source.planned, source.address, source.mend, source.holder, f"the {name}")
        fields = (*fields, *_terms(reading, source, name), address)
    return Comparison(Contract.PRICE_SOURCE, name, source.address, fields)


def _terms(reading: Reading, source: Source, name: str) -> Iterator[Field]:
    ours, values = _written(source.terms), reading.values(terms_reads(source.address))
    found = _written(PriceTerms(*values)) if None not in values else dict.fromkeys(ours, shown(None))
    for term, text in ours.items():
        yield Field(f"`{term}`", text, found[term], source.mend, source.address, f"the {name}")


def _written(terms: PriceTerms) -> dict[str, str]:
    return {
        "token": terms.token,
        "decimals": str(terms.decimals),
        "first_feed": terms.first_feed,
        "second_feed": terms.second_feed,
        "first_max_age": format_seconds(terms.first_max_age_seconds),
        "second_max_age": format_seconds(terms.second_max_age_seconds),
        "max_deviation": format_bps(terms.max_deviation_bps),
        "sequencer": shown(terms.sequencer),
    }
