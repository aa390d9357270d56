"""`strongroom run`: the long-lived treasurer."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click

from agent.cli.reach import config_option


@click.command()
@click.option("--every", default=0.5, show_default=True, help="Seconds between looks at queue and chain.")
@config_option
def run(every: float, config: Path) -> None:
    """Look after every unit until stopped with Ctrl-C or SIGTERM.

    \b
    Example:
      strongroom run --every 5
    """
    from agent.app import open_documents, open_treasurer
    from agent.desk import OwnDesk
    from agent.web import Door

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    documents = open_documents(config)
    with open_treasurer(documents) as treasurer, Door(OwnDesk(treasurer), treasurer.folder):
        click.echo(f"{documents.treasury.name}: {documents.treasury.mode} mode, process {os.getpid()}")
        while not stop.is_set():
            for row in treasurer.runner.poll():
                click.echo(f"{row.id}: {row.status}")
            stop.wait(every)
