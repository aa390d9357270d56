"""A chains.toml for the local world, and the command line in this process."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from agent.onboarding.chains import KnownChain, KnownToken, SafeContracts, load_chains, render_chain
from strongroom.errors import StrongroomError
from strongroom.world.treasury import DAI, DECIMALS, ETH, USDC, WETH
from strongroom.world.world import World

VOUCHED = (WETH, USDC, DAI)
"""The world's tokens that a chains.toml would name; the DAO's own is not among them."""


def known_world(world: World) -> KnownChain:
    contracts = world.contracts
    safe = SafeContracts(
        multisend=contracts.multisend,
        factory=contracts.safe_factory,
        singleton=contracts.safe_singleton,
        fallback_handler=contracts.fallback_handler,
        multisend_code_hashes=load_chains()[1].safe.multisend_code_hashes,
        singletons=frozenset({contracts.safe_singleton}),
        fallback_handlers=frozenset({contracts.fallback_handler}),
    )
    tokens = {id_: KnownToken(id_, contracts.tokens[id_], DECIMALS[id_], world.feeds[id_], None) for id_ in VOUCHED}
    return KnownChain(world.account.chain_id, "the local world", ETH, WETH, "", safe, tokens)


@pytest.fixture
def chains_text(world: World) -> str:
    """A chains.toml that describes the local world."""
    return render_chain(known_world(world))


@pytest.fixture
def chains_file(chains_text: str, tmp_path: Path) -> Path:
    path = tmp_path / "chains.toml"
    path.write_text(chains_text)
    return path


@dataclass(frozen=True)
class Answer:
    """What a command printed. `error` is its one line when it was refused."""

    text: str
    error: str
    exit_code: int

    @property
    def data(self) -> Any:
        return json.loads(self.text)


@pytest.fixture
def strongroom() -> Callable[..., Answer]:
    """`strongroom ARGUMENTS...` in this process, without the start-up check of the installation."""

    def run(*arguments: object) -> Answer:
        from agent.cli import strongroom as command

        result = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
        if isinstance(result.exception, StrongroomError):
            return Answer(result.output, str(result.exception), 1)
        if isinstance(result.exception, click.ClickException):
            return Answer(result.output, result.exception.format_message(), 1)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.output, "", result.exit_code)

    return run


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
