"""What people install: the wheel, built and run without the checkout and without a network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from agent.demo.stage import free_port
from policies.cases import sample, samples
from strongroom.installation import PACKAGES

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """An environment of its own: our wheel, the checkout's dependencies, and nothing of the checkout itself."""

    folder: Path

    @property
    def site(self) -> Path:
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.folder)}))

    def run(self, program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        command = [self.folder / "bin" / program, *arguments]
        return subprocess.run(command, cwd=cwd, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    target = Installed(tmp_path_factory.mktemp("environment"))
    venv.create(target.folder, symlinks=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    assert uv, "no uv beside python; run `make setup`"
    python = str(target.folder / "bin" / "python")
    command = [uv, "pip", "install", "--offline", "--no-cache", "--no-deps", "--quiet", "--python", python, str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # A folder named in a .pth is searched, but its own .pth files are not read: the editable checkout stays out.
    (target.site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    yield target


def _sources() -> set[str]:
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    return {str(path.relative_to(ROOT)) for path in files if path.is_file() and "__pycache__" not in path.parts}


def test_the_wheel_holds_our_five_packages_and_nothing_else(wheel: Path) -> None:
    """No test, contract, node module or document of the checkout; no source file is left behind."""
    names = set(ZipFile(wheel).namelist())
    described = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - described == _sources()
    assert {name.split("/")[-1] for name in described} == {
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "LICENSE")
    }


@pytest.mark.parametrize(
    "name",
    [
        *(f"{package}/py.typed" for package in PACKAGES),
        *(f"policies/samples/{name}/{part}.toml" for name in samples() for part in ("policy", "cases")),
        "strongroom/wallet/artifacts/Kernel.json",
        "agent/onboarding/chains.toml",
    ],
)
def test_what_is_read_at_run_time_is_in_the_wheel(wheel: Path, name: str) -> None:
    assert ZipFile(wheel).getinfo(name).file_size == (ROOT / name).stat().st_size


def test_every_package_is_imported_from_the_wheel(installed: Installed, tmp_path: Path) -> None:
    """Without this, the tests below could pass on the checkout's own code."""
    code = f"import json, {', '.join(PACKAGES)}; print(json.dumps([m.__file__ for m in ({', '.join(PACKAGES)})]))"
    done = installed.run("python", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [Path(file).parents[1] for file in json.loads(done.stdout)] == [installed.site] * len(PACKAGES)


def test_the_command_line_starts_and_names_its_commands(installed: Installed, tmp_path: Path) -> None:
    done = installed.run("strongroom", "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the whole story on a local world" in done.stdout


def test_the_version_is_the_project_s(installed: Installed, tmp_path: Path, wheel: Path) -> None:
    done = installed.run("strongroom", "--version", cwd=tmp_path)
    assert done.stdout.split()[-1] == wheel.name.split("-")[1]


@pytest.mark.parametrize("name", samples())
def test_a_packaged_sample_passes_its_own_cases(installed: Installed, tmp_path: Path, name: str) -> None:
    done = installed.run("strongroom", "policy", "test", name, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    results = json.loads(done.stdout)
    assert results and all(not each["differences"] for each in results)


def test_a_written_policy_is_checked_from_any_folder(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(sample("payroll_only")[0])
    done = installed.run("strongroom", "policy", "check", "--config", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("policy.toml is sound")


def test_without_the_checkout_the_world_says_what_it_misses(installed: Installed, tmp_path: Path) -> None:
    """Its contracts and its node come from npm and are never shipped."""
    place = ["--folder", str(tmp_path / "world"), "--port", str(free_port())]
    done = installed.run("strongroom", "world", "up", *place, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "`node_modules` is not installed; run `make setup` in the checkout" in done.stderr
