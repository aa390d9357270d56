"""Everything that the page tells, gathered once: documents, chain, ledger, story."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from guardians.report.chain import Seen, Unseen, look, unexplained
from guardians.report.holdings import Picture, picture, recorded_facts
from guardians.report.record import Record, read_record
from guardians.report.story import Asked, Signing, explained, signings, tell
from strongroom.errors import BadValue
from strongroom.ledger.checkpoint import Head
from strongroom.ledger.entries import Entry
from strongroom.model import Facts, Outflow, TokenId
from strongroom.settings import Mandate, Treasury, Weight

if TYPE_CHECKING:
    from guardians.report.breaker import Happening
    from policies.terms import PolicyDocument


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to, not including, `until`, both Unix seconds; `name` is how people call it."""

    name: str
    since: int
    until: int

    def holds(self, at: int) -> bool:
        return self.since <= at < self.until


def month(text: str) -> Period:
    """`2026-11` in UTC. Raises `BadValue`."""
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadValue(text, "a month", "write it as `2026-11`") from error
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return Period(f"{first:%B %Y}", int(first.timestamp()), int(after.timestamp()))


@dataclass(frozen=True, slots=True)
class Contents:
    """What the page is made of. `entries` and `asks` are those of the period; `record` is the whole log, since a proof
    needs all of it. Pictures are missing where no facts were recorded or can still be read."""

    treasury: Treasury
    document: PolicyDocument
    mandate: Mandate | None
    chain: Seen | Unseen
    record: Record
    period: Period | None
    entries: tuple[Entry, ...]
    asks: tuple[Asked, ...]
    signings: tuple[Signing, ...]
    before: Picture | None
    after: Picture | None
    unexplained: tuple[Outflow, ...] | None

    @property
    def breaker(self) -> Sequence[Happening]:
        """Every pause, fall, new key and new mark of the period, as the chain has them."""
        story = self.chain.breaker if isinstance(self.chain, Seen) else None
        found = story.happenings if story else ()
        return [each for each in found if self.period is None or self.period.holds(each.at)]

    @property
    def facts(self) -> Facts | None:
        """The chain's facts now, if it answered."""
        return self.chain.facts if isinstance(self.chain, Seen) else None

    @property
    def anchored(self) -> Head | None:
        """The head that the chain holds, if it holds one."""
        anchor = self.chain.anchor if isinstance(self.chain, Seen) else None
        return anchor.head if anchor and anchor.head.size else None

    @property
    def weights(self) -> Mapping[TokenId, Weight]:
        return _weights(self.mandate)


def gather(folder: Path, period: Period | None = None) -> Contents:
    """Reads the documents in `folder`, the chain, and the ledger of their state folder. Raises `InputError` for
    documents or a ledger that are not there; a chain that does not answer and a damaged ledger are told on the page."""
    from guardians.documents import open_documents

    treasury, document = open_documents(folder)
    mandate = _mandate(folder, document)
    # The chain first: the log only grows, so it must hold at least the head that the chain had before.
    chain = look(folder)
    record = read_record(treasury.state_dir / "ledger", chain.heads)
    entries = tuple(entry for entry in record.entries if period is None or period.holds(entry.link.at))
    asks = tuple(each for each in tell(record.entries) if period is None or period.holds(each.at))
    before, after = _pictures(entries, chain, document, mandate, period)
    return Contents(
        treasury=treasury,
        document=document,
        mandate=mandate,
        chain=chain,
        record=record,
        period=period,
        entries=entries,
        asks=asks,
        signings=tuple(signings(entries)),
        before=before,
        after=after,
        unexplained=unexplained(chain.facts, explained(record.entries)) if isinstance(chain, Seen) else None,
    )


def _mandate(folder: Path, document: PolicyDocument) -> Mandate | None:
    """A guardian may keep treasury.toml and policy.toml alone; the page then knows no targets."""
    from strongroom.documents import read
    from strongroom.settings import load_mandate

    if not (folder / "mandate.toml").is_file():
        return None
    decimals = {token: listed.token.decimals for token, listed in document.tokens.items()}
    return load_mandate(read(folder / "mandate.toml"), decimals)


def _weights(mandate: Mandate | None) -> Mapping[TokenId, Weight]:
    return mandate.weights if mandate else {}


def _pictures(
    entries: tuple[Entry, ...],
    chain: Seen | Unseen,
    document: PolicyDocument,
    mandate: Mandate | None,
    period: Period | None,
) -> tuple[Picture | None, Picture | None]:
    """Before is the first thing the period's log saw; after is the chain now, or for a month the last it saw."""
    first, last = recorded_facts(entries), recorded_facts(reversed(entries))
    if period is None and isinstance(chain, Seen):
        last = chain.facts
    before, after = (picture(each, document, _weights(mandate)) if each else None for each in (first, last))
    return before, after
