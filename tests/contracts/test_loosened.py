"""Tests notice when a check is loosened: two of the committed patches here, all of them by `make prove-long`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / "contracts" / "test" / "loosened").glob("*.patch"))
CHEAP = ("stale-price", "watch-at-once")


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_each_patch_applies_to_the_present_source(patch: Path) -> None:
    """One that does not would prove nothing any more: regenerate it."""
    # Below a repository `git apply` skips paths outside the folder it runs in; the sources are all that it should see.
    outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(ROOT.parent), "GIT_DIR": os.devnull}
    command = ["git", "apply", "--check", "-p1", str(patch)]
    found = subprocess.run(command, cwd=ROOT / "contracts", env=outside, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_there_are_patches_for_every_contract() -> None:
    loosened = {
        line.rsplit("/", 1)[1] for patch in PATCHES for line in patch.read_text().splitlines() if line[:6] == "--- a/"
    }
    shipped = {file.name for file in (ROOT / "contracts" / "src").glob("Kernel*.sol")}
    guard = {"OwnerGuard.sol", "OwnerGuardRemoval.sol", "SafeShape.sol", "MultiSendBatch.sol"}
    assert shipped | guard | {"Watch.sol", "PriceSource.sol", "AuditRegistry.sol"} <= loosened


def test_a_loosened_check_turns_a_test_red() -> None:
    """The two whose contracts compile in a moment; the copy they are tried in is gone afterwards."""
    found = subprocess.run([ROOT / "tools" / "prove-loosened", *CHEAP], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    assert [line.split()[:2] for line in found.stdout.splitlines()[:-1]] == [["red", name] for name in CHEAP]
