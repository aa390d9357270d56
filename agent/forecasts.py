"""What every forecast of the command line ships: its origin, and charts that all look alike."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from simulations.origin import Origin, data_hash
from strongroom.errors import BadValue
from strongroom.model import Queued

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, GREY = "#1f5a94", "#d9822b", "#3f8f5f", "#b5403a", "#6b7280"
_SUFFIXES = (".png", ".svg")
_TITLE_LETTERS = 76
"""In a line of a title, bold, across the figure."""
_YOURS = "name a file that you may write, in a folder that is yours"


class NothingQueued:
    """`Waiting` for who only forecasts: what waits for guardians is left out."""

    def pending(self, from_nonce: int) -> tuple[Queued, ...]:
        return ()


def origin(inputs: Any, seed: int, arguments: Sequence[str]) -> Origin:
    """The origin of what `strongroom ARGUMENTS` forecasts from `inputs` (JSON values)."""
    return Origin(data_hash(inputs), seed, code_version(), shlex.join(["strongroom", *arguments]))


def foot(made: Origin) -> Iterator[str]:
    """The last two lines of every forecast: what it came from, and the one line that makes it again."""
    yield made.footer()
    yield f"again: {made.command}"


@cache
def code_version() -> str:
    """The distribution's version and the start of a hash over all sources that a forecast may run through."""
    import agent
    import policies
    import simulations
    import strongroom

    digest = hashlib.sha256()
    for package in (agent, policies, simulations, strongroom):
        root = Path(package.__path__[0])
        for file in sorted(root.rglob("*.py")):
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return f"{version('strongroom')}+{digest.hexdigest()[:8]}"


def require_chart(path: Path) -> None:
    """Before anything is computed: raises `BadValue` unless `path` can be drawn to."""
    if path.suffix not in _SUFFIXES:
        raise BadValue(path, "--chart", "name a file that ends with .png or .svg")
    if not path.parent.is_dir():
        raise BadValue(path, "--chart", f"make the folder `{path.parent}` first")
    # The folder's too where the file is there: `save` writes beside it.
    if path.is_dir() or not all(os.access(each, os.W_OK) for each in (path.resolve().parent, path) if each.exists()):
        raise BadValue(path, "--chart", _YOURS)


def panels(title: str, rows: int, made: Origin) -> tuple[Figure, list[Axes]]:
    """A figure of `rows` charts, one below the other, the origin at its foot. Draws in memory; no display is used."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 1.4 + 3.3 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(fill(title, _TITLE_LETTERS), fontsize=13, fontweight="bold")
    figure.supxlabel(made.footer(), fontsize=7, color=GREY)
    axes = list(figure.subplots(rows, 1, squeeze=False)[:, 0])
    for each in axes:
        each.grid(alpha=0.25)
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save(figure: Figure, path: Path) -> None:
    """Writes PNG or SVG by the suffix, whole or not at all; the same figure gives the same bytes. Raises `BadValue`
    where it cannot."""
    import matplotlib

    drawn = BytesIO()
    kind = path.suffix.removeprefix(".")
    with matplotlib.rc_context({"svg.hashsalt": "strongroom"}):
        figure.savefig(drawn, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else {"Software": None})
    try:
        _replace(path.resolve(), drawn.getvalue())
    except OSError as error:
        raise BadValue(path, "--chart", _YOURS) from error


def _replace(path: Path, written: bytes) -> None:
    """Beside it first: a disk that fills up leaves the picture of before."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(written)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
