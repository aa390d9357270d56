"""A house whose policy lists one more token, made to measure: alice is paid in it each month."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent import example
from agent.app import Treasurer, open_documents, open_treasurer
from agent.demo.scene import PASSWORD
from policies.template import render
from policies.terms import Cap, ListedToken, PolicyDocument
from strongroom.model import Address, Amount, Token, TokenId
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.settings import Mode, Payment
from strongroom.templates import render_mandate
from strongroom.world.people import ALICE
from strongroom.world.treasury import DECIMALS, TREASURY
from strongroom.world.world import World
from tests.adversarial.lodge import install
from tests.agent.house import House, open_house

OUT = Path(__file__).parents[2] / "contracts" / "out"
ODD = TokenId("ODD")
SALARY = 5_000 * 10**18
_HELD, _MONTH = 20 * SALARY, 30 * 86_400


@pytest.fixture
def house(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with open_house(world, tmp_path) as opened:
        yield opened


@pytest.fixture
def deploy_mock(world: World) -> Callable[..., Address]:
    """Deploys a contract of contracts/test/mocks: its name, its file, and its constructor's types and values."""

    def deployed(name: str, source: str = "", types: tuple[str, ...] = (), values: tuple[object, ...] = ()) -> Address:
        artifact = json.loads((OUT / f"{source or name}.sol" / f"{name}.json").read_text())
        return world.deploy(bytes.fromhex(artifact["bytecode"]["object"][2:]) + encode_arguments(types, values))

    return deployed


@dataclass(frozen=True)
class Payer:
    """Treasurers whose mandate is one salary in the token at `token`."""

    house: House
    token: Address

    @property
    def document(self) -> PolicyDocument:
        policy = example.policy(self.house.world)
        odd = ListedToken(Token(policy.account, ODD, self.token, 18))
        alice = policy.payees["alice"]
        paid = replace(alice, max_units={**alice.max_units, ODD: SALARY})
        cap = Cap("team", ODD, 4 * SALARY, _MONTH, 2 * SALARY, 3 * SALARY)
        return replace(
            policy,
            tokens={**policy.tokens, ODD: odd},
            payees={**policy.payees, "alice": paid},
            caps={**policy.caps, "team": {**policy.caps["team"], ODD: cap}},
        )

    def config(self, mode: Mode, kernel: Address | None = None) -> Path:
        house = self.house
        watch = example.watch_of(house.world, kernel) if kernel else None
        texts = example.documents(house.world, house.service, house.home / "state", mode, kernel, watch=watch)
        mandate = replace(TREASURY.mandate, payroll=(Payment("alice", Amount(ODD, SALARY)),))
        ours = {"policy.toml": render(self.document), "mandate.toml": render_mandate(mandate, {**DECIMALS, ODD: 18})}
        return example.write(texts | ours, house.home / mode)

    @contextmanager
    def treasurer(self, mode: Mode) -> Iterator[Treasurer]:
        kernel = self._kernel() if mode is Mode.GUARDED else None
        with open_treasurer(open_documents(self.config(mode, kernel)), self.house.notices) as opened:
            yield opened

    def _kernel(self) -> Address:
        """The owners install the Kernel of this policy."""
        return install(self.house.world, self.config(Mode.PROPOSE))


@pytest.fixture
def payer(house: House) -> Callable[[Address], Payer]:
    """A payer in a token, of which the Safe gets plenty."""

    def listed(token: Address) -> Payer:
        world = house.world
        mint = encode_call("mint(address,uint256)", world.account.safe, _HELD)
        assert world.send_as(ALICE.address, token, mint).success
        return Payer(house, token)

    return listed
