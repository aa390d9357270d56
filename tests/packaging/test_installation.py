"""Flat package names can be claimed by anybody: a foreign `policies` must stop us before it decides about money."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.installation import PACKAGES

ENTRIES = {"agent": "agent.cli", "guardians": "guardians"}


def _install(folder: Path, package: str, *, with_record: bool) -> None:
    """A foreign distribution as an installer leaves it, with its files listed either way that exists."""
    (folder / package).mkdir()
    (folder / package / "foreign.py").write_text("")
    about = folder / "stray-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stray\nVersion: 1.0\n")
    name, text = ("RECORD", f"{package}/foreign.py,,\n") if with_record else ("top_level.txt", f"{package}\n")
    (about / name).write_text(text)


def _run(module: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, "--help"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(folder)])},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("module", ENTRIES.values(), ids=ENTRIES)
@pytest.mark.parametrize("with_record", [True, False], ids=["record", "top_level"])
def test_a_foreign_owner_of_our_policies_stops_both_programs(tmp_path: Path, module: str, with_record: bool) -> None:
    _install(tmp_path, "policies", with_record=with_record)
    done = _run(module, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "package `policies` is also installed by `stray`; uninstall it" in done.stderr


@pytest.mark.parametrize("package", sorted(set(PACKAGES) - {"policies"}))
def test_each_of_our_packages_is_guarded(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from strongroom.errors import ForeignPackage
    from strongroom.installation import require_own_packages

    _install(tmp_path, package, with_record=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ForeignPackage, match=f"`{package}`"):
        require_own_packages()


def test_a_foreign_package_of_another_name_is_none_of_our_business(tmp_path: Path) -> None:
    _install(tmp_path, "unrelated", with_record=True)
    assert _run("agent.cli", tmp_path).returncode == 0
