"""Inner calls that failed and were swallowed: the action goes through, and something in it did not happen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from simulations.reverts import revert_reason
from strongroom.model import Caught
from strongroom.ports import Frame

MOST = 32
"""Shown at most: a stranger's contract may fail as often as its gas allows."""


def caught(frame: Frame | None) -> tuple[Caught, ...] | None:
    """The failed calls below `frame` whose caller went on, in the order they were made, at most `MOST`; of a failed
    call only itself, not what failed within it. `None` without a frame, or with one that failed: it is not the trace
    of an action that went through."""
    if frame is None or frame.error:
        return None
    return tuple(islice(_within(frame), MOST))


def _within(frame: Frame) -> Iterator[Caught]:
    for call in frame.calls:
        if call.error:
            yield Caught(call.to, call.data[:4], revert_reason(call.returned, call.error))
        else:
            yield from _within(call)
