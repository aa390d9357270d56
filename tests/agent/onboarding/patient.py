"""A treasury for the doctor to look at, and the hands that break one thing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.state_folder import StateFolder
from strongroom.world.world import World


@dataclass(frozen=True)
class Treasury:
    """A treasury in propose mode: documents, keystore, service, and the agent as a delegate."""

    folder: Path
    state: StateFolder
    service: str
    world: World

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def storage(self, slot: int, word: int) -> None:
        self.world.ask("anvil_setStorageAt", self.world.account.safe, hex(slot), f"0x{word:064x}")

    def as_safe(self, data: bytes) -> None:
        safe = self.world.account.safe
        self.world.set_balance(safe, 200 * 10**18)
        assert self.world.send_as(safe, safe, data).success


def signing(key: bytes) -> Callable[[bytes], bytes]:
    """A key's signature over a digest."""
    from eth_account import Account as Keys

    return lambda digest: bytes(Keys.unsafe_sign_hash(digest, key).signature)
