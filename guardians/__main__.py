"""`python -m guardians`: the guardians' commands alone, where the agent is stopped, broken, or not installed."""

from __future__ import annotations

import sys

import click

from guardians.cli import guardian
from strongroom.errors import StrongroomError


def main() -> None:
    """Runs one command. A user's error is one clear line on stderr and exit code 1."""
    from strongroom.installation import require_own_packages

    try:
        require_own_packages()
        sys.exit(guardian(prog_name="guardian", standalone_mode=False))
    except StrongroomError as error:
        _fail(str(error))
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped; nothing more was signed")


def _fail(line: str) -> None:
    click.echo(f"guardian: {line}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
