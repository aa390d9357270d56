"""The command line. Commands are mounted by name and imported when they run, so that `--help` starts at once."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import click

from strongroom.errors import StrongroomError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("agent.cli.demo:demo", "the whole story on a local world"),
    "world": ("agent.cli.world:world", "a local chain with real contracts"),
    "init": ("agent.cli.init:init", "write the four documents; changes nothing on chain"),
    "doctor": ("agent.cli.doctor:doctor", "check every part and say how to mend it"),
    "run": ("agent.cli.run:run", "long-lived: clock, runner and socket"),
    "cycle": ("agent.cli.cycle:cycle", "one scheduled operation now"),
    "chat": ("agent.cli.chat:chat", "operators' commands in plain sentences"),
    "status": ("agent.cli.look:status", "where the treasury and its units stand"),
    "plans": ("agent.cli.look:plans", "every unit and its state"),
    "show": ("agent.cli.look:show", "one unit with every finding"),
    "policy": ("agent.cli.policy:policy", "check, test, compile and deploy the policy"),
    "simulate": ("agent.cli.simulate:simulate", "forecast swaps, routes and the treasury itself"),
    "rekey": ("agent.cli.rekey:rekey", "a new agent key: what the owners must sign"),
    "kill-card": ("agent.cli.kill_card:kill_card", "one page for paper: stop everything, with any wallet"),
    "report": ("agent.cli.report:report", "one page that tells a run, made with the agent off"),
    "ledger": ("agent.cli.ledger:ledger", "verify, show and prove the audit log"),
    "guardian": ("guardians.cli:guardian", "what guardians do; works with the agent stopped"),
}
"""Name to where the command is and its one line of help."""


class Commands(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            near = get_close_matches(name, COMMANDS, n=1)
            mend = f"did you mean `{near[0]}`" if near else "`strongroom --help` lists them"
            raise click.UsageError(f"no command `{name}`; {mend}")
        module, _, attribute = COMMANDS[name][0].partition(":")
        return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="strongroom")
def strongroom() -> None:
    """An autonomous treasurer for a DAO whose wallet it cannot run off with."""


def main() -> None:
    """Runs one command. A user's error is one clear line on stderr and exit code 1."""
    from strongroom.installation import require_own_packages

    try:
        require_own_packages()
        # Without standalone mode click returns an exit code instead of exiting with it.
        code = strongroom(prog_name="strongroom", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except StrongroomError as error:
        _fail(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
    except click.UsageError as error:
        _fail(_usage(error))
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped")


def _usage(error: click.UsageError) -> str:
    """click's words in the house's form, and where the right ones stand."""
    said = error.format_message().rstrip(".")
    return f"{said[:1].lower()}{said[1:]}" + (f"; see `{error.ctx.command_path} --help`" if error.ctx else "")


def _fail(line: str) -> None:
    click.echo(f"strongroom: {line}", err=True)
    sys.exit(1)


def say(text: str, data: Any, as_json: bool) -> None:
    """One answer: a line of JSON for machines, or text for people."""
    click.echo(json_line(data) if as_json else text)


def json_line(data: Any) -> str:
    """What `--json` prints."""
    return json.dumps(data, separators=(",", ":"))
