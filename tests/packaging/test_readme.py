"""The README's commands, run in a clone, print what the README says they print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^\d+\. .+$", re.MULTILINE)


def fenced(language: str) -> list[str]:
    blocks = FENCED.findall((ROOT / "README.md").read_text())
    return [text.strip() for found, text in blocks if found == language]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would hand out, with the installed environment beside it so that set-up needs no network."""
    home = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / name)
    for name in (".venv", "node_modules"):
        (home / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "contracts" / "out", home / "contracts" / "out")
    _stamps(home / ".setup")
    return home


def _stamps(folder: Path) -> None:
    """Set-up as done, each stamp at one and the same time: make would take the older of two for out of date, and
    install the clone into the environment that it shares with the checkout."""
    folder.mkdir()
    now = time.time()
    for stamp in (each for each in (ROOT / ".setup").iterdir() if each.is_file()):
        (folder / stamp.name).touch()
        os.utime(folder / stamp.name, (now, now))


def run(command: str, clone: Path) -> subprocess.CompletedProcess[str]:
    # The environment's packages are installed from the checkout; the clone's own files come first.
    environment = {**os.environ, "PYTHONPATH": str(clone)}
    return subprocess.run(command.split(), cwd=clone, env=environment, capture_output=True, text=True, timeout=600)


def test_the_two_commands_are_the_ones_the_makefile_has() -> None:
    assert fenced("") == ["make demo", "make test"]


def test_the_demo_holds_and_prints_the_headings_of_the_readme(clone: Path) -> None:
    done = run("make demo", clone)
    assert done.returncode == 0, done.stderr
    assert "set-up" not in done.stdout, "nothing is installed from the clone"
    assert HEADING.findall(done.stdout) == HEADING.findall(fenced("text")[0])
    assert re.search(r"^Every step held", done.stdout, re.MULTILINE)


def test_make_test_would_run_both_suites(clone: Path) -> None:
    """Not run here, since this is one of its tests: make only says what it would do."""
    done = run("make --dry-run test", clone)
    assert done.returncode == 0, done.stderr
    assert "pytest" in done.stdout and "forge test" in done.stdout
