"""What may leave the treasury in USD, over all tokens and classes together: the table [outflow], and what must hold.

A second fence around the caps, for whoever reads the treasury in dollars: many small leaks in many tokens add up here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.usd import parse_usd_e8, parse_usd_per_time, written_usd, written_usd_per_time
from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import TokenId

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_COMMENT = """\
# What may leave in USD, all tokens and classes together, at today's higher price: `at_once` in one moment, `cap` at the
# very most in any window, as in the caps above. Past that guardians are asked; `never_above` holds for one unit,
# whoever signs. Standing orders take room, and pass without it when nothing else leaves beside them. What is swapped
# or lent does not leave; what swaps lose is limited in [swaps]. With this table a payment needs healthy prices;
# `unpriced` names the tokens that do not count. Ether that left is in no log, so it counts only until it has left."""


@dataclass(frozen=True, slots=True)
class OutflowLimit:
    """USD scaled by 1e8: a leaky bucket of `at_once_e8`, out of which any window sees at most `cap_e8`. No single unit
    lets more than `never_e8` leave. Tokens in `unpriced` count nothing."""

    cap_e8: int
    window_seconds: int
    at_once_e8: int
    never_e8: int
    unpriced: tuple[TokenId, ...] = ()

    @property
    def drain_seconds(self) -> int:
        """Time in which all that may leave at once flows back, rounded up."""
        return -(-self.at_once_e8 * self.window_seconds // (self.cap_e8 - self.at_once_e8))

    @property
    def reach_seconds(self) -> int:
        """How far back outflows matter."""
        return max(self.window_seconds, self.drain_seconds)


def outflow(row: Table) -> OutflowLimit | None:
    """The table [outflow], `None` where it is absent."""
    if not row.keys():
        return None
    with row:
        cap_e8, window_seconds = parse_usd_per_time(row.text("cap"), row.path("cap"))
        return OutflowLimit(
            cap_e8=cap_e8,
            window_seconds=window_seconds,
            at_once_e8=parse_usd_e8(row.text("at_once"), row.path("at_once")),
            never_e8=parse_usd_e8(row.text("never_above"), row.path("never_above")),
            unpriced=tuple(map(TokenId, row.texts("unpriced", ()))),
        )


def check_outflow(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction."""
    limit, where = document.outflow, f"[outflow] of {name}"
    if limit is None:
        return
    if not 0 < limit.at_once_e8 * 10 <= limit.cap_e8 * 9:
        mend = "it is more than zero and at most nine tenths of `cap`, or it hardly flows back"
        raise BadValue(written_usd(limit.at_once_e8), f"`at_once` in {where}", mend)
    if limit.never_e8 < limit.at_once_e8:
        raise BadValue(written_usd(limit.never_e8), f"`never_above` in {where}", "it is at least `at_once`")
    _unpriced(document, limit, f"`unpriced` in {where}")


def _unpriced(document: PolicyDocument, limit: OutflowLimit, where: str) -> None:
    for token in limit.unpriced:
        if token not in document.tokens or document.feeds_of(token):
            raise BadValue(token, where, "name listed tokens without price feeds; what has a price counts")
        if limit.unpriced.count(token) > 1:
            raise BadValue(token, where, "name each token once")
    for payee in document.payees.values():
        for token in payee.max_units:
            if token in document.tokens and not document.feeds_of(token) and token not in limit.unpriced:
                mend = f"payee `{payee.id}` may get `{token}`, which has no price; name it here, or give it feeds"
                raise BadValue(list(limit.unpriced), where, mend)


def outflow_lines(limit: OutflowLimit | None) -> Iterator[str]:
    """The table as policy.toml has it; nothing where there is none."""
    if limit is None:
        return
    yield _COMMENT
    yield "[outflow]"
    yield f'cap = "{written_usd_per_time(limit.cap_e8, limit.window_seconds)}"'
    yield f'at_once = "{written_usd(limit.at_once_e8)}"'
    yield f'never_above = "{written_usd(limit.never_e8)}"'
    if limit.unpriced:
        yield f"unpriced = {json.dumps(limit.unpriced)}"
    yield ""
