"""What a Kernel has that no document speaks of: guardians that somebody added, what is stopped, what is announced.

Its events say what to ask about, and its getters what is so: an event of long ago proves nothing about now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent.comparing.fields import Field, Weight, format_time
from agent.comparing.installed import Installed
from policies.document import document_hash
from strongroom.addresses import to_address, to_digest
from strongroom.chain.answers import reading, to_bytes
from strongroom.chain.logs import read_logs
from strongroom.chain.transport import Transport
from strongroom.errors import NodeRefused
from strongroom.model import Address, Block, Digest
from strongroom.ports import Chain
from strongroom.protocols.abi import encode_call, selector
from strongroom.protocols.kernel import blocked_read, encode_announce, guardian_read, revoked_read
from strongroom.protocols.kernel_events import KERNEL_TOPICS, Candidates, candidates, pending_read
from strongroom.protocols.owner_guard import AnnouncedChange

_MOST_REQUESTS, _NARROWEST_SPAN = 64, 1_000
_REMOVE = "removeGuardian(address)"
_SET_POLICY = selector("setPolicy(bytes32,bytes32,(address,uint32,uint96,uint96,uint32)[])")
_KINDS = {
    _SET_POLICY: "another policy",
    selector("rekey(address,bytes32,address[])"): "a new key",
    selector("unblockAddress(address)"): "letting an address through again",
    selector(_REMOVE): "taking a guardian's powers",
}
_NONE = "none"


def life_fields(chain: Chain, node: Transport, installed: Installed, block: Block) -> Iterator[Field]:
    """Fields of the Kernel that only its events lead to. A node that shows no events, or not all of the Kernel's life,
    is told: what it does not show is not none. Raises `NodeUnreachable`."""
    try:
        found, since = _events(node, installed.kernel, block)
    except NodeRefused:
        yield Field("the Kernel's events", None, "the node shows none; ask another one")
        return
    yield Field("the Kernel's events", None, f"read since block {since}" if since else "read from the first block on")
    yield from _strangers(chain, installed, found.guardians, block)
    yield Field("blocked by guardians", None, _blocked(chain, installed, found, block))
    yield Field("revoked rules", None, _revoked(chain, installed, found, block))
    yield Field("announced", None, _announced(chain, installed, found.announced, block))


def _events(node: Transport, kernel: Address, block: Block) -> tuple[Candidates, int]:
    wanted = {"address": kernel, "topics": [list(KERNEL_TOPICS)]}
    logs, since = read_logs(node, wanted, 0, block, _MOST_REQUESTS, _NARROWEST_SPAN)
    with reading("eth_getLogs"):
        return candidates([(log["topics"], to_bytes(log["data"])) for log in logs]), since


def _strangers(chain: Chain, installed: Installed, candidates: Sequence[Address], block: Block) -> Iterator[Field]:
    """One field for all: a guardian stops money and never moves it, yet nobody signed for this one here."""
    document, kernel = installed.document, installed.kernel
    named = {*document.guardians.members, *document.kernel.pause_only, installed.watch}
    asked = [each for each in candidates if each not in named]
    are = chain.read([guardian_read(kernel, each) for each in asked], block)
    found = [each for each, is_one in zip(asked, are, strict=True) if is_one]
    mend = "name the key in `pause_only` of [kernel]"
    if found:
        removal = encode_announce(encode_call(_REMOVE, found[0])).hex()
        mend = f"{mend}, or let the Safe announce to the Kernel that it goes, `0x{removal}`"
    yield Field("a guardian that no document names", _NONE, _listed(found), mend, weight=Weight.FAILS)


def _blocked(chain: Chain, installed: Installed, found: Candidates, block: Block) -> str:
    are = chain.read([blocked_read(installed.kernel, each) for each in found.blocked], block)
    return _listed([each for each, is_one in zip(found.blocked, are, strict=True) if is_one])


def _revoked(chain: Chain, installed: Installed, found: Candidates, block: Block) -> str:
    are = chain.read([revoked_read(installed.kernel, each) for each in found.revoked], block)
    names = installed.compiled.names
    return _listed([names.get(each, each) for each, is_one in zip(found.revoked, are, strict=True) if is_one])


def _announced(chain: Chain, installed: Installed, found: Mapping[Digest, bytes], block: Block) -> str:
    standing = chain.read([pending_read(installed.kernel, change) for change in found], block)
    said = (
        _said(call, change, installed)
        for call, change in zip(found.values(), standing, strict=True)
        if change is not None
    )
    return "; ".join(said) or _NONE


def _said(call: bytes, change: AnnouncedChange, installed: Installed) -> str:
    what = _KINDS.get(call[:4], f"`0x{call[:4].hex()}`")
    if call[:4] == _SET_POLICY and to_digest(call[36:68]) == document_hash(installed.document):
        what = "the policy of these documents"
    elif call[:4] in (selector(_REMOVE), selector("rekey(address,bytes32,address[])")):
        what = f"{what}, `{to_address(call[16:36])}`"
    return f"{what}, ready at {format_time(change.ready_at)}"


def _listed(found: Sequence[str]) -> str:
    return ", ".join(found) or _NONE
