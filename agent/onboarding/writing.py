"""The documents onto the disk: all of them or none, and never over one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from strongroom.errors import SetupError


class AlreadyThere(SetupError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"`{path}` is there already and is not overwritten; move it away, or give another `--folder`")


class CannotWrite(SetupError):
    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"`{path}` cannot be written ({why}); nothing was written, give another `--folder`")


def require_free(folder: Path, names: tuple[str, ...]) -> None:
    """Raises `AlreadyThere` for the first document that exists, so that nothing is asked of a node in vain."""
    for name in names:
        if (folder / name).exists():
            raise AlreadyThere(folder / name)


def write(texts: Mapping[str, str], folder: Path) -> tuple[Path, ...]:
    """The written paths, in order. Raises `AlreadyThere` or `CannotWrite`, having taken back what it wrote."""
    written: list[Path] = []
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            path = folder / name
            # Exclusive: a document that appeared meanwhile is somebody's work.
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for each in written:
            each.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise AlreadyThere(path) from error
        raise CannotWrite(path, error.strerror or type(error).__name__) from error
    return tuple(written)
