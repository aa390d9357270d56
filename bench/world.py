"""How long a whole world takes to build, anvil's start included: the treasury's own, one with every protocol that the
checkout has, and that one loaded again from a dump. Beside the first, in the same run, plain web3.py: the same
transactions, each sent and its receipt awaited before the next.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

from web3 import HTTPProvider, Web3

from strongroom.world.anvil import Anvil
from strongroom.world.balancer_v2 import PROVIDER as BALANCER
from strongroom.world.balancer_v2 import open_balancer_v2
from strongroom.world.contracts import Contracts, blueprint
from strongroom.world.node import Node
from strongroom.world.people import DEPLOYER
from strongroom.world.script import Script
from strongroom.world.uniswap_v4 import PROVIDER as UNISWAP_V4
from strongroom.world.uniswap_v4 import open_uniswap_v4
from strongroom.world.world import World

RUNS = 7
GOALS = {"world_seconds": 0.25, "world_full_seconds": 0.5, "world_reload_seconds": 0.15}
"""At most."""
_ETHER = 10**18
_RICHES_WEI = 1_000_000 * _ETHER
_POLL_SECONDS = 0.001


def main() -> None:
    """Prints the first build, whose script is not written yet, and the medians of later ones."""
    cold = timed(_base)
    dump, contracts = _dumped()
    tasks: dict[str, Callable[[], None]] = {
        "world_seconds": _base,
        "world_full_seconds": lambda: _full().stop(),
        "world_reload_seconds": lambda: _reload(dump, contracts),
        "web3py_seconds": _web3py,
    }
    # In turns, so that whatever else the machine does falls on all alike.
    rounds = [{name: timed(task) for name, task in tasks.items()} for _ in range(RUNS)]
    medians = {name: statistics.median(each[name] for each in rounds) for name in tasks}
    metrics = {
        **{name: round(seconds, 4) for name, seconds in medians.items()},
        "world_first_seconds": round(cold, 4),
        "world_vs_web3py": round(medians["web3py_seconds"] / medians["world_seconds"], 2),
    }
    _print(metrics, contracts, len(dump))
    print(json.dumps({"name": "world", "metrics": metrics}))


def timed(task: Callable[[], None]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def _base() -> None:
    World.start().stop()


def _full() -> World:
    """Safe, feeds, Uniswap V2, V3 and V4, Aave V3, Balancer V2; no registry has bytecode of CoW's settlement."""
    world = World.start()
    tokens = world.contracts.tokens
    for provider, script in ((UNISWAP_V4, open_uniswap_v4(tokens)[1]), (BALANCER, open_balancer_v2(tokens)[1])):
        world.set_balance(provider, _RICHES_WEI)
        world.extend(script)
    return world


def _dumped() -> tuple[str, Contracts]:
    with _full() as world:
        return str(world.ask("anvil_dumpState")), world.contracts


def _reload(dump: str, contracts: Contracts) -> None:
    anvil = Anvil.start()
    node = Node(anvil.port)
    try:
        node.ask("anvil_loadState", dump)
        _require_standing(node, contracts)
    finally:
        node.close()
        anvil.stop()


def _web3py() -> None:
    """Our script, one transaction after the other; its fees, gas and nonces are given, so that web3.py asks nothing."""
    contracts, script = blueprint()
    anvil = Anvil.start()
    node = Node(anvil.port)
    try:
        node.ask("anvil_setBalance", DEPLOYER.address, hex(_RICHES_WEI))
        node.ask("evm_setAutomine", True)
        _send_each(Web3(HTTPProvider(node.url)), script)
        _require_standing(node, contracts)
    finally:
        node.close()
        anvil.stop()


def _send_each(web3: Web3, script: Script) -> None:
    for transaction in script.transactions:
        sent = web3.eth.send_transaction(transaction)  # type: ignore[arg-type]
        receipt = web3.eth.wait_for_transaction_receipt(sent, poll_latency=_POLL_SECONDS)
        if receipt["status"] != 1:
            raise RuntimeError(f"web3.py: `{sent.hex()}` reverted")


def _require_standing(node: Node, contracts: Contracts) -> None:
    """The last things that a build makes are there."""
    for address in (contracts.safe, contracts.pairs[-1].address, contracts.lending.pool):
        if node.ask("eth_getCode", address, "latest") == "0x":
            raise RuntimeError(f"nothing stands at `{address}`")


def _print(metrics: dict[str, float], contracts: Contracts, dump: int) -> None:
    sent = len(blueprint()[1].transactions)
    print(f"the world: {sent} transactions, {len(contracts.pools)} pools, {len(contracts.pairs)} pairs, Aave, the Safe")
    print("full: Uniswap V4 and Balancer V2 beside these; CoW's settlement is in no package here")
    print(f"the dump has {dump / 1e6:.1f} MB; medians of {RUNS}, anvil's start in each")
    print()
    for name, value in metrics.items():
        goal = f"   goal {GOALS[name]:g}" if name in GOALS else ""
        print(f"{name:24} {value:8.3f}{goal}")


if __name__ == "__main__":
    main()
