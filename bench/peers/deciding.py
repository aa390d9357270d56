"""The same payments decided by Cedar and by Rego, in an environment of their own: payments on stdin, times on stdout.

What they decide is a part of what the engine does: who may be paid at most how much in which token, and how much the
class may get together. They see the numbers; the engine reads them from calldata and compares them with a rehearsal.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Payment = dict[str, Any]
"""payee, token, units, most, together and cap, all of them decimal integers but the names."""


def cedar(payments: list[Payment], rounds: int) -> tuple[list[float], bool]:
    """One `permit` for each payee and token, each payment a request; units fit in Cedar's 64 bits."""
    from cedarpy import is_authorized_batch

    rules = "\n".join(
        f'permit(principal == Agent::"key", action == Action::"pay", resource == Payee::"{each["payee"]}") when {{ '
        f'context.token == "{each["token"]}" && context.units <= {each["most"]} '
        f"&& context.together <= {each['cap']} }};"
        for each in payments
    )
    requests = [
        {
            "principal": 'Agent::"key"',
            "action": 'Action::"pay"',
            "resource": f'Payee::"{each["payee"]}"',
            "context": {"token": each["token"], "units": each["units"], "together": each["together"]},
        }
        for each in payments[:20]
    ]
    return timed(lambda: all(each.allowed for each in is_authorized_batch(requests, rules, [])), rounds)


def rego(payments: list[Payment], rounds: int) -> tuple[list[float], bool]:
    """The table as data, the payments as input, one rule over them."""
    from regopy import Interpreter

    engine = Interpreter()
    engine.add_module("treasury", _REGO)
    engine.add_data_json(
        json.dumps({"most": {f"{p['payee']}/{p['token']}": p["most"] for p in payments}, "cap": payments[0]["cap"]})
    )
    asked = json.dumps([{key: each[key] for key in ("payee", "token", "units", "together")} for each in payments[:20]])

    def decide() -> bool:
        engine.set_input_term(asked)
        return str(engine.query("x = data.treasury.allow")).find('"x":true') >= 0

    return timed(decide, rounds)


_REGO = """
package treasury
import rego.v1

default allow := false

allowed(each) if {
    each.units <= data.most[concat("/", [each.payee, each.token])]
    each.together <= data.cap
}

allow if {
    every each in input { allowed(each) }
}
"""


def timed(decide: Callable[[], bool], rounds: int) -> tuple[list[float], bool]:
    seconds, holds = [], True
    for _ in range(rounds):
        began = time.perf_counter()
        holds = decide() and holds
        seconds.append(time.perf_counter() - began)
    return seconds, holds


def main() -> None:
    asked = json.load(sys.stdin)
    found: dict[str, Any] = {}
    for name, peer in (("cedar", cedar), ("rego", rego)):
        try:
            seconds, allowed = peer(asked["payments"], asked["rounds"])
            _, over = peer(asked["over"], 1)
            found[name] = {"seconds": seconds, "right": allowed and not over}
        except Exception as error:  # noqa: BLE001 - one peer that fails is reported, the other still runs
            found[name] = {"missing": f"{type(error).__name__}: {error}"}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
