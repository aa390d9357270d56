"""What a service can lie about, and what becomes of it: the reader checks every hash and every signature itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.chain.rpc import RpcChain
from strongroom.errors import ServiceError, ServiceRefused, ServiceUnreachable
from strongroom.model import NATIVE, Digest, Operation, SafeTx
from strongroom.protocols.abi import encode_call
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet.service import MOST, SafeService
from strongroom.world.people import ALICE, GUARDIANS, STRANGER
from strongroom.world.world import World

from .conftest import sign

INES, JONAS, KEMI = GUARDIANS


@dataclass
class Liar:
    """Answers every request with what it was told to say."""

    status: int = 200
    body: Any = None
    wait_seconds: float = 0.0
    url: str = field(default="", init=False)


@pytest.fixture(scope="module")
def server() -> Iterator[Liar]:
    liar = Liar()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(liar.wait_seconds)
            data = liar.body if isinstance(liar.body, bytes) else json.dumps(liar.body).encode()
            self.send_response(liar.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        liar.url = f"http://127.0.0.1:{listening.server_port}"
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield liar
        listening.shutdown()
        thread.join()


@pytest.fixture
def liar(server: Liar) -> Liar:
    server.status, server.body, server.wait_seconds = 200, None, 0.0
    return server


@pytest.fixture
def queue(liar: Liar, module_world: World, module_chain: RpcChain) -> Iterator[SafeService]:
    with closing(SafeService(liar.url, module_world.account, module_chain)) as service:
        yield service


@pytest.fixture
def tx(module_world: World) -> SafeTx:
    return SafeTx(module_world.account, ALICE.address, 5, b"\x01", Operation.CALL, 3)


def _confirmation(owner: str, signature: bytes, kind: str = "EOA") -> dict[str, Any]:
    return {"owner": owner, "signature": "0x" + signature.hex(), "signatureType": kind}


def _row(tx: SafeTx) -> dict[str, Any]:
    digest = safe_tx_hash(tx)
    return {
        "safe": tx.account.safe, "to": tx.to, "value": str(tx.value_wei), "data": "0x" + tx.data.hex(),
        "operation": int(tx.operation), "gasToken": NATIVE, "safeTxGas": "0", "baseGas": "0", "gasPrice": "0",
        "refundReceiver": NATIVE, "nonce": str(tx.nonce), "safeTxHash": digest, "proposer": INES.address,
        "origin": "{}", "isExecuted": False, "trusted": True,
        "confirmations": [_confirmation(INES.address, sign(INES, digest))],
    }  # fmt: skip


def test_the_truth_is_believed(queue: SafeService, liar: Liar, tx: SafeTx) -> None:
    liar.body = {"results": [_row(tx)]}
    (queued,) = queue.pending(0)
    assert queued.tx == tx
    assert [approval.guardian for approval in queued.approvals] == [INES.address]


@pytest.mark.parametrize(
    "lie",
    [
        {"to": STRANGER.address},
        {"value": "6"},
        {"data": None},
        {"data": "0x02"},
        {"operation": 1},
        {"nonce": "4"},
        {"safe": STRANGER.address},
        {"safeTxHash": "0x" + "11" * 32},
        {"safeTxGas": "1"},
        {"baseGas": "1"},
        {"gasPrice": "1"},
        {"gasToken": STRANGER.address},
        {"refundReceiver": STRANGER.address},
    ],
)
def test_a_row_that_is_not_what_its_hash_says_is_refused(
    queue: SafeService, liar: Liar, tx: SafeTx, lie: dict[str, Any]
) -> None:
    liar.body = {"results": [{**_row(tx), **lie}]}
    with pytest.raises(ServiceRefused):
        queue.pending(0)
    liar.body = {**_row(tx), **lie}
    with pytest.raises(ServiceRefused):
        queue.find(safe_tx_hash(tx))


@pytest.mark.parametrize("hide", [{"trusted": False}, {"isExecuted": True}])
def test_what_is_not_trusted_or_not_waiting_is_left_out(
    queue: SafeService, liar: Liar, tx: SafeTx, hide: dict[str, Any]
) -> None:
    liar.body = {"results": [{**_row(tx), **hide}]}
    assert queue.pending(0) == ()


def test_a_filter_that_the_service_forgot_is_applied_again(queue: SafeService, liar: Liar, tx: SafeTx) -> None:
    liar.body = {"results": [_row(tx), _row(tx)]}
    assert len(queue.pending(3)) == 1
    assert queue.pending(4) == ()


def test_only_signatures_that_stand_are_approvals(queue: SafeService, liar: Liar, tx: SafeTx) -> None:
    digest = safe_tx_hash(tx)
    claimed = bytes(12) + bytes.fromhex(KEMI.address[2:]) + bytes(32)
    asked = bytes(12) + bytes.fromhex(KEMI.address[2:]) + (65).to_bytes(32, "big")
    lies = [
        _confirmation(KEMI.address, sign(STRANGER, digest)),
        _confirmation(STRANGER.address, sign(STRANGER, digest)),
        _confirmation(KEMI.address, sign(KEMI, Digest("0x" + "22" * 32))),
        _confirmation(KEMI.address, sign(JONAS, digest)),
        _confirmation(KEMI.address, claimed + b"\x01", "APPROVED_HASH"),
        _confirmation(KEMI.address, asked + b"\x00" + bytes(32), "CONTRACT_SIGNATURE"),
        _confirmation(KEMI.address, b"\x11" * 65),
        _confirmation(KEMI.address, b""),
        {"owner": KEMI.address, "signature": None},
        {},
    ]
    liar.body = {"results": [{**_row(tx), "confirmations": [*lies, _confirmation(JONAS.address, sign(JONAS, digest))]}]}
    (queued,) = queue.pending(0)
    assert [approval.guardian for approval in queued.approvals] == [JONAS.address]


def test_the_same_owner_twice_is_one_approval(queue: SafeService, liar: Liar, tx: SafeTx) -> None:
    row = _row(tx)
    liar.body = {"results": [{**row, "confirmations": row["confirmations"] * 2}]}
    assert len(queue.pending(0)[0].approvals) == 1


def test_an_approval_on_chain_is_believed_when_the_chain_says_so(
    world: World, chain: RpcChain, liar: Liar, tx: SafeTx
) -> None:
    approval = encode_call("approveHash(bytes32)", bytes.fromhex(safe_tx_hash(tx)[2:]))
    world.send_as(KEMI.address, world.account.safe, approval)
    claimed = bytes(12) + bytes.fromhex(KEMI.address[2:]) + bytes(32) + b"\x01"
    liar.body = {"results": [{**_row(tx), "confirmations": [_confirmation(KEMI.address, claimed)]}]}
    with closing(SafeService(liar.url, world.account, chain)) as service:
        assert [approval.guardian for approval in service.pending(0)[0].approvals] == [KEMI.address]


def test_another_transaction_than_the_one_asked_for_is_refused(queue: SafeService, liar: Liar, tx: SafeTx) -> None:
    liar.body = _row(tx)
    with pytest.raises(ServiceRefused):
        queue.find(Digest("0x" + "33" * 32))


def test_an_unknown_transaction_is_none_but_a_failing_service_is_an_error(
    queue: SafeService, liar: Liar, tx: SafeTx
) -> None:
    liar.status, liar.body = 404, {"detail": "nothing"}
    assert queue.find(safe_tx_hash(tx)) is None
    for status in (500, 502, 503):
        liar.status = status
        with pytest.raises(ServiceUnreachable, match=f"HTTP {status}"):
            queue.find(safe_tx_hash(tx))
        with pytest.raises(ServiceUnreachable):
            queue.pending(0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429])
def test_a_list_that_is_refused_is_an_error_and_never_an_empty_queue(
    queue: SafeService, liar: Liar, status: int
) -> None:
    liar.status, liar.body = status, {"results": []}
    with pytest.raises(ServiceRefused):
        queue.pending(0)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"null",
        b"[]",
        b"7",
        {"results": None},
        {"results": 3},
        {"results": "abc"},
        {"results": [{}]},
        {"results": [None]},
    ],
)
def test_an_answer_that_cannot_be_read_is_an_error(queue: SafeService, liar: Liar, body: Any) -> None:
    liar.body = body
    with pytest.raises(ServiceError):
        queue.pending(0)


def test_a_list_without_end_is_refused(queue: SafeService, liar: Liar, tx: SafeTx) -> None:
    liar.body = {"results": [_row(tx)] * 100}
    with pytest.raises(ServiceRefused, match=str(MOST)):
        queue.pending(0)


def test_a_service_that_is_not_there_is_named_without_its_key(module_world: World, module_chain: RpcChain) -> None:
    service = SafeService("http://127.0.0.1:9/secret-key?k=1", module_world.account, module_chain)
    with closing(service), pytest.raises(ServiceUnreachable) as caught:
        service.pending(0)
    assert "127.0.0.1:9" in str(caught.value) and "secret" not in str(caught.value)


def test_a_service_that_does_not_answer_in_time_is_unreachable(
    liar: Liar, module_world: World, module_chain: RpcChain
) -> None:
    liar.wait_seconds = 1.5
    service = SafeService(liar.url, module_world.account, module_chain, timeout_seconds=1)
    with closing(service), pytest.raises(ServiceUnreachable):
        service.pending(0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("name", ["value", "nonce", "gasPrice", "operation"])
@pytest.mark.parametrize("number", [-1, 2**256, "-1", str(2**256), float("inf"), 0.5])
def test_a_number_that_no_transaction_can_hold_is_refused(
    queue: SafeService, liar: Liar, tx: SafeTx, name: str, number: object
) -> None:
    liar.body = {"results": [_row(tx) | {name: number}]}
    with pytest.raises(ServiceRefused):
        queue.pending(0)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_of_any_field_makes_another_transaction_believed(
    queue: SafeService, liar: Liar, tx: SafeTx, data: st.DataObject
) -> None:
    row = _row(tx)
    name = data.draw(st.sampled_from(sorted(row)))
    row[name] = data.draw(JSON)
    liar.body = {"results": [row]}
    try:
        waiting = queue.pending(0)
    except ServiceError:
        return
    assert [queued.tx for queued in waiting] in ([tx], [])
    assert all(approval.guardian == INES.address for queued in waiting for approval in queued.approvals)
