"""`strongroom demo`: the whole story on a local world."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Only the last line: figures for machines.")
def demo(as_json: bool) -> None:
    """Tell the whole story on a local chain with real contracts; exits 0 only if every step held.

    \b
    Examples:
      strongroom demo
      strongroom demo --json
    """
    from agent.demo.story import play

    figures = play((lambda _: None) if as_json else click.echo)
    if as_json:
        click.echo(json.dumps(figures, separators=(",", ":")))
    else:
        click.echo(f"\nEvery step held, in {figures['seconds']} s.")
