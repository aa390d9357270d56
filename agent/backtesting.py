"""Backtests at the edge: files and folders in, a pool of processes over stretches of the history, the sums out."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from agent.recorded import is_ledger, read_recorded
from policies.backtesting.judging import Judgement
from policies.backtesting.prices import read_prices
from policies.backtesting.reading import gathered, read_file
from policies.backtesting.replay import Stretch, replay, stretches
from policies.backtesting.rows import History, HistoryUnusable
from policies.backtesting.scene import Prices
from policies.backtesting.tally import Tally, added, tally
from policies.document import load
from policies.terms import PolicyDocument

_FORMATS = (".json", ".jsonl", ".csv")
_FEW = 2_000
"""Below this many rows more processes take longer to start than they save."""


@dataclass(frozen=True, slots=True)
class Backtest:
    history: History
    whole: Tally
    rows: tuple[Judgement, ...] = field(default=())


def open_history(path: Path, document: PolicyDocument) -> History:
    """A file, a folder of files, or a ledger's folder. Raises `HistoryUnusable` naming file, place and mend."""
    if path.is_dir() and is_ledger(path):
        return gathered(read_recorded(path, document), document, str(path))
    files = _files(path)
    found = [row for each in files for row in read_file(_text(each), document, each.name)]
    return gathered(found, document, str(path))


def open_prices(path: Path | None, document: PolicyDocument) -> Prices:
    return read_prices(_text(path, "the file with the prices"), document, path.name) if path else {}


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.iterdir() if each.suffix in _FORMATS)
    if not found:
        raise HistoryUnusable(f"`{path}`", f"holds no {' or '.join(_FORMATS)} file", "put the history's pages there")
    return found


def _text(path: Path, wanted: str = "the file or folder with the history") -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise HistoryUnusable(f"`{path}`", "is not UTF-8 text", "export it anew") from error
    except OSError as error:
        why = f"cannot be read ({(error.strerror or 'no answer').lower()})"
        raise HistoryUnusable(f"`{path}`", why, f"name {wanted}") from error


def backtest(history: History, policy: str, prices: Prices, processes: int, keep_rows: bool = False) -> Backtest:
    """The history under the policy's text, by at most so many processes; the result is the same for any number.
    `keep_rows` also gives every row's judgement."""
    document = load(policy)
    count = processes if len(history.rows) >= _FEW else 1
    parts = list(stretches(history.rows, count, document))
    if count == 1:
        done = [_replayed(part, prices, document, keep_rows) for part in parts]
    else:
        done = _in_processes(parts, policy, prices, keep_rows)
    rows = tuple(row for _, kept in done for row in kept)
    return Backtest(history, added(each for each, _ in done), rows)


Done = tuple[Tally, tuple[Judgement, ...]]


def _replayed(part: Stretch, prices: Prices, document: PolicyDocument, keep_rows: bool) -> Done:
    kept: list[Judgement] = []
    whole = tally(_kept(replay(part, prices, document), kept) if keep_rows else replay(part, prices, document))
    return whole, tuple(kept)


def _kept(judgements: Iterator[Judgement], kept: list[Judgement]) -> Iterator[Judgement]:
    for each in judgements:
        kept.append(each)
        yield each


def _in_processes(parts: Sequence[Stretch], policy: str, prices: Prices, keep_rows: bool) -> list[Done]:
    """The first part here, the others in a process each, which loads the policy itself: its values are known by
    identity, which no copy keeps."""
    first, *others = parts
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(others), mp_context=context) as pool:
        waiting = [pool.submit(_apart, part, policy, prices, keep_rows) for part in others]
        return [_apart(first, policy, prices, keep_rows), *(each.result() for each in waiting)]


def _apart(part: Stretch, policy: str, prices: Prices, keep_rows: bool) -> Done:
    return _replayed(part, prices, load(policy), keep_rows)
