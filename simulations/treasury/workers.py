"""Many paths at once: ranges of paths, given to an executor and put together in their order, the same bits by any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from typing import Any, Protocol

import numpy as np

from simulations.treasury.kernel import Outcomes, Treasury, simulate
from simulations.treasury.paths import Model
from strongroom.errors import BadValue, ToolMissing


@dataclass(frozen=True, slots=True)
class Task:
    """A range of paths of one simulation: all that another process, or another machine, needs."""

    model: Model
    treasury: Treasury
    seed: int
    first_path: int
    paths: int
    days: int


class Executor(Protocol):
    """Where tasks run."""

    def __call__(self, tasks: Sequence[Task]) -> Sequence[Outcomes]:
        """The outcomes of each task, in the order of `tasks`."""


def run(task: Task) -> Outcomes:
    """The outcomes of one task, on one thread of this process."""
    return simulate(task.model, task.treasury, task.seed, task.paths, task.days, task.first_path)


def threads(count: int) -> Executor:
    """Threads of this process: the kernels hold no interpreter lock, so this is the fastest on one machine."""

    def execute(tasks: Sequence[Task]) -> Sequence[Outcomes]:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(run, tasks))

    return execute


def processes(count: int) -> Executor:
    """Fresh processes, started by `spawn`: nothing of this one's state, locks or threads is inherited."""

    def execute(tasks: Sequence[Task]) -> Sequence[Outcomes]:
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            return list(pool.map(run, tasks))

    return execute


def ray(**options: Any) -> Executor:
    """A Ray cluster, or one of this machine's cores where none is named; `options` are `ray.init`'s. Each machine needs
    this version of strongroom. Raises `ToolMissing` without `strongroom[ray]`."""
    try:
        import ray as cluster  # type: ignore[import-not-found]
    except ImportError:
        raise ToolMissing("ray", "pip install 'strongroom[ray]'") from None

    def execute(tasks: Sequence[Task]) -> Sequence[Outcomes]:
        if not cluster.is_initialized():
            cluster.init(**options)
        remote = cluster.remote(run)
        found: Sequence[Outcomes] = cluster.get([remote.remote(each) for each in tasks])
        return found

    return execute


def spread(whole: Task, parts: int, execute: Executor) -> Outcomes:
    """The outcomes of `whole`, cut into at most `parts` ranges of paths that `execute` runs. Raises `BadValue`."""
    if parts < 1:
        raise BadValue(parts, "parts of a simulation", "give 1 or more")
    return _joined(execute(list(_ranges(whole, parts))))


def _ranges(whole: Task, parts: int) -> Iterator[Task]:
    edges = [whole.paths * part // parts for part in range(parts + 1)]
    for start, end in pairwise(edges):
        # An empty simulation is kept whole, for `simulate` to refuse.
        if end > start or whole.paths < 1:
            first = whole.first_path + start
            yield Task(whole.model, whole.treasury, whole.seed, first, end - start, whole.days)


def _joined(found: Sequence[Outcomes]) -> Outcomes:
    def put(part: Callable[[Outcomes], Any]) -> Any:
        return np.concatenate([part(each) for each in found])

    return Outcomes(
        nav_usd=put(lambda each: each.nav_usd),
        drawdown=put(lambda each: each.drawdown),
        unpaid_day=put(lambda each: each.unpaid_day),
        ruin_day=put(lambda each: each.ruin_day),
        days=found[0].days,
    )
