"""The breaker's events as a node's logs: exact, in the chain's order, and from nodes that serve narrow spans only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardians.report.breaker import read_breaker
from strongroom.addresses import keccak, to_address
from strongroom.errors import NodeRefused
from strongroom.model import Block, Digest
from strongroom.protocols.breaker import TOPICS, Paused, Rebased, Rekeyed, Tripped, decode_event

KERNEL, WATCH, KEMI, NEXT = (to_address(bytes([number]) * 20) for number in (1, 2, 3, 4))
WORDS = st.integers(0, 2**256 - 1)
PAUSED, TRIPPED, REBASED = (
    "0x" + keccak(each).hex()
    for each in (b"Paused(uint32,address,bytes32)", b"Tripped(address,uint256,uint256)", b"Rebased(uint256)")
)


def word(value: int | str) -> str:
    return f"0x{int(value, 16) if isinstance(value, str) else value:064x}"


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


@given(wealth=WORDS, floor=WORDS)
def test_a_trip_says_who_and_what_was_counted_to_the_last_digit(wealth: int, floor: int) -> None:
    assert decode_event([TRIPPED, word(KEMI)], words(wealth, floor)) == Tripped(KEMI, wealth, floor)


@given(epoch=st.integers(0, 2**32 - 1), limit=WORDS)
def test_a_pause_at_a_limit_is_told_from_one_by_a_human(epoch: int, limit: int) -> None:
    assert decode_event([PAUSED, word(epoch), word(KEMI)], words(limit)) == Paused(KEMI, bool(limit))


def test_a_re_key_names_the_burned_key_and_the_new_one() -> None:
    topic = "0x" + keccak(b"Rekeyed(uint32,address,address,bytes32)").hex()
    assert decode_event([topic, word(1), word(KEMI), word(NEXT)], words(0)) == Rekeyed(KEMI, NEXT)


@pytest.mark.parametrize(("topics", "data"), [([], b""), ([word(7)], words(1)), ([REBASED], b""), ([PAUSED], words(0))])
def test_any_other_log_is_no_event(topics: list[str], data: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        decode_event(topics, data)


class Node:
    """A node with one log in each block, which serves `widest` blocks at a time; blocks are ten seconds apart."""

    def __init__(self, widest: int) -> None:
        self.widest, self.asked = widest, 0

    def ask(self, method: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        assert (method, wanted["address"], wanted["topics"]) == ("eth_getLogs", [KERNEL, WATCH], [list(TOPICS)])
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        self.asked += 1
        if last - first >= self.widest:
            raise NodeRefused(method, "too wide")
        return [self._log(number) for number in range(first, last + 1)]

    def ask_all(self, requests: list[tuple[str, tuple[str, bool]]]) -> list[dict[str, Any]]:
        numbers = [int(digest, 16) for _, (digest, _) in requests]
        return [{"number": hex(each), "hash": word(each), "timestamp": hex(10 * each)} for each in numbers]

    def _log(self, number: int) -> dict[str, Any]:
        place = {"blockHash": word(number), "transactionHash": word(number)}
        if number % 2:
            return {"topics": [PAUSED, word(0), word(WATCH)], "data": word(0), **place}
        return {"topics": [REBASED], "data": word(number), **place}


def head(number: int) -> Block:
    return Block(number, Digest(word(number)), 10 * number)


@given(number=st.integers(0, 4_000), widest=st.integers(1_000, 5_000))
def test_a_node_of_narrow_spans_gives_every_event_once_and_in_order(number: int, widest: int) -> None:
    """The watch's own pauses are part of its trips and not told twice."""
    story = read_breaker(Node(widest), KERNEL, WATCH, head(number))  # type: ignore[arg-type]
    assert story is not None and story.first_block == 0
    even = range(0, number + 1, 2)
    assert [(each.event, each.block, each.at) for each in story.happenings] == [(Rebased(n), n, 10 * n) for n in even]


def test_what_would_take_too_many_requests_is_left_and_said() -> None:
    node = Node(1_000)
    story = read_breaker(node, KERNEL, WATCH, head(3_999), most_requests=4)  # type: ignore[arg-type]
    assert story is not None and node.asked == 4
    assert story.first_block == 2_000 and story.happenings[0].block == 2_000


def test_a_node_that_gives_no_logs_at_all_gives_no_story() -> None:
    assert read_breaker(Node(0), KERNEL, WATCH, head(5_000)) is None  # type: ignore[arg-type]
