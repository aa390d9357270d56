"""What had left by a row's time, kept so that a row asks only for what its own rules can count."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from policies.case import Case
from policies.conversions import Conversion
from policies.effects import Exchange
from policies.terms import PolicyDocument
from strongroom.model import Address, Outflow, TokenId

Key = tuple[TokenId, str]
_ANYBODY = ""


class Past:
    """Outflows oldest first. What a payee got lies apart for each class, what anybody else got in one place."""

    def __init__(self, document: PolicyDocument) -> None:
        self._document, self._reach = document, document.history_seconds()
        self._every: list[tuple[int, int, Outflow]] = []
        self._by_key = defaultdict[Key, list[tuple[int, int, Outflow]]](list)
        self._by_recipient = defaultdict[Address, list[tuple[int, int, Outflow]]](list)

    def add(self, outflow: Outflow) -> None:
        """No older than any that was added before."""
        entry = (outflow.timestamp, len(self._every), outflow)
        self._every.append(entry)
        self._by_key[outflow.token, self._class(outflow.recipient)].append(entry)
        self._by_recipient[outflow.recipient].append(entry)

    def whole(self, now: int) -> tuple[Outflow, ...]:
        """All that facts would have known at `now`."""
        return tuple(each[2] for each in self._young(self._every, now))

    def relevant(self, case: Case, in_usd: bool) -> tuple[Outflow, ...]:
        """Those of `whole` that can change a finding on this case: of its tokens, to its classes or to strangers, who
        count in every class; and all that its recipients got. `in_usd`: a limit in USD is judged, which counts all."""
        now = case.facts.block.timestamp
        if in_usd and self._document.outflow is not None:
            return self.whole(now)
        recipients = {payment.recipient for payment in case.payments}
        kinds = {(payment.token, self._class(payment.recipient)) for payment in case.payments}
        kinds |= {(move.token_in, _ANYBODY) for move in case.moves if isinstance(move, Exchange | Conversion)}
        found = {each[1]: each for key in self._keys(kinds) for each in self._young(self._by_key[key], now)}
        found |= {each[1]: each for to in recipients for each in self._young(self._by_recipient[to], now)}
        return tuple(found[place][2] for place in sorted(found))

    def _keys(self, kinds: set[Key]) -> set[Key]:
        """What goes to no payee may count in any class."""
        open_to_all = {token for token, name in kinds if name == _ANYBODY}
        strangers = {(token, _ANYBODY) for token, _ in kinds}
        return kinds | strangers | {key for key in tuple(self._by_key) if key[0] in open_to_all}

    def _young(self, entries: list[tuple[int, int, Outflow]], now: int) -> list[tuple[int, int, Outflow]]:
        return entries[bisect_right(entries, now - self._reach, key=lambda each: each[0]) :]

    def _class(self, recipient: Address) -> str:
        payee = self._document.payee_at(recipient)
        return payee.bucket_class if payee else _ANYBODY
