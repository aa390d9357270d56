"""Wall time, real and set by hand. Deadlines on chain never use it: they count the block's time."""

from __future__ import annotations

import time


class WallClock:
    """`Clock` of this machine."""

    def now(self) -> int:
        return int(time.time())


class SetClock:
    """`Clock` that stands still until it is moved."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def advance(self, seconds: int) -> None:
        self._now += seconds
