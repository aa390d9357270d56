"""`strongroom guardian …`, also `python -m guardians …`: what guardians do, with the agent stopped or gone."""

from __future__ import annotations

import click

from guardians.cli import changes, creating, proposals, runs, service, signing


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def guardian() -> None:
    """What guardians do; works with the agent stopped.

    Every command reads your own copies of treasury.toml and policy.toml, so keep them yours: a guardian who judges by
    somebody else's policy checks nothing.
    """


for _command in (
    *(proposals.list_, proposals.show, proposals.verify),
    *(signing.sign, signing.propose, signing.execute, signing.reject),
    *(changes.changes_, changes.announce, changes.make, changes.veto),
    *(runs.runs, runs.veto_run),
    *(creating.create, service.delegate, service.serve),
):
    guardian.add_command(_command)
