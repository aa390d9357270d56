"""Units in words: who gets what, what is swapped for at least what, what is lent where; the findings, denials first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from strongroom.model import Verdict
from strongroom.quantities import format_moment, format_units

_NEVER_PROPOSED = ("shadowed", "denied")
_MEASURING = ("envelope", "safe_state", "watch")
"""Rules about what the rehearsal moved."""
_PIPS_IN_PERCENT = 10_000


def unit_lines(unit: Mapping[str, Any]) -> Iterator[str]:
    """A unit as the desk tells it: where it stands, what it moves, every finding given."""
    yield _head(unit)
    asked = f"{unit['actor']}: {unit['rationale']}" if unit.get("rationale") else unit["actor"]
    facts = {"asked by": asked, "lane": _lane(unit), **_sent(unit), "why": unit["why"] or _short(unit)}
    yield from (f"  {name:12} {text}" for name, text in facts.items() if text)
    yield from _payment_lines(unit)
    yield from _swap_lines(unit)
    yield from _lending_lines(unit)
    if watch := unit.get("new_mark"):
        yield f"  new mark     then the watch {watch} counts losses from what is left: `rebase()`"
    if unit["findings"]:
        yield "  findings"
        yield from (f"    {line}" for line in finding_lines(unit["findings"]))


def finding_lines(findings: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Denials first, each line once: five salaries give five equal findings. Margins follow the reason. What measures
    a rehearsal that failed says nothing new: it is counted and not shown."""
    shown = [each for each in findings if not (_has_failed(findings) and each["rule"] in _MEASURING)]
    width = max((len(each["rule"]) for each in shown), default=0)
    strictest = sorted(shown, key=lambda each: -Verdict(each["verdict"]).rank)
    yield from dict.fromkeys(
        f"{each['verdict']:5}  {each['rule']:{width}}  {each['reason']}{_margin(each)}" for each in strictest
    )
    following = len(findings) - len(shown)
    if following:
        yield f"and {following} of what the failed rehearsal moved, which is nothing; `--json` has them"


def moved(unit: Mapping[str, Any], decimals: Mapping[str, int]) -> str:
    """What a unit would move, in a few words: `5 payments: 28,500.00 USDC, 13,000.00 DAI`."""
    parts = []
    if unit["pays"]:
        parts.append("pay " + _amounts(unit["pays"], decimals))
    if unit["sells"]:
        parts.append("sell " + _amounts(unit["sells"], decimals))
    if unit["lends"]:
        parts.append("lend " + _amounts(unit["lends"], decimals))
    if unit["takes_back"]:
        parts.append("take back " + _amounts(unit["takes_back"], decimals))
    return "; ".join(parts)


def aligned(rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> Iterator[str]:
    """Rows with columns of one width, two blanks apart; the columns numbered in `right` stand to the right."""
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _has_failed(findings: Sequence[Mapping[str, str]]) -> bool:
    """A finding of the rule that denies alone: the unit would revert, or was rehearsed at another block."""
    return any(each["rule"] == "rehearsed" and each["verdict"] == Verdict.DENY for each in findings)


def _short(unit: Mapping[str, Any]) -> str:
    """What most often fails a rehearsal: the Safe holds less than leaves it."""
    if not _has_failed(unit["findings"]):
        return ""
    leaving = {token: int(units) for kind in ("pays", "sells", "lends") for token, units in unit[kind].items()}
    observed = unit.get("held", {})
    held = {token: int(observed[token]) for token in leaving if token in observed}
    short = {token: units for token, units in held.items() if units < leaving[token]}
    return f"the rehearsal fails; the Safe holds {_amounts(short, unit['decimals'])}" if short else ""


def _head(unit: Mapping[str, Any]) -> str:
    verdict = f", verdict {unit['verdict']}" if unit["verdict"] else ""
    return f"{unit['id']}: {unit['status']}{verdict}"


def _lane(unit: Mapping[str, Any]) -> str:
    if unit["status"] == "announced":
        run = unit["announced"]
        first, last = format_moment(run["ready_at"]), format_moment(run["expires_at"])
        return f"agent: announced as run {run['id']}, made from {first} until {last} unless somebody vetoes it"
    if unit["lane"] == "agent":
        return "agent: the Kernel lets the agent's key do it alone"
    if unit["lane"] == "owner":
        nonce = "" if unit["nonce"] is None or unit["status"] in _NEVER_PROPOSED else f" at nonce {unit['nonce']}"
        return f"owner: a Safe transaction that guardians sign{nonce}"
    return ""


def _sent(unit: Mapping[str, Any]) -> dict[str, str]:
    proposed = unit["lane"] == "owner" and unit["status"] not in _NEVER_PROPOSED
    return {"proposal": unit["proposal"] if proposed else "", "transaction": unit["tx_hash"]}


def _payment_lines(unit: Mapping[str, Any]) -> Iterator[str]:
    payments, decimals = unit["payments"], unit["decimals"]
    if not payments:
        return
    yield "  payments"
    rows = [
        (_payee(each), *_split(each["token"], each["units"], decimals), each["address"] or "", each["reason"])
        for each in payments
    ]
    if len(payments) > 1:
        rows += [("together", *_split(token, units, decimals), "", "") for token, units in unit["pays"].items()]
    yield from (f"    {line}" for line in aligned(rows, right=(1,)))


def _payee(payment: Mapping[str, Any]) -> str:
    """The id of the address book; a literal address stands beside it already."""
    return "not listed" if payment["payee"] == payment["address"] else str(payment["payee"])


def _swap_lines(unit: Mapping[str, Any]) -> Iterator[str]:
    decimals = unit["decimals"]
    if unit["swaps"]:
        yield "  swaps"
    for each in unit["swaps"]:
        sold = amount(each["token_in"], each["units_in"], decimals)
        least = each["min_out_units"]
        bought = "no route was found" if least is None else f"at least {amount(each['token_out'], least, decimals)}"
        yield f"    sell {sold} for {each['token_out']}, {bought}" + (f"  {each['reason']}" if each["reason"] else "")
        rows = [
            (
                amount(each["token_in"], leg["amount_in_units"], decimals),
                f"for at least {amount(each['token_out'], leg['min_out_units'], decimals)}",
                f"in pool {leg['pool']}, fee {leg['fee_pips'] / _PIPS_IN_PERCENT:g} %",
            )
            for leg in each["pools"]
        ]
        yield from (f"      {line}" for line in aligned(rows, right=(0,)))


def _lending_lines(unit: Mapping[str, Any]) -> Iterator[str]:
    if unit["lending"]:
        yield "  lending"
    rows = [
        (_lent(each), *_split(each["token"], each["units"], unit["decimals"]), *_place(each))
        for each in unit["lending"]
    ]
    yield from (f"    {line}" for line in aligned(rows, right=(1,)))


def _lent(move: Mapping[str, Any]) -> str:
    return "lend" if move["kind"] == "supply" else "take back"


def _place(move: Mapping[str, Any]) -> tuple[str, str]:
    joined = "at" if move["kind"] == "supply" else "from"
    return f"{joined} {move['venue']}", move["reason"]


def amount(token: str, units: int | str, decimals: Mapping[str, int]) -> str:
    """`9,000.00 USDC`; the bare count where nothing is known of the token."""
    return " ".join(_split(token, units, decimals))


def _split(token: str, units: int | str, decimals: Mapping[str, int]) -> tuple[str, str]:
    # Plain JSON holds numbers beyond 2^53 as text.
    known = decimals.get(token)
    return (format_units(int(units), known), token) if known is not None else (f"{units} units of", token)


def _amounts(sums: Mapping[str, int | str], decimals: Mapping[str, int]) -> str:
    return ", ".join(amount(token, units, decimals) for token, units in sums.items())


def _margin(finding: Mapping[str, str]) -> str:
    limit = f"limit {finding['limit']}" if finding["limit"] else ""
    sides = "; ".join(side for side in (finding["measured"], limit, finding.get("margin", "")) if side)
    return f" [{sides}]" if sides else ""
