"""The guardians' composition root: a guardian's own documents, node and service, wired without the agent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from guardians.documents import listings_of, open_documents, subject_of
from strongroom.documents import read
from strongroom.errors import BadValue, KeyMissing
from strongroom.settings import Treasury, load_treasury

if TYPE_CHECKING:
    from guardians.key import GuardianKey
    from policies.terms import PolicyDocument
    from strongroom.chain.transport import Transport
    from strongroom.observe import Subject
    from strongroom.ports import Chain
    from strongroom.wallet.service import SafeService

PASSWORD = "STRONGROOM_GUARDIAN_PASSWORD"  # noqa: S105 - the variable's name
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Console:
    """A wired guardian: nothing here holds a key or a ledger. `node` is what `chain` stands on, for event logs and for
    headers of blocks long past."""

    treasury: Treasury
    document: PolicyDocument
    subject: Subject
    chain: Chain
    node: Transport
    service: SafeService


@contextmanager
def open_console(folder: Path) -> Iterator[Console]:
    """Reads the two documents in `folder` and connects. Raises `InputError`, `WrongChain` or `NodeError`."""
    treasury, document = open_documents(folder)
    with ExitStack() as stack:
        chain = _chain(stack, treasury)
        subject = replace(subject_of(document, treasury.watch), listings=listings_of(document, folder))
        service = _service(stack, treasury, chain)
        yield Console(treasury, document, subject, chain, _node(stack, treasury), service)


def _chain(stack: ExitStack, treasury: Treasury) -> Chain:
    from strongroom.chain.rpc import connect

    return stack.enter_context(closing(connect(treasury.rpc, treasury.account.chain_id)))


def _node(stack: ExitStack, treasury: Treasury) -> Transport:
    from strongroom.chain.transport import Transport

    return stack.enter_context(closing(Transport(treasury.rpc, _TIMEOUT_SECONDS)))


def _service(stack: ExitStack, treasury: Treasury, chain: Chain) -> SafeService:
    from strongroom.wallet.service import SafeService

    service = SafeService(treasury.service, treasury.account, chain)
    stack.callback(service.close)
    return service


def open_keystore(keystore: Path, ask: Callable[[], str | None]) -> GuardianKey:
    """The guardian's key. The password is the environment's `STRONGROOM_GUARDIAN_PASSWORD`, else what `ask` returns.
    Raises `KeyMissing`."""
    from guardians.key import open_key

    if not keystore.is_file():
        raise KeyMissing(str(keystore), "name your keystore with `--keystore`")
    password = os.environ.get(PASSWORD) or ask()
    if password is None:
        raise KeyMissing(str(keystore), f"set {PASSWORD}, or run on a terminal to be asked for the password")
    return open_key(keystore, password)


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the bundled Transaction Service listens, on loopback, and what it stands on."""

    rpc: str
    port: int
    store: Path


def serving(folder: Path, rpc: str | None, port: int | None, store: Path | None) -> Serving:
    """What the options leave open comes from treasury.toml. Raises `InputError`."""
    if rpc and port and store:
        return Serving(rpc, port, store)
    treasury = load_treasury(read(folder / "treasury.toml"), folder)
    listed = port or urlsplit(treasury.service).port
    if listed is None:
        raise BadValue(treasury.service, "`service` in treasury.toml", "name its port there, or give `--port`")
    return Serving(rpc or treasury.rpc, listed, store or treasury.state_dir / "service.db")


def serve(settings: Serving, ready: Callable[[str], None]) -> None:
    """Answers until it is interrupted; `ready` is told the address first. Raises `NodeError` or `BadValue`."""
    from guardians.server import serving as server
    from strongroom.clock import WallClock

    settings.store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with server.open_service(settings.rpc, settings.store, WallClock()) as service:
        ready(f"http://{server.HOST}:{settings.port}")
        server.serve(service, settings.port)
