"""What the service tells: lists, executions read from the chain, Safes, owners, calldata in words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from strongroom.addresses import keccak
from strongroom.model import NATIVE, Account, Call, Operation, SafeTx
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.safe import safe_tx_hash
from strongroom.world.people import ALICE, DEPLOYER, GUARDIANS, STRANGER
from strongroom.world.treasury import USDC

from .conftest import Desk, sign

INES, JONAS, KEMI = GUARDIANS


def test_an_execution_shows_as_soon_as_it_is_mined(desk: Desk) -> None:
    desk.propose(desk.tx())
    before = desk.show(safe_tx_hash(desk.tx()))
    mined = desk.execute(desk.tx())
    after = desk.show(safe_tx_hash(desk.tx()))
    unknown = ("isSuccessful", "transactionHash", "blockNumber", "executor", "executionDate", "gasUsed", "signatures")
    assert before["isExecuted"] is False and all(before[name] is None for name in unknown)
    assert (after["isExecuted"], after["isSuccessful"]) == (True, True)
    assert (after["transactionHash"], after["blockNumber"]) == (mined.tx_hash, mined.block.number)
    assert (after["executor"], after["gasUsed"]) == (DEPLOYER.address, mined.gas_used)
    assert after["signatures"] and int(after["fee"]) == mined.gas_used * int(after["ethGasPrice"])
    assert desk.hashes(executed="true") == [safe_tx_hash(desk.tx())]
    assert desk.hashes(executed="false") == []
    assert desk.hashes(transaction_hash=mined.tx_hash) == [safe_tx_hash(desk.tx())]


def test_an_execution_that_fails_inside_is_executed_and_not_successful(desk: Desk) -> None:
    """With a gas refund asked for, the Safe survives a failing call and says so in an event."""
    failing = encode_call("changeThreshold(uint256)", 99)
    message = [desk.safe, 0, failing, 0, 100_000, 0, 0, NATIVE, NATIVE]
    call = encode_call(
        "getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)", *message, 0
    )
    digest = desk.world.ask("eth_call", {"to": desk.safe, "data": "0x" + call.hex()}, "latest")
    fields = {"to": desk.safe, "value": 0, "data": "0x" + failing.hex(), "safeTxGas": 100_000}
    signature = "0x" + sign(INES, digest).hex()
    assert desk.propose(desk.tx(), contractTransactionHash=digest, signature=signature, **fields).status_code == 201
    signatures = b"".join(sign(person, digest) for person in (JONAS, INES))
    execute = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
    assert desk.world.send_as(DEPLOYER.address, desk.safe, encode_call(execute, *message, signatures)).success
    row = desk.show(digest)
    assert (row["isExecuted"], row["isSuccessful"], row["safeTxGas"]) == (True, False, "100000")
    assert desk.hashes(failed="true") == [digest]


def test_what_was_never_proposed_here_is_listed_once_executed(desk: Desk) -> None:
    desk.get(f"/v1/safes/{desk.safe}/")
    desk.execute(desk.tx(), (INES, KEMI))
    (row,) = desk.listed()["results"]
    assert (row["safeTxHash"], row["isExecuted"], row["proposer"]) == (safe_tx_hash(desk.tx()), True, None)
    assert {each["owner"] for each in row["confirmations"]} == {INES.address, KEMI.address}


def test_a_reorganisation_undoes_an_execution(desk: Desk) -> None:
    desk.propose(desk.tx())
    here = desk.world.snapshot()
    desk.execute(desk.tx())
    assert desk.show(safe_tx_hash(desk.tx()))["isExecuted"] is True
    desk.world.revert(here)
    assert desk.show(safe_tx_hash(desk.tx()))["isExecuted"] is False
    desk.execute(desk.tx(value_wei=7))
    assert desk.show(safe_tx_hash(desk.tx()))["isExecuted"] is False


def test_another_contracts_events_do_not_mark_a_safes_transaction_as_executed(desk: Desk) -> None:
    """An impostor that answers like the Safe, and emits ExecutionSuccess for the Safe's own hash."""
    desk.propose(desk.tx())
    digest = safe_tx_hash(desk.tx())
    impostor = desk.world.new_safe([STRANGER.address], 1)
    desk.get(f"/v1/safes/{impostor.safe}/")
    topic = keccak(b"ExecutionSuccess(bytes32,uint256)").hex()
    emit = bytes.fromhex("60006000527f" + digest[2:] + "7f" + topic + "60206000a2" + "00")
    desk.world.set_code(impostor.safe, emit)
    assert desk.world.send_as(STRANGER.address, impostor.safe).success
    desk.listed(safe=impostor.safe)
    assert desk.show(digest)["isExecuted"] is False
    assert desk.hashes(executed="false") == [digest]
    assert desk.confirm(digest, sign(JONAS, digest)).status_code == 201


def test_v1_gives_integers_where_v2_gives_text(desk: Desk) -> None:
    desk.propose(desk.tx())
    first, second = (desk.show(safe_tx_hash(desk.tx()), version) for version in (1, 2))
    for name in ("nonce", "safeTxGas", "baseGas"):
        assert (first.pop(name), second.pop(name)) == (0, "0")
    assert first == second
    assert (second["data"], second["value"], second["gasPrice"]) == (None, "1", "0")
    assert desk.get(f"/v3/multisig-transactions/{safe_tx_hash(desk.tx())}/").status_code == 404


def test_a_list_has_pages_that_lead_to_each_other(desk: Desk) -> None:
    for nonce in range(5):
        desk.propose(desk.tx(nonce))
    seen: list[str] = []
    url: str | None = f"{desk.url}/api/v2/safes/{desk.safe}/multisig-transactions/?limit=2&ordering=nonce"
    while url:
        envelope = desk.http.get(url).json()
        assert envelope["count"] == envelope["countUniqueNonce"] == 5
        seen += [row["nonce"] for row in envelope["results"]]
        url = envelope["next"]
    assert seen == ["0", "1", "2", "3", "4"]
    assert [row["nonce"] for row in desk.listed()["results"]] == ["4", "3", "2", "1", "0"]
    assert "offset=0" in desk.listed(limit=2, offset=2)["previous"]


def test_two_transactions_of_one_nonce_count_as_one_nonce(desk: Desk) -> None:
    desk.propose(desk.tx(value_wei=1))
    desk.propose(desk.tx(value_wei=2))
    envelope = desk.listed()
    assert (envelope["count"], envelope["countUniqueNonce"]) == (2, 1)


@pytest.mark.parametrize(
    ("query", "nonces"),
    [
        ({"nonce": 1}, [1]),
        ({"nonce__gt": 1}, [2]),
        ({"nonce__gte": 1}, [2, 1]),
        ({"nonce__lt": 1}, [0]),
        ({"nonce__lte": 1}, [1, 0]),
        ({"to": ALICE.address}, [2, 1, 0]),
        ({"to": STRANGER.address}, []),
        ({"value": "3"}, [2]),
        ({"has_confirmations": "true"}, [2, 1, 0]),
        ({"has_confirmations": "false"}, []),
        ({"submission_date__lte": "2001-01-01T00:00:00Z"}, []),
        ({"modified__gte": "2001-01-01T00:00:00Z"}, [2, 1, 0]),
        ({"nonce__gte": 1, "nonce__lte": 1}, [1]),
        ({"unheard_of": "1"}, [2, 1, 0]),
        ({"ordering": "created"}, [0, 1, 2]),
        ({"ordering": "-nonce"}, [2, 1, 0]),
        ({"ordering": "nonce; DROP TABLE transactions"}, [2, 1, 0]),
        ({"limit": "nonsense", "offset": "-1"}, [2, 1, 0]),
    ],
)
def test_filters_and_orders(desk: Desk, query: dict[str, Any], nonces: list[int]) -> None:
    for nonce in range(3):
        desk.propose(desk.tx(nonce, value_wei=nonce + 1))
    assert [int(row["nonce"]) for row in desk.listed(**query)["results"]] == nonces


@pytest.mark.parametrize("query", [{"nonce": "x"}, {"to": "0x12"}, {"trusted": "maybe"}, {"nonce__gte": "9" * 30}])
def test_a_filter_that_cannot_be_read_is_named(desk: Desk, query: dict[str, str]) -> None:
    answer = desk.get(f"/v2/safes/{desk.safe}/multisig-transactions/", **query)
    assert (answer.status_code, list(answer.json())) == (400, list(query))


def test_an_unknown_safe_has_an_empty_list(desk: Desk) -> None:
    envelope = desk.listed(safe=STRANGER.address)
    assert envelope == {"count": 0, "next": None, "previous": None, "results": [], "countUniqueNonce": 0}


def test_an_unknown_transaction_is_not_found(desk: Desk) -> None:
    answer = desk.get(f"/v2/multisig-transactions/0x{'00' * 32}/")
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_a_safe_is_told_as_the_chain_has_it(desk: Desk) -> None:
    shown = desk.get(f"/v1/safes/{desk.safe}/").json()
    assert (shown["owners"], shown["threshold"]) == ([g.address for g in GUARDIANS], 2)
    assert (shown["nonce"], shown["version"]) == ("0", "1.4.1")
    assert shown["masterCopy"] == desk.world.contracts.safe_singleton
    assert (shown["modules"], shown["guard"]) == ([], NATIVE)
    assert desk.get(f"/v1/safes/{STRANGER.address}/").status_code == 404


def test_an_owner_finds_the_safes_that_the_service_has_met(desk: Desk) -> None:
    desk.get(f"/v1/safes/{desk.safe}/")
    assert desk.get(f"/v1/owners/{INES.address}/safes/").json() == {"safes": [desk.safe]}
    assert desk.get(f"/v1/owners/{STRANGER.address}/safes/").json() == {"safes": []}


def test_about_says_what_it_is(desk: Desk) -> None:
    about = desk.get("/v1/about/").json()
    assert (about["name"], about["implementation"]) == ("Safe Transaction Service", "strongroom")


def test_a_forgotten_slash_is_redirected_for_reads_and_served_for_the_rest(desk: Desk) -> None:
    answer = desk.http.get(f"{desk.url}/api/v1/about", allow_redirects=False)
    assert (answer.status_code, urlsplit(answer.headers["location"]).path) == (301, "/api/v1/about/")
    listed = desk.http.get(f"{desk.url}/api/v2/delegates?safe={desk.safe}")
    assert (listed.status_code, listed.json()["results"]) == (200, [])
    assert desk.delete(f"/v2/multisig-transactions/0x{'00' * 32}", {"signature": "0x" + "11" * 65}).status_code == 404


def test_an_estimate_is_zero_because_modern_safes_need_none(desk: Desk) -> None:
    path = f"/v1/safes/{desk.safe}/multisig-transactions/estimations/"
    good = {"to": ALICE.address, "value": "1", "data": "0x", "operation": 0}
    assert desk.post(path, good).json() == {"safeTxGas": "0"}
    assert desk.post(path, {"to": "nobody"}).status_code == 400
    assert desk.post(path.replace(desk.safe, STRANGER.address), good).status_code == 404


def test_unknown_paths_and_methods_answer_in_json(desk: Desk) -> None:
    assert desk.get("/v1/nothing/").json() == {"detail": "Not Found"}
    answer = desk.post("/v1/about/", {})
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})


def test_a_transfer_is_put_in_words(desk: Desk) -> None:
    data = encode_transfer(ALICE.address, 2_500_000000)
    expected = {
        "method": "transfer",
        "parameters": [
            {"name": "to", "type": "address", "value": ALICE.address},
            {"name": "value", "type": "uint256", "value": "2500000000"},
        ],
    }
    assert desk.post("/v1/data-decoder/", {"data": "0x" + data.hex()}).json() == expected
    desk.propose(desk.tx(data=data))
    assert desk.show(safe_tx_hash(desk.tx(data=data)))["dataDecoded"] == expected


@pytest.mark.parametrize("data", ["0xdeadbeef", "0xa9059cbb", "0xa9059cbb" + "ff" * 64, "0x8d80ff0a" + "00" * 31])
def test_what_is_not_exactly_a_known_call_is_not_put_in_words(desk: Desk, data: str) -> None:
    assert desk.post("/v1/data-decoder/", {"data": data}).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"data": "0x"}, {"data": "0x12"}, {"data": "zz"}, {"data": "0xa9059cbb", "to": "0x"}]
)
def test_calldata_that_cannot_be_read_is_refused(desk: Desk, body: dict[str, str]) -> None:
    assert desk.post("/v1/data-decoder/", body).status_code == 422


def test_a_batch_is_put_in_words_call_by_call(desk: Desk) -> None:
    calls = [_transfer(desk.world.account, desk, units) for units in (1, 2)]
    decoded = desk.post("/v1/data-decoder/", {"data": "0x" + encode_multisend(calls).hex()}).json()
    inner = decoded["parameters"][0]["valueDecoded"]
    assert [each["dataDecoded"]["parameters"][1]["value"] for each in inner] == ["1", "2"]
    assert {each["to"] for each in inner} == {desk.world.contracts.tokens[USDC]}


def _transfer(account: Account, desk: Desk, units: int) -> Call:
    return Call(account, desk.world.contracts.tokens[USDC], 0, encode_transfer(ALICE.address, units))


def test_a_delegatecall_to_unknown_code_is_not_put_in_words(desk: Desk) -> None:
    """The words would be those of the code we know, and the code that runs is another's."""
    data = encode_multisend([_transfer(desk.world.account, desk, 1)])
    tx = SafeTx(desk.world.account, STRANGER.address, 0, data, Operation.DELEGATECALL, 0)
    assert desk.propose(tx).status_code == 201
    assert desk.show(safe_tx_hash(tx))["dataDecoded"] is None
