"""A treasury on the world that holds every kind of token, with a Kernel on it, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from strongroom.chain.rpc import RpcChain
from strongroom.model import Action, Address, Call, Facts, KernelCall, Operation, SafeTx, Token, TokenId
from strongroom.observe import Subject, observe
from strongroom.protocols.abi import encode_call
from strongroom.protocols.multisend import encode_multisend
from strongroom.world.people import AGENT, ALICE, BOB, CHIDI, DANA, EMRE
from strongroom.world.treasury import DAI, HALL, USDC, WETH
from strongroom.world.world import World
from tests.contracts.protocol_desk import Desk, RawLeg, creation, open_desk
from tests.simulations.conftest import EmptyQueue

EVERYBODY = tuple(person.address for person in (ALICE, BOB, CHIDI, DANA, EMRE))
HELD = 10**24
"""Units of each odd token in the Safe."""

_NAMED = "(string,string,uint8)"
_ODD = {
    "fee-on-transfer": ("FeeOnTransferToken", "", "(string,string,uint8,uint256)", ("Fee", "FEE", 18, 137)),
    "no-return": ("NoReturnToken", "OddTokens", "()", ()),
    "false-returning": ("FalseReturningToken", "OddTokens", "()", ()),
    "blocklist": ("BlocklistToken", "OddTokens", "()", ()),
    "greedy": ("GreedyToken", "OddTokens", "()", ()),
    "callback": ("CallbackToken", "OddTokens", "()", ()),
    "tether-like": ("TetherLikeToken", "OddTokens", "()", ()),
    "sticky approval": ("StickyApprovalToken", "OddTokens", "()", ()),
}


@dataclass(frozen=True)
class Stage:
    """`kinds` are tokens by what is odd about them; all are listed, and the Safe holds some of each."""

    desk: Desk
    chain: RpcChain
    kinds: Mapping[str, Address]
    catcher: Address
    failing: Address
    thief: Address

    @property
    def world(self) -> World:
        return self.desk.world

    @property
    def safe(self) -> Address:
        return self.desk.safe

    @cached_property
    def holders(self) -> tuple[Address, ...]:
        return (*EVERYBODY, self.desk.vault, self.world.contracts.lending.pool, self.catcher)

    def look(self) -> Facts:
        """The newest block, with every kind of token listed."""
        own = {token.address for token in self.world.tokens}
        account = self.world.account
        odd = [Token(account, TokenId(kind), at, 18) for kind, at in self.kinds.items() if at not in own]
        subject = Subject(account, (*self.world.tokens, *odd), self.world.feeds, None, 0)
        return observe(self.chain, EmptyQueue(), subject)

    def tx(
        self, to: Address, data: bytes = b"", value_wei: int = 0, operation: Operation = Operation.CALL
    ) -> Callable[[Facts], Action]:
        """The Safe's own transaction at its next nonce."""
        return lambda facts: SafeTx(facts.account, to, value_wei, data, operation, facts.safe.nonce)

    def batch(self, *calls: tuple[Address, int, bytes]) -> Callable[[Facts], Action]:
        """All of these by MultiSend."""
        made = [Call(self.world.account, *call) for call in calls]
        return self.tx(self.world.contracts.multisend, encode_multisend(made), operation=Operation.DELEGATECALL)

    def legs(self, *legs: RawLeg) -> Callable[[Facts], Action]:
        """All of these through the Kernel, in the agent's name."""
        data = self.desk.calldata(*legs)
        return lambda facts: KernelCall(facts.account, AGENT.address, self.desk.kernel, data)

    def attempt(self, target: Address, data: bytes = b"", value_wei: int = 0) -> Callable[[Facts], Action]:
        """A contract calls `target` and swallows its failure."""
        return self.tx(self.catcher, encode_call("attempt(address,bytes)", target, data), value_wei)


def open_stage(world: World, chain: RpcChain) -> Stage:
    desk = open_desk(world)
    odd = {kind: world.deploy(creation(*made[:3], *made[3])) for kind, made in _ODD.items()}
    for address in odd.values():
        assert world.send_as(AGENT.address, address, encode_call("mint(address,uint256)", desk.safe, HELD)).success
    greedy, callback, blocklist = (odd[kind] for kind in ("greedy", "callback", "blocklist"))
    # The hook answers nobody: a transfer in the middle of which something fails, and is swallowed.
    failing, catcher = (
        world.deploy(creation("RevertingTarget", "Callers")),
        world.deploy(creation("CatchingCaller", "Callers")),
    )
    for to, call in (
        (greedy, encode_call("setExtra(uint256)", 3)),
        (callback, encode_call("setHook(address,bytes)", failing, b"\x12\x34")),
        (blocklist, encode_call("list(address,bool)", BOB.address, True)),
    ):
        assert world.send_as(AGENT.address, to, call).success
    tokens = world.contracts.tokens
    kinds = {
        "six decimals": tokens[USDC],
        "eighteen decimals": tokens[DAI],
        "the DAO's own": tokens[HALL],
        "wrapped": tokens[WETH],
        "rebasing": desk.lent,
        "vault share": desk.vault,
        **odd,
    }
    thief = world.deploy(creation("SingletonThief", "SafeTricks"))
    return Stage(desk, chain, kinds, catcher, failing, thief)
