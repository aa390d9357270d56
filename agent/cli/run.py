"""`strongroom run`: the long-lived treasurer, with its clock and its socket."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.reach import config_option

if TYPE_CHECKING:
    from agent.app import Documents


@click.command()
@click.option("--every", default=0.5, show_default=True, help="Seconds between looks at queue and chain.")
@config_option
def run(every: float, config: Path) -> None:
    """Fire the jobs of schedule.toml and look after every unit, until stopped with Ctrl-C or SIGTERM.

    \b
    Example:
      strongroom run --every 5
    """
    from agent.app import open_documents, open_treasurer
    from agent.desk import OwnDesk
    from agent.schedule import keep_schedule
    from agent.web import Door

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    documents = open_documents(config)
    with open_treasurer(documents) as treasurer, keep_schedule(treasurer), Door(OwnDesk(treasurer), treasurer.folder):
        click.echo(_begun(documents))
        while not stop.is_set():
            for row in treasurer.runner.poll():
                click.echo(f"{row.id}: {row.status}")
            stop.wait(every)


def _begun(documents: Documents) -> str:
    from agent.schedule import next_due
    from strongroom.clock import WallClock

    first = f"{documents.treasury.name}: {documents.treasury.mode} mode, process {os.getpid()}"
    dues = [(job, next_due(job, WallClock().now())) for job in documents.jobs]
    return "\n".join([first, *(f"{job.id}: next {due:%Y-%m-%d %H:%M} {job.timezone}" for job, due in dues)])
