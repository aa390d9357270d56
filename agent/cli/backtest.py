"""`strongroom policy backtest`: what the policy would have said to what the Safe really did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, require_url
from agent.cli.units import aligned
from strongroom.errors import BadValue
from strongroom.quantities import format_bps, format_day

if TYPE_CHECKING:
    from agent.backtesting import Backtest
    from policies.backtesting.rows import History
    from policies.terms import PolicyDocument

_VERDICTS = ("allow", "delay", "ask", "deny")
_REASONS = 3


@click.command()
@click.argument("history", type=click.Path(path_type=Path))
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="Another policy than policy.toml.")
@click.option("--prices", type=click.Path(path_type=Path), help="CSV of day,token,price in USD.")
@click.option("--rpc", metavar="URL", help="A node with the state of past blocks: fills in what the history lacks.")
@click.option("--chart", type=click.Path(path_type=Path), help="Draw the months to this .png or .svg file.")
@click.option("--out", type=click.Path(path_type=Path), help="Write all of it, every row too, to this .json file.")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="Work side by side.")
@config_option
@json_option
def backtest(
    history: Path,
    policy_file: Path | None,
    prices: Path | None,
    rpc: str | None,
    chart: Path | None,
    out: Path | None,
    processes: int,
    config: Path,
    as_json: bool,
) -> None:
    """Judge a Safe's real history by the policy: what would have been allowed, asked and denied, by which rule.

    HISTORY is a file or folder with pages of the Safe Transaction Service (`/all-transactions/` is best: it shows what
    moved), the CSV that Safe{Wallet} exports, a batch of the transaction builder, or a ledger's folder. A rule whose
    facts a history lacks is not evaluable there, and counts as nothing. Nothing is signed or sent; a node is asked only
    with `--rpc`, for the state before each transaction.

    \b
    Examples:
      strongroom policy backtest history.json
      strongroom policy backtest pages/ --prices prices.csv --chart months.png --out backtest.json
      strongroom policy backtest history.json --rpc https://archive.example
    """
    from agent.backtest_chart import draw
    from agent.backtesting import backtest as run
    from agent.backtesting import open_history, open_prices
    from agent.forecasts import require_chart
    from policies.backtesting.report import report
    from policies.document import load
    from strongroom.documents import read

    if chart:
        require_chart(chart)
    text = read(policy_file or config / "policy.toml")
    document = load(text)
    rows, node = _filled(open_history(history, document), rpc, document)
    done = run(rows, text, open_prices(prices, document), processes, bool(out))
    answer = report(done.history, done.whole, document) | node
    if chart:
        draw(answer, chart, _command(history, policy_file, prices, chart))
    if out:
        _write(out, json.dumps(_with_rows(answer, done), indent=1) + "\n")
    say("\n".join(_lines(answer)), answer, as_json)


def _command(history: Path, policy: Path | None, prices: Path | None, chart: Path) -> list[str]:
    """The command that draws this chart, without the node's address: hosted nodes carry access keys in it."""
    named = (("--policy", policy), ("--prices", prices), ("--chart", chart))
    options = [word for option, path in named if path for word in (option, str(path))]
    return ["policy", "backtest", str(history), *options]


def _filled(history: History, rpc: str | None, document: PolicyDocument) -> tuple[History, dict[str, Any]]:
    """The history with what the node still knows of it, and for the report what it did not."""
    if rpc is None:
        return history, {}
    from agent.past_facts import NodeOfThePast, unseen_counts
    from strongroom.chain.rpc import connect

    require_url(rpc)
    with closing(connect(rpc, document.account.chain_id)) as chain:
        filled, unseen = NodeOfThePast(chain, document).seen(history)
    return filled, {"node": {"read": len(filled.rows) - len(unseen), "not_read": unseen_counts(unseen)}}


def _with_rows(answer: dict[str, Any], done: Backtest) -> dict[str, Any]:
    from policies.backtesting.report import told

    return {**answer, "judgements": [told(each) for each in done.rows]}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadValue(path, "a file to write", "name one in a folder that is there and yours") from error


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    yield from _head(answer)
    yield ""
    yield from aligned(_rule_rows(answer), right=(1, 2, 3, 4, 5))
    yield ""
    yield from _class_lines(answer)
    yield from _closest_lines(answer)
    yield from _worst_lines(answer)
    yield from _unjudged_lines(answer)


def _head(answer: dict[str, Any]) -> Iterator[str]:
    rows, verdicts = answer["rows"], answer["verdicts"]
    counts = ", ".join(f"{verdicts[name]:,} {name}" for name in _VERDICTS if verdicts[name])
    yield f"{rows['judged']:,} transactions judged: {counts or 'none'}"
    if rows["judged"]:
        whole = f"; until {format_day(rows['past_whole_from'])} the past is shorter than the rules look back"
        yield f"from {format_day(rows['first'])} to {format_day(rows['last'])}{whole}"
        yield "of them " + ", ".join(f"{count:,} {name}" for name, count in rows["outcomes"].items())
        if lacking := sum(bool(each["not_evaluable"]) for each in answer["rules"]):
            rules = len(answer["rules"])
            yield f"{lacking} of {rules} rules lack facts for some of them: an allow is that of the others"
    if "node" in answer:
        yield from _node_lines(answer["node"])
    if rows["unjudged"]:
        yield "not judged: " + ", ".join(f"{count:,} {name}" for name, count in rows["unjudged"].items())


def _node_lines(node: dict[str, Any]) -> Iterator[str]:
    yield f"state before it read from the node: {node['read']:,}"
    for each in node["not_read"]:
        said = f" (`{each['said']}`)" if each["said"] else ""
        yield f"  not read: {each['rows']:,}, {each['why']}{said}"


def _rule_rows(answer: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    yield "rule", *_VERDICTS, "not evaluable", "for want of"
    for each in answer["rules"]:
        counts = (f"{each[name]:,}" if each[name] else "" for name in (*_VERDICTS, "not_evaluable"))
        yield each["rule"], *counts, ", ".join(each["for_want_of"])


def _class_lines(answer: dict[str, Any]) -> Iterator[str]:
    if answer["classes"]:
        yield "executed, by class and by what the policy says to the transaction"
        rows = [
            (f"  {each['class']} {each['token']}", *(each["amounts"][v] for v in _VERDICTS))
            for each in answer["classes"]
        ]
        yield from aligned([("", *_VERDICTS), *rows], right=(1, 2, 3, 4))
        yield ""


def _closest_lines(answer: dict[str, Any]) -> Iterator[str]:
    if answer["closest"]:
        yield "the days on which a cap was fullest"
        rows = [
            (
                f"  {each['day']}",
                f"{each['class']} {each['token']}",
                format_bps(each["bps"]),
                f"{each['measured']} of {each['limit']}",
            )
            for each in answer["closest"]
        ]
        yield from aligned(rows, right=(2,))
        yield ""


def _worst_lines(answer: dict[str, Any]) -> Iterator[str]:
    if answer["worst"]:
        yield "most against the policy"
    for each in answer["worst"]:
        yield f"  {each['verdict']}  {format_day(each['time'])}  {each['place']}  {each['tx_hash']}"
        against = [finding for finding in each["against"] if finding["verdict"] == each["verdict"]]
        yield from (f"    {found['rule']}: {found['reason']}{_measured(found)}" for found in against[:_REASONS])
        if len(against) > _REASONS:
            yield f"    and {len(against) - _REASONS} more"


def _measured(finding: dict[str, str]) -> str:
    both = [each for each in (finding["measured"], finding["limit"]) if each]
    return f" ({' of '.join(both)})" if both else ""


def _unjudged_lines(answer: dict[str, Any]) -> Iterator[str]:
    unread = [each for each in answer["unjudged"] if each["kind"] == "unread"]
    if unread:
        yield ""
        yield f"not read, all of them with `--json`, {len(unread)} in all"
    yield from (f"  {each['place']}: {each['why']}" for each in unread[:_REASONS])
