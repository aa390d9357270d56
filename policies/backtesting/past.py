"""What had left by a row's time: in running sums for the caps, and one by one where a rule looks at each."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from policies.case import Case
from policies.conversions import Conversion
from policies.dues import ordered_terms, terms_of_payment
from policies.effects import Exchange
from policies.metered import of_outflows
from policies.spending import Running
from policies.terms import PolicyDocument
from strongroom.model import Address, Outflow, TokenId

Entry = tuple[int, int, Outflow]
"""Unix second, place among all, and the outflow."""


class Past:
    """Outflows oldest first. `running` sums what equals no standing order: what does may be its payment or not, which
    each row's rules find out anew."""

    def __init__(self, document: PolicyDocument) -> None:
        self._document, self._reach = document, document.history_seconds()
        self._ordered = ordered_terms(document)
        self._looks_at_each = document.newcomers is not None or any(
            payee.pace.reach_seconds for payee in document.payees.values()
        )
        self.running = Running(document)
        self._every: list[Entry] = []
        self._like_orders: list[Entry] = []
        self._by_recipient = defaultdict[Address, list[Entry]](list)
        self._by_token = defaultdict[TokenId, list[Entry]](list)

    def add(self, outflow: Outflow) -> None:
        """No older than any that was added before."""
        entry = (outflow.timestamp, len(self._every), outflow)
        self._every.append(entry)
        self._by_recipient[outflow.recipient].append(entry)
        self._by_token[outflow.token].append(entry)
        if terms_of_payment(outflow) in self._ordered:
            self._like_orders.append(entry)
        else:
            for metered in of_outflows((outflow,), self._document):
                self.running.add(metered)

    def whole(self, now: int) -> tuple[Outflow, ...]:
        """All that facts would have known at `now`."""
        return tuple(each[2] for each in self._young(self._every, now))

    def relevant(self, case: Case, in_usd: bool) -> tuple[Outflow, ...]:
        """Those of `whole` that can change a finding on this case beside `running`: what equals an order, and where the
        policy has paces or newcomers what its recipients got, and what was sold or lent of its tokens. `in_usd`: a
        limit in USD is judged, which prices each anew."""
        now = case.facts.block.timestamp
        if in_usd and self._document.outflow is not None:
            return self.whole(now)
        lists = [self._like_orders, *(self._looked_at(case) if self._looks_at_each else ())]
        return self._merged(self._young(each, now) for each in lists)

    def _looked_at(self, case: Case) -> Iterator[list[Entry]]:
        for recipient in {payment.recipient for payment in case.payments}:
            yield self._by_recipient[recipient]
        for token in {move.token_in for move in case.moves if isinstance(move, Exchange | Conversion)}:
            yield self._by_token[token]

    def _young(self, entries: list[Entry], now: int) -> list[Entry]:
        return entries[bisect_right(entries, now - self._reach, key=lambda each: each[0]) :]

    @staticmethod
    def _merged(lists: Iterable[list[Entry]]) -> tuple[Outflow, ...]:
        found = {each[1]: each[2] for entries in lists for each in entries}
        return tuple(found[place] for place in sorted(found))
