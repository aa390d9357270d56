"""With running sums a backtest says of every row what it says when each row adds up the whole past anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.backtesting.judging import whole
from policies.backtesting.replay import Stretch, replay
from policies.backtesting.rows import By, HistoryRow, Outcome
from policies.cases import sample
from policies.document import load
from policies.scenario import dress
from policies.terms import PolicyDocument
from strongroom.addresses import to_address
from strongroom.model import NATIVE, Address, Call, TokenId
from strongroom.protocols.erc20 import encode_transfer
from tests.policies.edits import everything

POLICIES = {"active treasury": load(sample("active_treasury")[0]), "everything": everything()}
DAY = 86_400
GAPS = st.sampled_from((0, 60, DAY // 2, DAY, 5 * DAY, 21 * DAY - 1, 21 * DAY, 40 * DAY)) | st.integers(0, 10 * DAY)
PLACES = st.integers(0, 30)
ROWS = st.lists(st.tuples(GAPS, PLACES, st.integers(1, 12_000), st.sampled_from([*Outcome])), max_size=25)
Drawn = list[tuple[int, int, int, Outcome]]


def payments(policy: PolicyDocument) -> list[tuple[TokenId, Address, int]]:
    """Token, recipient, and the units of a standing order, or none: salaries twice over, for they are what counts or
    does not."""
    salaries = [(each.token, policy.payees[each.payee].address, each.units) for each in policy.orders.values()]
    others = [(token, each.address, 0) for each in policy.payees.values() for token in each.max_units]
    places = [pool.address for pool in policy.pools()] + [share.share for _, share in policy.shares().values()]
    return [*salaries, *salaries, *others, *((TokenId("USDC"), to, 0) for to in (*places, to_address(b"\x5a" * 20)))]


def rows(drawn: Drawn, policy: PolicyDocument) -> Iterator[HistoryRow]:
    time, kinds = 1_900_000_000, payments(policy)
    for number, (gap, place, whole_units, outcome) in enumerate(drawn):
        time += gap
        token, to, units = kinds[place % len(kinds)]
        listed = policy.tokens[token].token
        units = units or whole_units * 10**listed.decimals
        native = listed.address == NATIVE
        data = b"" if native else encode_transfer(to, units)
        call = Call(policy.account, to if native else listed.address, units if native else 0, data)
        tx = dress((call,), policy, number)
        bytes_ = (tx.to, tx.value_wei, tx.data, tx.operation)
        yield HistoryRow(f"row {number}", time, f"0x{number:064x}", number, By.OWNERS, *bytes_, outcome, None)


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=25, deadline=None)
@given(drawn=ROWS)
def test_a_row_is_judged_as_with_its_whole_past(name: str, drawn: Drawn) -> None:
    policy = POLICIES[name]
    stretch = Stretch((), tuple(rows(drawn, policy)))
    assert list(replay(stretch, {}, policy)) == list(replay(stretch, {}, policy, whole))
