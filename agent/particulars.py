"""What a unit does, in plain values: who gets how much at which address, what is sold for at least what, what is lent
and taken back where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from agent.nodes import state as read
from agent.nodes.state import State
from strongroom.model import NATIVE, Address, Call, Pay, Route, Supply, Swap, Unit, Withdraw
from strongroom.plain import to_plain
from strongroom.protocols.erc20 import decode_transfer
from strongroom.protocols.watch import encode_rebase


def particulars(unit: Unit, state: State) -> dict[str, Any]:
    """`payments` with the address that the compiled call really pays, `swaps` with the least that its route accepts,
    `lending`, each one `supply` or `withdraw`, `new_mark` with the watch that takes one after the payments, `decimals`
    of the tokens observed, `held` in the Safe of each when it was judged, the `verdict`, and as what run it was
    `announced`, made from when until when (Unix seconds). What a unit never came to is `None`."""
    compiled = read.compiled(state) if "compiled" in state else None
    facts = state.get("facts", {})
    return {
        "payments": list(_payments(unit, compiled.calls if compiled else ())),
        "swaps": list(_swaps(unit, compiled.routes if compiled else ())),
        "lending": [_lent(intent) for intent in unit.intents if isinstance(intent, Supply | Withdraw)],
        "decimals": {token: found["decimals"] for token, found in facts.get("tokens", {}).items()},
        "held": dict(facts.get("balances", {})),
        "new_mark": _new_mark(compiled.calls if compiled else ()),
        "verdict": state["decision"]["verdict"] if "decision" in state else None,
        "announced": _announced(state),
    }


def _announced(state: State) -> dict[str, Any] | None:
    found = state.get("announced")
    return {key: found[key] for key in ("id", "ready_at", "expires_at")} if found else None


def _new_mark(calls: tuple[Call, ...]) -> Address | None:
    """The watch of the last call; anywhere else the engine denies it."""
    return calls[-1].to if calls and calls[-1].data == encode_rebase() else None


def _payments(unit: Unit, calls: tuple[Call, ...]) -> Iterator[dict[str, Any]]:
    """Each payment is one call, and they stand in the order of the intents, whatever swaps are between them."""
    wanted = [intent for intent in unit.intents if isinstance(intent, Pay)]
    paid = [recipient for recipient in map(_recipient, calls) if recipient]
    for intent, recipient in zip_longest(wanted, paid[: len(wanted)]):
        yield {
            "payee": intent.payee.value,
            "address": recipient,
            "token": intent.token.value,
            "units": to_plain(intent.amount_units.value),
            "reason": intent.reason.value,
        }


def _recipient(call: Call) -> Address | None:
    if not call.data:
        return call.to if call.value_wei and call.to != NATIVE else None
    try:
        return decode_transfer(call.data)[0]
    except ValueError:
        return None


def _swaps(unit: Unit, routes: tuple[Route, ...]) -> Iterator[dict[str, Any]]:
    wanted = [intent for intent in unit.intents if isinstance(intent, Swap)]
    for intent, route in zip_longest(wanted, routes[: len(wanted)]):
        yield {
            "token_in": intent.token_in.value,
            "units_in": to_plain(intent.amount_in_units.value),
            "token_out": intent.token_out.value,
            "min_out_units": to_plain(route.min_out_units) if route else None,
            "pools": [_pool(leg) for leg in to_plain(route.legs)] if route else [],
            "reason": intent.reason.value,
        }


def _lent(intent: Supply | Withdraw) -> dict[str, Any]:
    return {
        "kind": "supply" if isinstance(intent, Supply) else "withdraw",
        "token": intent.token.value,
        "units": to_plain(intent.amount_units.value),
        "venue": intent.venue.value,
        "reason": intent.reason.value,
    }


def _pool(leg: Mapping[str, Any]) -> dict[str, Any]:
    return {name: leg[name] for name in ("pool", "fee_pips", "amount_in_units", "min_out_units")}
