"""How full a cap is with what has left: added up from a list, or kept running while a history goes by.

Both say the same at every moment; the list is the definition, and the running sums ask no row of a long history for all
the rows before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

from policies.metered import Metered
from policies.terms import Cap, PolicyDocument
from strongroom.model import TokenId


def level(cap: Cap, history: Iterable[Metered], now: int) -> int:
    """The level of the cap's bucket from the history."""
    return fullest(cap.at_once_units, cap.drain_seconds, [(m.timestamp, m.units) for m in history], now)


def fullest(at_once: int, drain_seconds: int, history: Iterable[tuple[int, int]], now: int) -> int:
    """The level of a bucket out of which `at_once` flows back in `drain_seconds`, rounded up: the most that any stretch
    of the history up to now took in beyond what flowed back since. The history is Unix seconds and units."""
    highest, taken = 0, 0
    for timestamp, units in sorted(history, reverse=True):
        taken += units
        if (full := taken - (now - timestamp) * at_once // drain_seconds) > highest:
            highest = full
    return highest


class Running:
    """What left, oldest first, as it counts in each cap of a policy. Asking takes time with the logarithm of what was
    added, and adding takes the same whatever there is already."""

    def __init__(self, document: PolicyDocument) -> None:
        self._caps = defaultdict[TokenId, list[Cap]](list)
        for cap in document.metered_caps():
            self._caps[cap.token].append(cap)
        self._in_cap = {(cap.bucket_class, cap.token): _Bucket(cap) for cap in document.metered_caps()}
        self._to = defaultdict[tuple[str, TokenId, str], _Sums](_Sums)

    def add(self, metered: Metered) -> None:
        """No older than any that was added before."""
        for cap in self._caps.get(metered.token, ()):
            if metered.bucket_class in (None, cap.bucket_class):
                self._in_cap[cap.bucket_class, cap.token].add(metered)
                self._to[cap.bucket_class, cap.token, metered.counterparty].add(metered.timestamp, metered.units)

    def units(self, cap: Cap, since: int) -> int:
        """Units that counted in the cap after `since`."""
        return self._in_cap[cap.bucket_class, cap.token].sums.after(since)

    def units_to(self, cap: Cap, counterparty: str, since: int) -> int:
        """Those of them that one counterparty got."""
        sums = self._to.get((cap.bucket_class, cap.token, counterparty))
        return sums.after(since) if sums else 0

    def level(self, cap: Cap, since: int, now: int) -> int:
        """`level` of the cap with what counted in it after `since`."""
        return self._in_cap[cap.bucket_class, cap.token].level(since, now)

    def listed(self, cap: Cap, since: int) -> Sequence[Metered]:
        """What counted in the cap after `since`, one by one."""
        return self._in_cap[cap.bucket_class, cap.token].listed(since)


class _Sums:
    """Running sums of units by time."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.totals = [0]

    def add(self, timestamp: int, units: int) -> None:
        self.times.append(timestamp)
        self.totals.append(self.totals[-1] + units)

    def after(self, since: int) -> int:
        return self.totals[-1] - self.totals[bisect_right(self.times, since)]


class _Bucket:
    """One cap's sums, and from which moments on its level could be highest.

    A stretch from t on, before which `before` units had left, leaves total - before - (now - t) * at_once / drain in
    the bucket. Only t * at_once - before * drain tells two stretches apart, whatever `now` is: so of all stretches that
    begin after a moment, the fullest is the first that no later one reaches, and others are forgotten.
    """

    def __init__(self, cap: Cap) -> None:
        self.sums = _Sums()
        self._cap, self._drain_seconds = cap, cap.drain_seconds
        self._metered: list[Metered] = []
        self._begin: list[int] = []
        self._fullest: list[int] = []

    def add(self, metered: Metered) -> None:
        full = metered.timestamp * self._cap.at_once_units - self.sums.totals[-1] * self._drain_seconds
        while self._fullest and self._fullest[-1] <= full:
            self._fullest.pop()
            self._begin.pop()
        self._fullest.append(full)
        self._begin.append(metered.timestamp)
        self._metered.append(metered)
        self.sums.add(metered.timestamp, metered.units)

    def level(self, since: int, now: int) -> int:
        first = bisect_right(self._begin, since)
        if first == len(self._begin):
            return 0
        left = self._fullest[first] + self.sums.totals[-1] * self._drain_seconds - now * self._cap.at_once_units
        return max(-(-left // self._drain_seconds), 0)

    def listed(self, since: int) -> Sequence[Metered]:
        return self._metered[bisect_right(self.sums.times, since) :]
