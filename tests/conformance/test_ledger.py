"""What every ledger must do: the `Ledger` port and all that reads it, the same in memory and on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.errors import BadValue
from strongroom.ledger.disclosures import proves
from strongroom.ledger.file_ledger import FileLedger
from strongroom.ledger.memory_ledger import MemoryLedger
from strongroom.ledger.merkle import extends, includes, leaf_hash
from strongroom.ledger.recorder import Recorder
from strongroom.model import Account, Address, Digest, Verdict
from strongroom.ports import Ledger

ACCOUNT = Account(31337, Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
ACTION = Digest("0x" + "ab" * 32)
OTHER = Digest("0x" + "cd" * 32)


@dataclass
class Stopped:
    """A clock that stands."""

    time: int = 1_790_000_000

    def now(self) -> int:
        return self.time


@pytest.fixture(params=["memory", "file"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    if request.param == "memory":
        yield MemoryLedger(ACCOUNT, Stopped(), {"policy": "0x00"})
        return
    # No test here cuts the power: a folder in memory spares thousands of syncs of a busy disk.
    in_memory = Path("/dev/shm")
    with TemporaryDirectory(dir=in_memory if in_memory.is_dir() else None) as folder:
        opened = FileLedger.open(Path(folder) / "ledger", ACCOUNT, Stopped(), {"policy": "0x00"})
        yield opened
        opened.close()


def test_it_is_a_ledger_port(ledger: Recorder) -> None:
    port: Ledger = ledger
    assert port.append("verdict", {"verdict": "deny"}).index == 1


def test_the_first_entry_opens_a_run_and_holds_what_the_ledger_was_opened_with(ledger: Recorder) -> None:
    first = ledger.entry(0)
    assert first.type == "run.open"
    assert first.body["policy"] == "0x00"
    assert first.link.account == ACCOUNT
    assert (first.link.seq, first.link.prev, first.link.cause) == (0, "0" * 64, None)


def test_an_entry_is_read_as_it_was_written(ledger: Recorder) -> None:
    body = {"text": "größer ✓ \U0001f512", "n": -3, "list": [1, "2", None, True], "nested": {"a": {"b": []}}}
    receipt = ledger.append("rehearsal", body, cause=0)
    entry = ledger.entry(receipt.index)
    assert (entry.type, entry.body, entry.link.cause, entry.link.at) == ("rehearsal", body, 0, 1_790_000_000)
    assert entry.raw.startswith(b"1 rehearsal " + b"0" * 64 + b"\n{")


def test_mappings_tuples_and_enums_of_the_house_are_recorded_as_json(ledger: Recorder) -> None:
    receipt = ledger.append("verdict", MappingProxyType({"verdict": Verdict.ASK, "rules": ("cap", "payee")}))
    assert ledger.entry(receipt.index).body == {"verdict": "ask", "rules": ["cap", "payee"]}


def test_entries_are_chained_within_a_run(ledger: Recorder) -> None:
    for n in range(5):
        ledger.append("config.change", {"n": n})
    entries = list(ledger.entries())
    assert [entry.link.seq for entry in entries] == list(range(6))
    assert {entry.link.run for entry in entries} == {ledger.run}
    for before, after in pairwise(entries):
        assert after.link.prev == leaf_hash(before.raw).hex()


def test_every_entry_is_provable_and_every_size_extends_the_smaller_ones(ledger: Recorder) -> None:
    for n in range(10):
        ledger.append("config.change", {"n": n})
    for entry in ledger.entries():
        path = ledger.inclusion(entry.index)
        assert includes(ledger.root(), ledger.size, entry.index, leaf_hash(entry.raw), path)
    for old in range(ledger.size + 1):
        assert extends(ledger.root(old), old, ledger.root(), ledger.size, ledger.consistency(old))


def test_an_action_is_bound_in_the_head_of_its_entries(ledger: Recorder) -> None:
    intent = ledger.append("tx.intent", {"unit": "payroll"}, binding=ACTION)
    assert (intent.type, intent.binding) == ("tx.intent", ACTION)
    ledger.append("tx.sent", {}, binding=ACTION, cause=intent.index)
    assert ledger.entry(2).raw.startswith(b"1 tx.sent " + b"ab" * 32 + b"\n")
    assert ledger.intent(ACTION) == intent
    assert ledger.intent(OTHER) is None


@pytest.mark.parametrize("type", ["tx.sent", "tx.mined", "tx.reverted", "tx.dropped"])
def test_nothing_is_sent_without_a_recorded_intent(ledger: Recorder, type: str) -> None:
    ledger.append("tx.intent", {}, binding=OTHER)
    with pytest.raises(BadValue, match=r"record its tx\.intent first"):
        ledger.append(type, {}, binding=ACTION)


@pytest.mark.parametrize("binding", [None, "", "ab" * 32, "0x" + "AB" * 32, "0x" + "ab" * 31, "0x" + "zz" * 32])
def test_an_action_without_a_whole_hash_is_refused(ledger: Recorder, binding: Any) -> None:
    with pytest.raises(BadValue, match="give the action's hash"):
        ledger.append("tx.intent", {}, binding=binding)
    assert ledger.size == 1


def test_a_request_has_one_result_bound_to_its_bytes(ledger: Recorder) -> None:
    request = ledger.append("model.req", {"model": "m"})
    result = ledger.append("model.res", {"plan": None}, cause=request.index)
    assert result.binding == "0x" + leaf_hash(ledger.entry(request.index).raw).hex()
    with pytest.raises(BadValue, match="name a request that has no result yet"):
        ledger.append("model.res", {}, cause=request.index)
    with pytest.raises(BadValue, match="name a request that has no result yet"):
        ledger.append("gap", {}, cause=request.index)


def test_a_gap_closes_any_request(ledger: Recorder) -> None:
    for request_type in ("model.req", "tool.req", "human.req", "anchor.req"):
        request = ledger.append(request_type, {})
        assert ledger.append("gap", {"reason": "timed out"}, cause=request.index).index == request.index + 1


def test_a_result_of_another_kind_is_refused(ledger: Recorder) -> None:
    request = ledger.append("tool.req", {})
    with pytest.raises(BadValue, match=r"it is a tool\.req"):
        ledger.append("human.res", {}, cause=request.index)
    with pytest.raises(BadValue, match="name a request"):
        ledger.append("tool.res", {})


Refused = Callable[[Recorder], Any]


@pytest.mark.parametrize(
    ("refused", "mend"),
    [
        (lambda x: x.append("tx.stolen.now", {}), "one of the listed types"),
        (lambda x: x.append("anchor.", {}), "one of the listed types"),
        (lambda x: x.append("run.open", {}), "the ledger writes that type itself"),
        (lambda x: x.append("erase", {"digest": "x"}), "the ledger writes that type itself"),
        (lambda x: x.append("verdict", {}, cause=1), "name an entry below `1`"),
        (lambda x: x.append("verdict", {}, cause=-1), "name an entry below `1`"),
        (lambda x: x.append("verdict", {}, binding=ACTION), "leave it out"),
        (lambda x: x.append("verdict", {"price": 1.0}), "strings, integers, booleans, null, lists and mappings"),
        (lambda x: x.append("verdict", {"data": b"raw"}), "strings, integers, booleans, null, lists and mappings"),
        (lambda x: x.append("verdict", {"wei": 2**53}), "decimal strings"),
        (lambda x: x.append("verdict", {"wei": [{"deep": -(2**53)}]}), "decimal strings"),
        (lambda x: x.append("verdict", {"né": 1}), "use ASCII strings as keys"),
        (lambda x: x.append("verdict", {"a": {1: 2}}), "use ASCII strings as keys"),
        (lambda x: x.append("verdict", {"text": "\ud800"}), "valid UTF-8"),
        (lambda x: x.append("verdict", {"_sd": []}), "belong to the ledger"),
        (lambda x: x.append("verdict", {"text": "x" * 60_000}), "keep to `60000`"),
        (lambda x: x.append("verdict", {"a": 1}, confidential={"a": 2}), "it stands in the body already"),
        (lambda x: x.append("verdict", {}, confidential={"a": 2.5}), "strings, integers, booleans"),
        (lambda x: x.append("verdict", {}, confidential={"a": {"_blob": "x"}}), "belongs to the ledger"),
        (lambda x: x.entry(1), "the ledger has `1`"),
        (lambda x: x.disclose(0, "amount"), "none of that name"),
        (lambda x: x.erase(7, "amount", "asked"), "the ledger has `1`"),
    ],
)
def test_what_cannot_be_recorded_is_refused_and_leaves_no_trace(ledger: Recorder, refused: Refused, mend: str) -> None:
    before = ledger.root()
    with pytest.raises(BadValue, match=mend):
        refused(ledger)
    assert (ledger.size, ledger.root()) == (1, before)
    assert ledger.append("verdict", {}).index == 1


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def test_bodies_nest_as_deep_as_said_and_no_deeper(ledger: Recorder) -> None:
    ledger.append("verdict", {"deep": nested(28)})
    with pytest.raises(BadValue, match="nest at most"):
        ledger.append("verdict", {"deep": nested(5000)})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ_-.", max_size=5), inner, max_size=4),
    max_leaves=8,
).filter(lambda value: not (isinstance(value, dict) and "_blob" in value))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text("abc", min_size=1), VALUES | st.binary() | st.text("x", min_size=5000, max_size=5001)))
def test_confidential_values_come_back_exactly_and_stand_nowhere_in_the_entry(
    ledger: Recorder, fields: dict[str, Any]
) -> None:
    receipt = ledger.append("tool.req", {"tool": "quote"}, confidential=fields)
    entry = ledger.entry(receipt.index)
    assert entry.body == {"tool": "quote"}
    assert len(entry.concealed) == len(fields)
    for field, value in fields.items():
        disclosure = ledger.disclose(receipt.index, field)
        assert (disclosure.field, disclosure.value) == (field, value)
        assert proves(disclosure.text, entry)
        assert not proves(disclosure.text, ledger.entry(0))


def test_equal_values_are_concealed_differently_each_time(ledger: Recorder) -> None:
    seen = {
        digest
        for _ in range(8)
        for digest in ledger.entry(ledger.append("tool.req", {}, confidential={"a": 1, "b": 1}).index).concealed
    }
    assert len(seen) == 16


@pytest.mark.parametrize("value", ["alice", "x" * 9000, b"\xff\x00"], ids=["small", "large", "bytes"])
def test_an_erased_field_is_gone_and_every_proof_stays(ledger: Recorder, value: Any) -> None:
    index = ledger.append("tool.req", {}, confidential={"payee": value, "amount": "5"}).index
    size, root, raw = ledger.size, ledger.root(), ledger.entry(index).raw
    receipt = ledger.erase(index, "payee", "asked by the payee")
    with pytest.raises(BadValue, match="it was erased"):
        ledger.disclose(index, "payee")
    assert ledger.disclose(index, "amount").value == "5"
    assert ledger.entry(index).raw == raw
    assert extends(root, size, ledger.root(), ledger.size, ledger.consistency(size))
    assert ledger.entry(receipt.index).body["reason"] == "asked by the payee"
    assert ledger.entry(receipt.index).link.cause == index


@pytest.mark.parametrize("type", ["tx.intent", "verdict", "human.req"])
def test_what_moved_money_or_decided_it_is_not_erasable(ledger: Recorder, type: str) -> None:
    binding = ACTION if type == "tx.intent" else None
    index = ledger.append(type, {}, binding=binding, confidential={"payee": "alice"}).index
    with pytest.raises(BadValue, match=f"erasure from a {type}; what moved money or decided it is never erased"):
        ledger.erase(index, "payee", "asked")
    assert ledger.disclose(index, "payee").value == "alice"
    assert ledger.size == index + 1


def test_threads_share_a_ledger_and_every_receipt_is_its_own_entry(ledger: Recorder) -> None:
    receipts: list[tuple[int, str]] = []

    def write(name: str) -> None:
        receipts.extend((ledger.append("config.change", {"by": f"{name}{n}"}).index, f"{name}{n}") for n in range(25))

    threads = [Thread(target=write, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(index for index, _ in receipts) == list(range(1, 201))
    assert all(ledger.entry(index).body["by"] == by for index, by in receipts)
