"""The hall's Safe under an owners' guard, and guardians at their own terminals."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from guardians.__main__ import main
from strongroom.chain.transport import Transport
from strongroom.model import NATIVE, Address, Digest, SafeState
from strongroom.observe import safe_state
from strongroom.protocols.kernel import Birth
from strongroom.protocols.owner_guard import GuardBirth, GuardState, encode_set_guard, guard_from, guard_reads
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, GUARDIANS, Person
from tests.guardians.hall import Hall

DAY, HOUR = 86_400, 3_600
DELAY, WINDOW = 2 * DAY, 7 * DAY
ZERO = Digest("0x" + "00" * 32)


@dataclass(frozen=True)
class Guarded:
    """`own` runs one command of a guardian: exit code, stdout, stderr."""

    hall: Hall
    address: Address
    node: Transport
    own: Callable[..., tuple[int, str, str]]

    def state(self) -> GuardState:
        found = guard_from(self.address, self.hall.chain.read(guard_reads(self.address), self.hall.chain.head()))
        assert found is not None
        return found

    def safe(self) -> SafeState:
        return safe_state(self.hall.chain, self.hall.document.account.safe, self.hall.chain.head())

    def executes(self, first: str, *changes: str) -> str:
        """Ines proposes by the command `first`, Jonas signs, Kemi executes; what Ines was shown."""
        ines, jonas, kemi = GUARDIANS
        named = [each for change in changes for each in ("--change", change)]
        code, shown, err = self.own(ines, first, *changes)
        assert code == 0, err
        (digest,) = {each.safe_tx_hash for each in self.hall.service.pending(self.safe().nonce)}
        assert self.own(jonas, "sign", digest, *named)[::2] == (0, "")
        code, _, err = self.own(kemi, "execute", digest, *named)
        assert code == 0, err
        return shown


def under_guard(hall: Hall) -> Address:
    """A Kernel that no module list names, and its guard in the Safe's slot: the guard's address."""
    world = hall.world
    terms = (AGENT.address, (), ZERO, ZERO, (), DAY, HOUR, 7 * DAY)
    kernel = world.deploy(artifact("Kernel").creation + Birth(world.account.safe, NATIVE, *terms).encoded)
    guard = world.deploy(artifact("OwnerGuard").creation + GuardBirth(kernel, DELAY, WINDOW).encoded)
    assert world.safe_exec(world.account, GUARDIANS[:2], world.account.safe, encode_set_guard(guard)).success
    return guard


def terminal(
    hall: Hall, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs one command for a person, with their own folder and, unless it only looks, their own keystore."""

    def once(person: Person, command: str, *what: str) -> tuple[int, str, str]:
        looks = command in ("changes", "list", "show", "verify")
        key = [] if looks else ["--keystore", str(hall.keystore(person)), "--yes"]
        arguments = [command, *what, "--config", str(hall.own_folder(person.name)), *key]
        monkeypatch.setattr(sys, "argv", ["guardian", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return once
