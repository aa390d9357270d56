"""The demo's scene for tests: its log begun and its delegate named, before any Kernel, with no process of ours running
but the queue."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.app import open_documents, open_treasurer
from agent.demo.scene import Scene
from agent.demo.stage import Stage
from guardians.server.serving import Server, open_service
from strongroom.clock import WallClock
from strongroom.notices import MemoryNotices
from strongroom.settings import Mode
from strongroom.world.world import World


@contextmanager
def begun_scene(world: World, home: Path) -> Iterator[Scene]:
    with (
        ExitStack() as stack,
        open_service(world.url, ":memory:", WallClock()) as service,
        Server(service) as server,
    ):
        begun = Scene(Stage(lambda _: None, home, stack, dict(os.environ)), world, home, server.url)
        begun.register_delegate()
        with open_treasurer(open_documents(begun.documents(Mode.SHADOW)), MemoryNotices()):
            pass
        yield begun
