"""`strongroom init` where it cannot go on: one clear line, and nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strongroom.model import NATIVE
from strongroom.world.people import GUARDIANS, STRANGER
from strongroom.world.treasury import USDC
from strongroom.world.world import World

Strongroom = Callable[..., Any]
Written = Callable[[], dict[str, str]]
INES = GUARDIANS[0]
OWNERS = ",".join(person.address for person in GUARDIANS)


def test_an_existing_document_is_never_overwritten(init: Strongroom, tmp_path: Path, written: Written) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "policy.toml").write_text("mine")
    assert re.fullmatch(r"`.*policy\.toml` is there already and is not overwritten; move it away, .*", init().error)
    assert written() == {"policy.toml": "mine"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--owners", f"{INES.address},{INES.address}"], "name each owner once"),
        (["--owners", f"{INES.address},{NATIVE}"], "nobody has a key for it"),
        (["--owners", OWNERS, "--threshold", "4"], "between 1 and the 3 owners"),
        (["--owners", OWNERS, "--salt", "-1"], "whole number below 2^256"),
        (["--owners", INES.address.lower()], "its checksum does not fit"),
        ([], "`init` needs a Safe: give `--safe ADDRESS --rpc URL`"),
        (["--owners", OWNERS, "--safe", INES.address], "`init` needs a Safe"),
    ],
)
def test_what_cannot_be_a_safe_is_one_clear_line(
    strongroom: Strongroom, world: World, tmp_path: Path, chains_file: Path, arguments: list[str], line: str
) -> None:
    place = ["--rpc", world.url, "--chains", chains_file, "--folder", tmp_path / "new"]
    answer = strongroom("init", *arguments, *place)
    assert line in answer.error and "\n" not in answer.error
    assert not (tmp_path / "new").exists()


def test_an_account_without_a_safe_is_one_clear_line(init: Strongroom, world: World, tmp_path: Path) -> None:
    for stranger in (STRANGER.address, world.contracts.tokens[USDC]):
        assert init(safe=stranger).error.startswith(f"no Safe at `{stranger}`; check `--safe`")
    assert not (tmp_path / "new").exists()


def test_a_safe_older_than_1_3_0_is_one_clear_line(init: Strongroom, world: World, tmp_path: Path) -> None:
    """The real 1.1.1, used directly: it answers VERSION like any Safe."""
    from safe_eth.eth.contracts import get_safe_V1_1_1_contract
    from web3 import Web3

    old = world.deploy(bytes(get_safe_V1_1_1_contract(Web3()).bytecode))
    assert (
        init(safe=old).error
        == f"the Safe at `{old}` has version `1.1.1`, 1.3.0 is needed; upgrade it in the Safe UI first"
    )
    assert not (tmp_path / "new").exists()


def test_a_wrong_checksum_is_one_clear_line(init: Strongroom, world: World, tmp_path: Path) -> None:
    wrong = world.account.safe.swapcase().replace("X", "x")
    assert init(safe=wrong).error.startswith(f"`{wrong}` is not a checksummed address; its checksum does not fit")
    assert not (tmp_path / "new").exists()


def test_an_unreachable_node_or_service_is_one_clear_line(
    strongroom: Strongroom, init: Strongroom, world: World, tmp_path: Path, free_port: int
) -> None:
    nowhere = f"http://127.0.0.1:{free_port}"
    answer = strongroom("init", "--safe", world.account.safe, "--rpc", nowhere, "--folder", tmp_path / "new")
    assert answer.error.startswith(f"node `{nowhere}` cannot be reached")
    assert "write a full address" in init("--rpc", "localhost:8545").error
    assert init("--service", nowhere).error.startswith(f"transaction service `{nowhere}` cannot be reached")
    assert not (tmp_path / "new").exists()


def test_a_chain_that_nobody_described_is_one_clear_line(strongroom: Strongroom, world: World, tmp_path: Path) -> None:
    """The chains we ship do not include the local world."""
    answer = strongroom("init", "--safe", world.account.safe, "--rpc", world.url, "--folder", tmp_path / "new")
    assert answer.error.startswith("`31337` cannot be used for the chain; chains.toml knows `1`, ")
    assert not (tmp_path / "new").exists()
