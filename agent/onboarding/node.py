"""The node that `init` and `doctor` ask, and what is known of its chain beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.onboarding.chains import KnownChain, known_chain, load_chains
from strongroom.errors import BadValue
from strongroom.model import Account, Address
from strongroom.ports import Queue

if TYPE_CHECKING:
    from strongroom.chain.rpc import RpcChain
    from strongroom.chain.transport import Transport

_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class OpenNode:
    """`transport` asks for what the `Chain` port does not give: event logs of any token, and old transactions."""

    chain: RpcChain
    transport: Transport
    known: KnownChain

    @contextmanager
    def queue(self, service: str | None, safe: Address) -> Iterator[Queue | None]:
        """The owners' queue at `service`, or `None` without one."""
        if service is None:
            yield None
            return
        from strongroom.wallet.service import SafeService

        with closing(SafeService(_url(service, "--service"), Account(self.known.chain_id, safe), self.chain)) as queue:
            yield queue


@contextmanager
def open_node(rpc: str, chains: Path | None) -> Iterator[OpenNode]:
    """The node at `rpc`; `chains` is another chains.toml. Raises `InputError` or `NodeError`."""
    from strongroom.chain.rpc import RpcChain
    from strongroom.chain.transport import Transport

    known = load_chains(chains)
    url = _url(rpc, "--rpc")
    with closing(RpcChain(url, _SECONDS)) as chain, closing(Transport(url, _SECONDS)) as transport:
        yield OpenNode(chain, transport, known_chain(known, chain.chain_id()))


def _url(text: str, option: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise BadValue(text, f"`{option}`", "write a full address such as `http://127.0.0.1:8545`")
    return text.rstrip("/")
