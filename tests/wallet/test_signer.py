"""Keystores open with their own password only, and say in one line what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.errors import KeyMissing
from strongroom.wallet.signer import address_in_keystore, open_keystore, write_keystore
from strongroom.world.people import AGENT


def test_a_written_keystore_opens_to_the_same_key_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "keystore" / "agent.json"
    assert write_keystore(path, AGENT.key, "secret", iterations=10) == AGENT.address
    assert open_keystore(path, "secret").address == AGENT.address
    assert address_in_keystore(path) == AGENT.address
    assert path.stat().st_mode & 0o777 == 0o600
    assert AGENT.key.hex() not in path.read_text()


def test_a_wrong_password_names_the_variable(tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    write_keystore(path, AGENT.key, "secret", iterations=10)
    with pytest.raises(KeyMissing, match="STRONGROOM_PASSWORD"):
        open_keystore(path, "guess")


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"address": 5}'])
def test_what_is_no_keystore_is_named_by_its_path(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "agent.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KeyMissing, match=r"agent\.json"):
        open_keystore(path, "secret")
    assert address_in_keystore(path) is None
