"""`policy backtest`: files and folders in, a table, JSON and a picture out; any number of processes says the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from matplotlib.figure import Figure

from agent import backtest_chart, backtesting
from agent.cli.backtest import backtest
from agent.recorded import _rows
from policies.backtesting.rows import By, HistoryRow, Outcome
from policies.cases import sample
from policies.document import load
from policies.scenario import dress
from strongroom.errors import InputError
from strongroom.ledger.entries import Entry, Link
from strongroom.model import Address, Call, Digest
from strongroom.plain import to_plain
from strongroom.protocols.erc20 import encode_transfer
from tests.policies import histories

POLICY = sample("active_treasury")[0]
DOCUMENT = load(POLICY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.toml").write_text(POLICY)
    pages = tmp_path / "pages"
    pages.mkdir()
    entries = histories.history(60, DOCUMENT)
    for number, page in enumerate((entries[:30], entries[30:])):
        (pages / f"{number}.json").write_text(json.dumps({"count": 60, "results": page}))
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(backtest, [*arguments, "--config", str(folder)])


def test_a_folder_of_pages_is_judged_and_told_in_text_and_json(folder: Path) -> None:
    told = run(folder, str(folder / "pages"))
    assert told.exit_code == 0, told.output
    answer = json.loads(run(folder, str(folder / "pages"), "--json").output)
    assert answer["rows"]["judged"] + len(answer["unjudged"]) == 60
    assert told.output.startswith(f"{answer['rows']['judged']:,} transactions judged")
    lacking = sum(bool(each["not_evaluable"]) for each in answer["rules"])
    assert lacking and f"\n{lacking} of {len(answer['rules'])} rules lack facts for some of them" in told.output
    assert all(re.search(rf"^{each['rule']}\b", told.output, re.MULTILINE) for each in answer["rules"])


def test_out_holds_every_row(folder: Path) -> None:
    out = folder / "all.json"
    assert run(folder, str(folder / "pages"), "--out", str(out)).exit_code == 0
    answer = json.loads(out.read_text())
    assert len(answer["judgements"]) == answer["rows"]["judged"]


def test_the_chart_is_a_picture_of_the_months_and_the_same_each_time(folder: Path) -> None:
    """In an SVG words stay words only where they are drawn as such: bars and points are counted instead."""
    png, svg = folder / "months.png", folder / "months.svg"
    answer = json.loads(run(folder, str(folder / "pages"), "--chart", str(svg), "--json").output)
    assert run(folder, str(folder / "pages"), "--chart", str(png)).exit_code == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    first = svg.read_bytes()
    assert run(folder, str(folder / "pages"), "--chart", str(svg)).exit_code == 0 and svg.read_bytes() == first
    figure = chart_of(answer, folder)
    heights = [[bar.get_height() for bar in bars] for bars in figure.axes[0].containers]
    shown = [name for name, count in answer["verdicts"].items() if count]
    assert heights == [[month["verdicts"][name] for month in answer["months"]] for name in shown]
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[1].lines}
    for name, drawn in lines.items():
        levels = [month["levels"][name] for month in answer["months"] if name in month["levels"]]
        assert name == "the cap" or drawn == [min(level, 20_000) / 100 for level in levels]


def chart_of(answer: dict[str, Any], folder: Path) -> Figure:
    """The figure just before it is written."""
    drawn: list[Figure] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backtest_chart, "save", lambda figure, path: drawn.append(figure))
        backtest_chart.draw(answer, folder / "x.png", ["policy", "backtest"])
    return drawn[0]


def test_two_processes_say_what_one_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtesting, "_FEW", 1)
    history = backtesting.open_history(folder / "pages", DOCUMENT)
    one, two = (backtesting.backtest(history, POLICY, {}, count, keep_rows=True) for count in (1, 2))
    assert one == two and one.rows


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.json",), "cannot be read (no such file or directory)"),
        ((".",), "holds no .json or .jsonl or .csv file"),
        (("pages", "--chart", "months.pdf"), "name a file that ends with .png or .svg"),
        (("pages", "--chart", "nowhere/months.svg"), "make the folder `nowhere` first"),
        (("pages", "--rpc", "my node"), "write http://… or https://…"),
        (("pages", "--out", "nowhere/all.json"), "name one in a folder that is there"),
        (("pages", "--prices", "policy.toml"), "begin it with `day,token,price`"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(folder)
    refused = run(folder, *arguments)
    assert isinstance(refused.exception, InputError)
    assert said in str(refused.exception) and "\n" not in str(refused.exception)


def entry(index: int, kind: str, body: dict[str, Any]) -> Entry:
    link = Link(DOCUMENT.account, "run", index, "0" * 64, None, 1_700_000_000)
    return Entry(index, kind, Digest("0x" + "11" * 32), link, body, (), b"")


def test_the_ledger_s_intents_are_rows_with_what_became_of_them() -> None:
    usdc, alice = DOCUMENT.tokens["USDC"].token.address, DOCUMENT.payees["alice"].address
    tx = dress((Call(DOCUMENT.account, usdc, 0, encode_transfer(Address(alice), 5)),), DOCUMENT, 4)
    intent = entry(3, "tx.intent", {"unit": "u", "action": to_plain(tx)})
    mined = entry(5, "tx.mined", {"tx_hash": "0xab", "block": {"timestamp": 1_700_000_600}})
    (waits,), (done,) = _rows([intent], DOCUMENT, "ledger"), _rows([intent, mined], DOCUMENT, "ledger")
    assert isinstance(waits, HistoryRow) and isinstance(done, HistoryRow)
    assert (waits.outcome, waits.time) == (Outcome.WAITING, 1_700_000_000)
    assert (done.outcome, done.time, done.tx_hash, done.nonce) == (Outcome.EXECUTED, 1_700_000_600, "0xab", 4)
    assert done.by is By.OWNERS and done.data == tx.data and done.transfers is None
