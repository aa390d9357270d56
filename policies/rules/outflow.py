"""What leaves in USD over all tokens and classes together: past `at_once` or `cap` guardians are asked, past
`never_above` nobody is.

Counted is what left, what waits in the queue or was announced, and this unit: each payment at the high price of this
block, rounded up, for facts know no older prices. What went to a listed pool or market has not left; what a swap loses
is limited by the rule `losses` and by `loss_cap`. Standing orders take room, as whoever reads the treasury's outflow
expects; a unit of nothing else needs none, for the owners ordered exactly it, and no salary waits for what others got.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policies.case import Case, at_most
from policies.markets import LENDING
from policies.metered import Metered
from policies.metering import all_in_flight, all_of_unit, of_unit
from policies.outflow import OutflowLimit
from policies.pricing import price_of
from policies.spending import fullest
from policies.spent import all_past
from policies.terms import SWAPS
from policies.usd import usd_up
from policies.worth import token_of
from strongroom.model import Finding, TokenId, Verdict
from strongroom.quantities import format_seconds
from strongroom.valuation import Price, Problem, value_e8_up

RULE = "outflow"


def judge(case: Case) -> Iterator[Finding]:
    limit, unit = case.document.outflow, _leaving(all_of_unit(case), case)
    if limit is None:
        yield Finding(RULE, Verdict.ALLOW, "the policy limits no outflow in USD")
    elif not unit:
        yield Finding(RULE, Verdict.ALLOW, "nothing that counts in USD leaves")
    else:
        yield from _limited(case, limit, unit)


def _limited(case: Case, limit: OutflowLimit, unit: list[Metered]) -> Iterator[Finding]:
    now = _in_usd(unit, case)
    waiting = _in_usd(_leaving(all_in_flight(case), case), case)
    left = _leaving(all_past(case, limit.reach_seconds), case)
    past = _in_usd(left, case)
    for valued in (now, waiting, past):
        if isinstance(valued, Problem):
            yield Finding(RULE, Verdict.DENY, f"what leaves in USD is not known: {valued.reason}")
            return
    assert not isinstance(now, Problem) and not isinstance(waiting, Problem) and not isinstance(past, Problem)
    reason = "no unit lets more than this leave in USD, whoever signs"
    yield at_most(RULE, sum(now), limit.never_e8, Verdict.DENY, reason, usd_up)
    if _leaving(of_unit(case), case):
        times = (each.timestamp for each in left)
        yield from _roomy(case, limit, sum(now) + sum(waiting), list(zip(times, past, strict=True)))
    else:
        yield Finding(RULE, Verdict.ALLOW, "standing orders alone need no room in USD", usd_up(sum(now)))


def _roomy(case: Case, limit: OutflowLimit, now_e8: int, past: list[tuple[int, int]]) -> Iterator[Finding]:
    """`past` is when what left, and its value."""
    at = case.facts.block.timestamp
    recent = sum([value_e8 for left_at, value_e8 in past if left_at > at - limit.window_seconds])
    window = f"what leaves in USD within {format_seconds(limit.window_seconds)}, past and waiting"
    yield at_most(RULE, recent + now_e8, limit.cap_e8, Verdict.ASK, window, usd_up)
    moment = "what leaves in USD at one moment, less what has flowed back since"
    full_e8 = fullest(limit.at_once_e8, limit.drain_seconds, past, at)
    yield at_most(RULE, full_e8 + now_e8, limit.at_once_e8, Verdict.ASK, moment, usd_up)


def _leaving(moved: Iterable[Metered], case: Case) -> list[Metered]:
    """What leaves the treasury and counts; what is swapped or lent stays, in another shape."""
    unpriced = case.document.outflow.unpriced if case.document.outflow else ()
    return [each for each in moved if each.bucket_class not in (SWAPS, LENDING) and each.token not in unpriced]


def _in_usd(moved: Iterable[Metered], case: Case) -> list[int] | Problem:
    """What each is worth in USD scaled by 1e8, at its high price, rounded up; the first reason why it is not known."""
    valued, high = list[int](), dict[TokenId, tuple[int, int]]()
    for each in moved:
        if (priced := high.get(each.token)) is None:
            found = _high(each.token, case)
            if isinstance(found, Problem):
                return Problem(f"`{each.token}` has no healthy price: {found.reason}")
            priced = high[each.token] = found
        valued.append(value_e8_up(each.units, *priced))
    return valued


def _high(token: TokenId, case: Case) -> tuple[int, int] | Problem:
    """The token's decimals and its high price; a share counts as what it stands for."""
    listed = case.document.tokens.get(token_of(token, case.document))
    if listed is None:
        return Problem("unlisted")
    found = price_of(listed.token.id, case.facts, case.document)
    return (listed.token.decimals, found.high_e8) if isinstance(found, Price) else found
