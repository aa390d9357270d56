"""Whatever a node does, only `NodeUnreachable` and `NodeRefused` come out, and never a word that was not checked."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeError, NodeRefused, NodeUnreachable
from strongroom.model import Address, Block, Digest
from strongroom.ports import Chain, Override, Read, SimulatedCall
from tests.chain.faulty_node import BODIES, ERRORS, FAULTS, RESULTS, STATUSES, WIRE, FaultyNode

A = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
BLOCK = Block(5_000, Digest("0x" + "11" * 32), 1_000_000)
READ = Read(A, b"", bytes)
CALL = SimulatedCall(A, A, 0, b"")

METHODS: dict[str, Callable[[Chain], Any]] = {
    "chain_id": lambda chain: chain.chain_id(),
    "head": lambda chain: chain.head(),
    "numbered": lambda chain: chain.numbered(BLOCK.number),
    "parent": lambda chain: chain.parent(BLOCK),
    "read": lambda chain: chain.read([READ, READ], BLOCK),
    "balances_wei": lambda chain: chain.balances_wei([A, A], BLOCK),
    "storage": lambda chain: chain.storage(A, [0, 1], BLOCK),
    "code": lambda chain: chain.code(A, BLOCK),
    "base_fee_wei": lambda chain: chain.base_fee_wei(BLOCK),
    "fee_history": lambda chain: chain.fee_history(4, BLOCK),
    "transfers_from": lambda chain: chain.transfers_from(A, [A], 0, BLOCK),
    "events": lambda chain: chain.events(A, [Digest("0x" + "33" * 32)], 0, BLOCK),
    "simulate": lambda chain: chain.simulate([CALL], {A: Override({})}, BLOCK),
    "trace": lambda chain: chain.trace(CALL, {A: Override({})}, BLOCK),
    "nonce": lambda chain: chain.nonce(A),
    "send": lambda chain: chain.send(b"\x02"),
    "transaction": lambda chain: chain.transaction(Digest("0x" + "22" * 32)),
}
UNTRACED = (*ERRORS, *RESULTS, "/neither", "/no-json-rpc")


@pytest.fixture(scope="module")
def node() -> Iterator[FaultyNode]:
    started = FaultyNode()
    yield started
    started.close()


@pytest.fixture
def reach() -> Iterator[Callable[[str], RpcChain]]:
    """Makes adapters, and closes them. Patience is short only where the node is slow on purpose."""
    made: list[RpcChain] = []

    def reached(url: str) -> RpcChain:
        made.append(RpcChain(url, timeout_seconds=0.1 if "/slow" in url else 5.0))
        return made[-1]

    yield reached
    for each in made:
        each.close()


def test_every_method_of_the_port_is_covered_here() -> None:
    assert set(METHODS) == {name for name in vars(Chain) if not name.startswith("_")}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_becomes_one_of_our_errors(
    method: str, fault: str, node: FaultyNode, reach: Callable[[str], RpcChain]
) -> None:
    """A value may come out only where the port allows one: `None` for a reverting call, an unknown transaction, or a
    node that does not trace."""
    allowed = {
        ("transaction", "/null"): None,
        ("read", "/reverted"): [None] * 2,
        ("read", "/reverted-in-words"): [None] * 2,
    }
    # The hash of a broadcast is computed here, whatever the node says it is.
    sent = method == "send" and fault in RESULTS
    if (method, fault) in allowed:
        assert METHODS[method](reach(node.url + fault)) == allowed[method, fault]
    elif method == "trace" and fault in UNTRACED:
        assert METHODS[method](reach(node.url + fault)) is None
    elif sent:
        assert METHODS[method](reach(node.url + fault)).startswith("0x")
    else:
        with pytest.raises(NodeError):
            METHODS[method](reach(node.url + fault))


@pytest.mark.parametrize("fault", [*STATUSES, *WIRE, "/garbage", "/empty", "/no-json-rpc"])
def test_no_answer_at_all_is_unreachable(fault: str, node: FaultyNode, reach: Callable[[str], RpcChain]) -> None:
    with pytest.raises(NodeError) as raised:
        reach(node.url + fault).chain_id()
    assert isinstance(raised.value, NodeUnreachable) or fault == "/no-json-rpc"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{closed}/",
        "https://127.0.0.1:{open}/",
        "ftp://127.0.0.1/",
        "127.0.0.1:8545",
        "node",
        "http://",
        "http://[bad/",
        "http://127.0.0.1:port/",
        "",
    ],
)
def test_each_wrong_address_is_unreachable(url: str, node: FaultyNode, reach: Callable[[str], RpcChain]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = url.format(closed=closed.getsockname()[1], open=node.url.rpartition(":")[2])
        with pytest.raises(NodeUnreachable):
            reach(url).head()


def test_a_dead_proxy_is_unreachable(reach: Callable[[str], RpcChain], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(NodeUnreachable, match="ProxyError"):
        reach("http://node.invalid/").head()


def test_a_slow_node_is_told_by_its_kind_of_failure(node: FaultyNode, reach: Callable[[str], RpcChain]) -> None:
    with pytest.raises(NodeUnreachable, match="ReadTimeout"):
        reach(node.url + "/slow").head()


@pytest.mark.parametrize("tail", ["/v3/s3cret", "/?key=s3cret", "/garbage?s3cret", "/slow#s3cret"])
def test_access_keys_in_the_address_are_never_told(
    tail: str, node: FaultyNode, reach: Callable[[str], RpcChain]
) -> None:
    for url in (node.url + tail, node.url.replace("http://", "http://s3cret:s3cret@") + "/broken"):
        with pytest.raises(NodeError) as raised:
            reach(url).head()
        assert "s3cret" not in str(raised.value)


def test_reads_are_tried_twice_and_sends_once(node: FaultyNode, reach: Callable[[str], RpcChain]) -> None:
    for method, times in (("head", 2), ("read", 2), ("send", 1)):
        node.asked.clear()
        with pytest.raises(NodeUnreachable):
            METHODS[method](reach(node.url + "/broken"))
        assert node.asked["/broken"] == times


def test_a_refusal_is_final(node: FaultyNode, reach: Callable[[str], RpcChain]) -> None:
    node.asked.clear()
    with pytest.raises(NodeRefused, match="the node refused `eth_chainId`: header not found"):
        reach(node.url + "/refused").chain_id()
    assert node.asked["/refused"] == 1


def test_a_method_that_is_missing_is_named(node: FaultyNode, reach: Callable[[str], RpcChain]) -> None:
    with pytest.raises(NodeRefused, match="refused `eth_chainId`: it does not offer this method; use a node that does"):
        METHODS["chain_id"](reach(node.url + "/unknown-method"))


def test_revert_bytes_are_kept(node: FaultyNode, reach: Callable[[str], RpcChain]) -> None:
    for fault, data in (("/reverted", "08c379a0"), ("/reverted-in-words", "deadbeef")):
        with pytest.raises(NodeRefused) as raised:
            METHODS["simulate"](reach(node.url + fault))
        assert raised.value.data.hex() == data


def test_a_rate_limit_inside_a_batch_is_not_taken_for_a_revert(
    node: FaultyNode, reach: Callable[[str], RpcChain]
) -> None:
    """`None` would read as "this contract does not answer"."""
    with pytest.raises(NodeRefused, match="daily request count exceeded"):
        METHODS["read"](reach(node.url + "/rate-limited"))


def test_words_of_a_node_are_one_short_line(node: FaultyNode, reach: Callable[[str], RpcChain]) -> None:
    node.results["eth_chainId"] = lambda _: {"error": {"code": 1, "message": "a\nb\x1b[31m\u202e" + "x" * 10_000}}
    with pytest.raises(NodeRefused) as raised:
        reach(node.url + "/scripted").chain_id()
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 300


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.from_regex(r"\A0x[0-9a-f]{0,66}\Z"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "hash",
                    "number",
                    "timestamp",
                    "blockHash",
                    "status",
                    "gasUsed",
                    "calls",
                    "returnData",
                    "error",
                    "topics",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=8,
)


@given(result=anything, method=st.sampled_from(sorted(METHODS)))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_result_whatever_escapes_as_a_foreign_error(node: FaultyNode, result: Any, method: str) -> None:
    class Everything(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            return result

    node.results = Everything()
    chain = RpcChain(node.url + "/scripted")
    try:
        METHODS[method](chain)
    except NodeError:
        pass
    finally:
        chain.close()
        node.results = {}


def test_the_faults_listed_are_all_served() -> None:
    assert set(BODIES) | set(STATUSES) | set(WIRE) | set(RESULTS) <= set(FAULTS)
