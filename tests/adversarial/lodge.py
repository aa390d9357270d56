"""A treasury with its Kernel installed, whose treasurer is always another real process; what chain and ledger show."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

from agent import example
from agent.app import Treasurer, open_documents, open_treasurer
from agent.demo.scene import PASSWORD
from agent.installing import plan_installation
from agent.state_folder import StateFolder
from strongroom.addresses import keccak
from strongroom.chain.rpc import RpcChain
from strongroom.ledger.entries import Entry
from strongroom.ledger.reading import read_entries
from strongroom.ledger.verification import verify
from strongroom.model import Address, Operation, TokenId
from strongroom.observe import safe_state
from strongroom.protocols.erc20 import read_balance
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.treasury import TREASURY
from strongroom.world.world import World
from tests.adversarial.dying import LIBRARIES, live
from tests.agent.house import House

PATIENCE_SECONDS = 90.0
PAID = "0x" + keccak(b"Paid(bytes32,address,address,uint256,bytes32)").hex()


def install(world: World, config: Path) -> Address:
    """The owners install the Kernel of the policy in `config`; its address."""
    planned = plan_installation(config, AGENT.address)
    tx = planned["transaction"]
    data, operation = bytes.fromhex(tx["data"][2:]), Operation(tx["operation"])
    assert world.safe_exec(world.account, GUARDIANS[:2], Address(tx["to"]), data, 0, operation).success
    return Address(planned["kernel"])


@dataclass(frozen=True)
class Picture:
    """What the chain shows of the treasury."""

    payees: dict[tuple[Address, TokenId], int]
    safe_nonce: int
    agent_nonce: int
    kernel_payments: int

    def since(self, before: Picture) -> Picture:
        return Picture(
            {key: units - before.payees[key] for key, units in self.payees.items()},
            self.safe_nonce - before.safe_nonce,
            self.agent_nonce - before.agent_nonce,
            self.kernel_payments - before.kernel_payments,
        )


PAYROLL = {(payee.address, payee.monthly.token): payee.monthly.units for payee in TREASURY.payees}


@dataclass(frozen=True)
class Lodge:
    """A house whose treasurers run as children. Documents of every mode share one state folder."""

    house: House
    chain: RpcChain
    kernel: Address

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.house.home / "state")

    def config(self, mode: Mode) -> Path:
        world, kernel = self.house.world, self.kernel if mode is Mode.GUARDED else None
        watch = example.watch_of(world, kernel) if kernel else None
        texts = example.documents(world, self.house.service, self.state.path, mode, kernel, watch=watch)
        return example.write(texts, self.house.home / mode)

    @contextmanager
    def treasurer(self, mode: Mode) -> Iterator[Treasurer]:
        """A treasurer of this process, for what needs no killing."""
        with open_treasurer(open_documents(self.config(mode)), self.house.notices) as opened:
            yield opened

    @contextmanager
    def child(self, mode: Mode, *arguments: str, dying: str = "") -> Iterator[Child]:
        """A command in a process of its own; stopped in the end, however it went."""
        said = self.house.home / f"said-{len(list(self.house.home.iterdir()))}"
        command = [*arguments, "--config", str(self.config(mode))]
        environment = {"STRONGROOM_PASSWORD": PASSWORD}
        process = _nursery().Process(target=live, args=(command, environment, said, dying), daemon=True)
        process.start()
        try:
            yield Child(process, said)
            process.terminate()
            process.join(20)
        finally:
            process.kill()
            process.join()
            process.close()

    def killed(self, mode: Mode, *arguments: str, at: str) -> None:
        """A command that must come to this point, and goes no further."""
        with self.child(mode, *arguments, dying=at) as child:
            child.until_killed()

    def run_until(self, mode: Mode, what: str) -> None:
        """`strongroom run`, until it has said `what`."""
        with self.child(mode, "run", "--every", "0.05") as child:
            child.until(what)

    def finish(self, mode: Mode) -> None:
        """`strongroom run` until no unit has a step to take, whether there was one or not."""
        with self.child(mode, "run", "--every", "0.05") as child:
            child.until(f": {mode} mode, process ")
            wait_for(lambda: self._statuses() <= {"executed"})

    def _statuses(self) -> set[str]:
        with closing(sqlite3.connect(self.state.units)) as units:
            return {status for (status,) in units.execute("select status from units")}

    def gas_costs(self, base_fee_wei: int) -> None:
        """Makes it the newest block's base fee. It is not turned back with the rest of the chain: do so in the end."""
        self.house.world.ask("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
        self.house.world.ask("evm_mine")

    def picture(self) -> Picture:
        chain, world = self.chain, self.house.world
        block = chain.head()
        tokens = world.contracts.tokens
        held = chain.read([read_balance(tokens[token], payee) for payee, token in PAYROLL], block)
        logs = world.ask("eth_getLogs", {"address": self.kernel, "topics": [PAID], "fromBlock": "0x0"})
        return Picture(
            dict(zip(PAYROLL, held, strict=True)),
            safe_state(chain, world.account.safe, block).nonce,
            chain.nonce(AGENT.address),
            len(logs),
        )

    def entries(self) -> list[Entry]:
        return list(read_entries(self.state.ledger))

    def kinds(self) -> Counter[str]:
        return Counter(entry.type for entry in self.entries())

    def require_sound_ledger(self) -> None:
        """Every byte verifies, every request is answered once, every sent action was intended and mined once."""
        report = verify(self.state.ledger)
        assert report.ok, report.fault
        assert report.waiting == ()
        kinds = self.kinds()
        assert kinds["human.req"] == kinds["human.res"]
        mined = Counter(entry.body["tx_hash"] for entry in self.entries() if entry.type == "tx.mined")
        assert set(mined.values()) <= {1}, mined


@dataclass(frozen=True)
class Child:
    """A process and the file that holds what it said."""

    process: BaseProcess
    said: Path

    def until(self, what: str) -> None:
        """Waits until it has said `what`."""
        wait_for(lambda: what in self._words() or not self.process.is_alive())
        assert what in self._words(), self._words()

    def until_said_or_killed(self, what: str) -> None:
        """Waits until it has said `what`, or died of its own hand."""
        wait_for(lambda: what in self._words() or not self.process.is_alive())
        assert what in self._words() or self.process.exitcode == -signal.SIGKILL, self._words()

    def until_killed(self) -> None:
        self.process.join(PATIENCE_SECONDS)
        assert self.process.exitcode == -signal.SIGKILL, self._words()

    def _words(self) -> str:
        return self.said.read_text() if self.said.exists() else ""


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@cache
def _nursery() -> ForkServerContext:
    """Children are forked from a server without threads that has the libraries loaded, or each would take seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LIBRARIES))
    return context


T = TypeVar("T")


def sampled(points: Sequence[T], sample: Sequence[T]) -> Sequence[T]:
    """All points when the whole matrix is asked for, else the sample."""
    return points if os.environ.get("STRONGROOM_CHAOS") else sample
