"""Backtests of what really happened: a node with the past fills in what a history lacks, and guesses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from agent import backtesting, example
from agent.backtesting import backtest, open_history
from agent.cli.backtest import backtest as command
from agent.past_facts import NO_STATE, NOT_MINED, UNKNOWN, NodeOfThePast
from guardians.server.serving import Server, open_service
from policies.backtesting.judging import Judgement
from policies.backtesting.needs import Known
from policies.backtesting.rows import History, Outcome
from policies.backtesting.seen import Observed
from policies.document import load
from policies.terms import PolicyDocument
from strongroom.chain.rpc import RpcChain
from strongroom.clock import WallClock
from strongroom.errors import NodeRefused, WrongChain
from strongroom.model import Block
from strongroom.ports import Read
from strongroom.protocols.erc20 import encode_transfer, read_balance
from strongroom.settings import Mode
from strongroom.world.people import ALICE, GUARDIANS, STRANGER
from strongroom.world.treasury import USDC, WETH, units
from strongroom.world.world import World

DAY = 86_400
COUNT = 20


@dataclass(frozen=True)
class Lived:
    """A treasury's twenty days: its policy, its exported history, and what it held and what a WETH cost before each."""

    folder: Path
    policy: str
    held: tuple[int, ...]
    prices_e8: tuple[int, ...]

    @property
    def document(self) -> PolicyDocument:
        return load(self.policy)

    @property
    def history(self) -> History:
        return open_history(self.folder / "history.json", self.document)

    def judged(self, history: History) -> tuple[Judgement, ...]:
        return backtest(history, self.policy, {}, 1, keep_rows=True).rows


@pytest.fixture(scope="module")
def lived(module_world: World, module_chain: RpcChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    world, folder = module_world, tmp_path_factory.mktemp("lived")
    policy = example.documents(world, "http://127.0.0.1:9", folder / "state", Mode.SHADOW)["policy.toml"]
    (folder / "policy.toml").write_text(policy)
    held, prices = [], []
    for number in range(COUNT):
        world.set_price(WETH, (2_000 + 50 * number) * 10**8)
        world.advance(DAY)
        (before,) = module_chain.read(
            [read_balance(world.contracts.tokens[USDC], world.account.safe)], module_chain.head()
        )
        held.append(before)
        prices.append((2_000 + 50 * number) * 10**8)
        whom = STRANGER if number % 7 == 6 else ALICE
        data = encode_transfer(whom.address, units(USDC, 100 + number))
        assert world.safe_exec(world.account, GUARDIANS[:2], world.contracts.tokens[USDC], data).success
    (folder / "history.json").write_text(json.dumps(exported(world)))
    yield Lived(folder, policy, tuple(held), tuple(prices))


def exported(world: World) -> dict[str, Any]:
    """As a DAO gets it: the pages of its Safe Transaction Service."""
    with open_service(world.url, ":memory:", WallClock()) as service, Server(service) as server:
        # The service follows a Safe from the first time that somebody asked for it.
        httpx.get(f"{server.url}/api/v1/safes/{world.account.safe}/").raise_for_status()
        url = f"{server.url}/api/v2/safes/{world.account.safe}/multisig-transactions/?limit=100"
        answer: dict[str, Any] = httpx.get(url).raise_for_status().json()
    return answer


def test_with_a_node_more_can_be_judged_and_nothing_less(lived: Lived, module_chain: RpcChain) -> None:
    """What could be judged without it is judged the same; what is judged now is what its rule says of real facts."""
    filled, unseen = NodeOfThePast(module_chain, lived.document).seen(lived.history)
    before, after = lived.judged(lived.history), lived.judged(filled)
    assert unseen == () and len(after) == COUNT
    for old, new in zip(before, after, strict=True):
        assert new.lacks.keys() < old.lacks.keys()
        assert {rule: new.by_rule[rule] for rule in old.by_rule} == old.by_rule
        assert {"rehearsed", "reserves", "leftovers", "gas"} <= old.lacks.keys() - new.lacks.keys()
        assert all(lacks <= {Known.INTENTS, Known.ENVELOPE, Known.SAFE, Known.WATCH} for lacks in new.lacks.values())


def test_what_is_read_is_what_the_chain_held_right_before(lived: Lived, module_chain: RpcChain) -> None:
    filled, _ = NodeOfThePast(module_chain, lived.document).seen(lived.history)
    for row, held, price in zip(filled.rows, lived.held, lived.prices_e8, strict=True):
        assert isinstance(row.seen, Observed)
        assert row.seen.facts.balances[USDC] == held
        assert {each.answer for each in row.seen.facts.rounds[WETH]} == {price}
        assert row.seen.rehearsal is not None and row.seen.rehearsal.success


class Forgetful(RpcChain):
    """A node without archive state: of all but the newest blocks it answers no call, as geth says it."""

    kept_blocks = 12

    def read(self, reads: Sequence[Read[Any]], block: Block) -> list[Any]:
        if block.number + self.kept_blocks < self.head().number:
            raise NodeRefused("eth_call", "missing trie node 6fa1 (path ) state is not available")
        return super().read(reads, block)


def test_a_node_without_old_state_leaves_rules_not_evaluable_and_says_so(lived: Lived, module_world: World) -> None:
    with closing(Forgetful(module_world.url)) as node:
        filled, unseen = NodeOfThePast(node, lived.document).seen(lived.history)
    kept = [row.seen is not None for row in filled.rows]
    assert kept == sorted(kept) and 0 < sum(kept) < COUNT
    assert {each.why for each in unseen} == {NO_STATE} and len(unseen) == COUNT - sum(kept)
    assert all("missing trie node" in each.said for each in unseen)
    for known, row in zip(kept, lived.judged(filled), strict=True):
        assert ("reserves" in row.lacks) is not known


def test_what_was_never_mined_and_what_the_node_does_not_know_is_not_guessed(
    lived: Lived, module_chain: RpcChain
) -> None:
    first, second, *rest = lived.history.rows
    waits, foreign = first._replace(outcome=Outcome.WAITING), second._replace(tx_hash="0x" + "ab" * 32)
    history = replace(lived.history, rows=(waits, foreign, *rest[:2]))
    filled, unseen = NodeOfThePast(module_chain, lived.document).seen(history)
    assert [(each.place, each.why) for each in unseen] == [(first.place, NOT_MINED), (second.place, UNKNOWN)]
    assert [row.seen is None for row in filled.rows] == [True, True, False, False]


def test_processes_share_what_was_read(lived: Lived, module_chain: RpcChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtesting, "_FEW", 1)
    filled, _ = NodeOfThePast(module_chain, lived.document).seen(lived.history)
    one, two = (backtest(filled, lived.policy, {}, count, keep_rows=True) for count in (1, 2))
    assert one == two


def test_the_command_says_how_much_it_read_and_asks_only_the_right_chain(
    lived: Lived, module_world: World, tmp_path: Path
) -> None:
    arguments = [str(lived.folder / "history.json"), "--config", str(lived.folder), "--rpc", module_world.url]
    told = CliRunner().invoke(command, arguments)
    assert told.exit_code == 0 and f"state before it read from the node: {COUNT}\n" in told.output
    answer = json.loads(CliRunner().invoke(command, [*arguments, "--json"]).output)
    assert answer["node"] == {"read": COUNT, "not_read": []}
    (tmp_path / "policy.toml").write_text(lived.policy.replace("chain_id = 31337", "chain_id = 1"))
    refused = CliRunner().invoke(command, [*arguments[:1], "--config", str(tmp_path), *arguments[3:]])
    assert isinstance(refused.exception, WrongChain)
