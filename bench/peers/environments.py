"""Environments of their own for peers, under `.setup/peers`, made where they are missing; or the installer's own last
line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".setup" / "peers"


def python_environment(name: str, requirements: list[str], version: str) -> tuple[str, str]:
    """The Python of the peer's environment, of this version; or why there is none."""
    home = PEERS / name
    python, wanted = home / "bin" / "python", "\n".join([version, *requirements])
    if _installed(home, wanted):
        return str(python), ""
    uv = str(Path(sys.executable).parent / "uv")
    commands = [
        [uv, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", version, str(home)],
        [uv, "pip", "install", "--quiet", "--python", str(python), *requirements],
    ]
    return str(python), _run(commands, home, wanted)


def node_environment(name: str, packages: list[str]) -> tuple[str, str]:
    """The folder in which node finds the packages; or why there is none."""
    home, wanted = PEERS / name, "\n".join(packages)
    if _installed(home, wanted):
        return str(home), ""
    home.mkdir(parents=True, exist_ok=True)
    options = ["--prefix", str(home), "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps"]
    return str(home), _run([["npm", "install", *options, *packages]], home, wanted)


def _installed(home: Path, wanted: str) -> bool:
    marker = home / "installed.txt"
    return marker.exists() and marker.read_text() == wanted


def _run(commands: list[list[str]], home: Path, wanted: str) -> str:
    for command in commands:
        try:
            # Where pyenv keeps several Pythons, its commands answer for none of them unless they are told which.
            named = {"PYENV_VERSION": command[command.index("--python") + 1]} if "venv" in command else {}
            ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **named})
        except OSError as error:
            return str(error)
        if ran.returncode:
            said = [line for line in ran.stderr.splitlines() if line.strip() and "A complete log" not in line]
            return (said or ["no output"])[-1].strip()
    (home / "installed.txt").write_text(wanted)
    return ""
