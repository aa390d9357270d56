"""The files that a history is read from: each row once, and what cannot be used refused by its place."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from policies.backtesting.needs import Known
from policies.backtesting.prices import read_prices
from policies.backtesting.reading import read_history
from policies.backtesting.rows import HistoryUnusable, Kind, Outcome
from policies.cases import sample
from policies.document import load
from policies.terms import PolicyDocument
from strongroom.model import Verdict
from tests.policies import histories
from tests.policies.backtests import made, read, replayed


@pytest.fixture(scope="module")
def policy() -> PolicyDocument:
    return load(sample("active_treasury")[0])


def test_pages_that_overlap_count_a_transaction_once(policy: PolicyDocument) -> None:
    entry = made(policy, "payment")
    bare = {key: value for key, value in entry.items() if key != "transfers"}
    text = "\n".join(json.dumps({"results": [each]}) for each in (bare, entry))
    history = read_history([("pages.json", text)], policy)
    assert [each.kind for each in history.unjudged] == [Kind.REPEATED]
    assert history.rows[0].transfers is not None


def test_a_proposal_is_rejected_once_its_nonce_is_used_also_by_an_empty_call(policy: PolicyDocument) -> None:
    entry = {**made(policy, "payment"), "isExecuted": False, "isSuccessful": None}
    assert read([entry], policy).rows[0].outcome is Outcome.WAITING
    maker = histories.Maker(policy, 3, 3_600)
    empty = maker.owned(maker.entry(policy.account.safe, 0, b"", histories.Operation.CALL, []), True)
    assert read([entry, empty], policy).rows[0].outcome is Outcome.REJECTED


COLUMNS = (
    "Nonce,Safe Address,From Address,To Address,Transaction Hash,Contract Address,Amount,Asset Type,Asset Symbol,"
    "Created at,Executed at,Proposer Address,Executor Address,Note"
)


def csv_text(policy: PolicyDocument, *lines: dict[str, str]) -> str:
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS.split(","), restval="")
    writer.writeheader()
    usdc, safe = policy.tokens["USDC"].token.address, policy.account.safe
    plain = {
        "Safe Address": safe,
        "From Address": safe,
        "To Address": policy.payees["alice"].address,
        "Transaction Hash": "0x01",
        "Contract Address": usdc,
        "Amount": "12.5",
        "Asset Type": "erc20",
        "Asset Symbol": "USDC",
        "Executed at": "2024-03-01T10:00:00.000Z",
        "Note": "first line\nsecond line",
    }
    writer.writerows({**plain, **line} for line in lines)
    return out.getvalue()


def test_a_csv_says_the_payments_and_nothing_of_the_bytes(policy: PolicyDocument) -> None:
    """Lines of one hash are one transaction; what only bytes can say is not evaluable."""
    bob = policy.payees["bob"].address
    history = read_history(
        [("export.csv", csv_text(policy, {"Nonce": "7"}, {"To Address": bob, "Nonce": "7"}))], policy
    )
    (row,) = replayed(history, policy)
    assert row.moved == (("team", "USDC", 12_500_000), ("team", "USDC", 12_500_000))
    assert history.rows[0].nonce == 7
    assert {name for name, lacks in row.lacks.items() if Known.BYTES in lacks} == {"action", "calls", "venues"}


def test_a_csv_s_incoming_and_unlisted_lines_are_named(policy: PolicyDocument) -> None:
    safe, alice = policy.account.safe, policy.payees["alice"].address
    incoming = {"From Address": alice, "To Address": safe, "Transaction Hash": "0x02"}
    unlisted = {"Contract Address": alice, "Asset Symbol": "SCAM", "Transaction Hash": "0x03"}
    history = read_history([("export.csv", csv_text(policy, {}, incoming, unlisted))], policy)
    assert [(each.tx_hash, each.kind) for each in history.unjudged] == [("0x02", Kind.INCOMING), ("0x03", Kind.UNREAD)]
    assert "SCAM" in history.unjudged[1].why


def batch_text(policy: PolicyDocument, chain_id: int) -> str:
    entry = made(policy, "payment")
    call = {"to": entry["to"], "value": entry["value"], "data": entry["data"], "contractMethod": None}
    return json.dumps(
        {"version": "1.0", "chainId": str(chain_id), "createdAt": 1_700_000_000_000, "transactions": [call]}
    )


def test_a_transaction_builder_s_batch_waits_and_is_judged(policy: PolicyDocument) -> None:
    history = read_history([("batch.json", batch_text(policy, policy.account.chain_id))], policy)
    (row,) = replayed(history, policy)
    assert row.outcome is Outcome.WAITING and row.by_rule["calls"] is Verdict.ALLOW and row.moved


def refusal(policy: PolicyDocument, text: str, name: str = "h.json") -> str:
    with pytest.raises(HistoryUnusable) as caught:
        read_history([(name, text)], policy)
    return str(caught.value)


def test_a_file_that_cannot_be_used_is_refused_in_one_line_with_place_and_mend(policy: PolicyDocument) -> None:
    entry = made(policy, "payment")
    later = {**entry, "nonce": 5, "safeTxHash": "0x05"}
    earlier = {**entry, "nonce": 4, "safeTxHash": "0x04", "executionDate": histories.iso(histories.FIRST + 10**6)}
    other = "https://api.safe.global/tx-service/eth/api/v2/safes/x/all-transactions/?limit=1"
    refused = {
        "": "h.json is empty",
        '{"results": [\n{"a":': "h.json line 2 is no JSON",
        '{"detail": "Not found."}': "it has no `results`",
        '{"results": []}': "holds no transaction",
        json.dumps({"results": [{**entry, "safe": histories.OTHER_SAFE}]}): "h.json row 1 is of another Safe",
        json.dumps({"results": [entry], "next": other}): "is of chain 1, the policy's Safe is on chain",
        json.dumps(
            {"results": [later, earlier]}
        ): "h.json row 1 has nonce 5, and is dated before nonce 4 in h.json row 2",
        batch_text(policy, 137): "is a batch for chain `137`",
        "Date,Amount\n2024-01-01,5\n": "h.json line 1 has no column `Safe Address`",
    }
    for text, said in refused.items():
        line = refusal(policy, text)
        assert said in line and "; " in line and "\n" not in line


def test_prices_are_refused_by_line(policy: PolicyDocument) -> None:
    refused = {
        "date,coin,usd\n": "line 1 begins with",
        "day,token,price\n2024-01-01,HALL,1\n": "line 2 prices `HALL`",
        "day,token,price\n2024-13-01,WETH,1\n": "line 2 is not read",
        "day,token,price\n2024-01-01,WETH,1e3\n": "line 2 is not read",
        "day,token,price\n2024-01-01,WETH,1\n2024-01-01,WETH,2\n": "line 3 prices `WETH` on 2024-01-01 again",
        "day,token,price\n": "holds no price",
    }
    for text, said in refused.items():
        with pytest.raises(HistoryUnusable, match=said):
            read_prices(text, policy, "prices.csv")
