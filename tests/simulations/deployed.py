"""Deployed contracts in an EVM of their own, asked through calls that leave no trace."""

from __future__ import annotations

import json

from pyrevm import EVM, AccountInfo

from strongroom.addresses import to_address
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.world.artifacts import creation_code, node_modules

TASKS = "@balancer-labs/v2-deployments/dist/tasks"
REQUEST = "(uint8,address,address,uint256,bytes32,uint256,address,address,bytes)"
SENDER = to_address((0xA11CE << 96).to_bytes(20, "big"))
ZERO = to_address(bytes(20))


class Machine:
    def __init__(self):
        self.evm = EVM()
        self.evm.set_balance(SENDER, 10**24)

    def create(self, code: bytes, types=(), values=()):
        return to_address(bytes.fromhex(self.evm.deploy(SENDER, code + encode_arguments(types, values))[2:]))

    def send(self, to, data, sender=SENDER):
        return bytes(self.evm.message_call(sender, to, calldata=data))

    def ask(self, to, data, sender=SENDER):
        """The returned bytes, or `None` where it reverts."""
        try:
            return bytes(self.evm.message_call(sender, to, calldata=data, is_static=True))
        except RuntimeError as error:
            assert "Revert" in str(error) or "Halt" in str(error), error
            return None


def balancer_code(task, name):
    return bytes.fromhex(
        json.loads((node_modules() / TASKS / task / f"artifact/{name}.json").read_text())["bytecode"][2:]
    )


class Balancer(Machine):
    """The deployed Vault, with pools whose `onSwap` is asked as the Vault asks it, at any balances."""

    def __init__(self):
        super().__init__()
        arguments = [SENDER, SENDER, 0, 0]
        kinds = ["address", "address", "uint256", "uint256"]
        self.vault = self.create(balancer_code("20210418-vault", "Vault"), kinds, arguments)
        provider = balancer_code("20220725-protocol-fee-percentages-provider", "ProtocolFeePercentagesProvider")
        self.fees = self.create(provider, ["address", "uint256", "uint256"], [self.vault, 10**18, 10**18])
        self.factories = {}

    def close(self):
        """Takes the Vault's code away once the pools are made: only an account without code can send a call itself."""
        self.evm.insert_account_info(self.vault, AccountInfo(balance=10**24))

    def pool_id(self, pool):
        return self.ask(pool, encode_call("getPoolId()"))

    def weighted(self, weights, decimals, fee):
        tokens = self.tokens_of(decimals)
        kinds = "(string,string,address[],uint256[],address[],address[],uint256)"
        none = [ZERO] * len(weights)
        params = ("Pool", "P", tokens, weights, none, none, fee)
        types = [kinds, "address", "address", "uint256", "uint256", "address", "string"]
        code = balancer_code("20230206-weighted-pool-v3", "WeightedPool")
        return self.create(code, types, [params, self.vault, self.fees, 0, 0, SENDER, "3"]), tokens

    def first_weighted(self, weights, decimals, fee):
        tokens = self.tokens_of(decimals)
        factory = self.factory("deprecated/20210418-weighted-pool", "WeightedPoolFactory")
        call = encode_call(
            "create(string,string,address[],uint256[],uint256,address)", "P", "P", tokens, weights, fee, SENDER
        )
        return to_address(self.send(factory, call)[-20:]), tokens

    def stable(self, task, amp, decimals, fee):
        tokens = self.tokens_of(decimals)
        factory = self.factory(task, "StablePoolFactory")
        call = encode_call(
            "create(string,string,address[],uint256,uint256,address)", "P", "P", tokens, amp, fee, SENDER
        )
        return to_address(self.send(factory, call)[-20:]), tokens

    def factory(self, task, name):
        if task not in self.factories:
            self.factories[task] = self.create(balancer_code(task, name), ["address"], [self.vault])
        return self.factories[task]

    def tokens_of(self, decimals):
        """New tokens of these decimals at rising addresses: others are made until the next one is higher."""
        found = []
        for places in decimals:
            while True:
                token = self.create(creation_code("MintableERC20"), ["string", "string", "uint8"], ["T", "T", places])
                if int(token, 16) < 2**160 * (len(found) + 1) // len(decimals) and (
                    not found or int(token, 16) > int(found[-1], 16)
                ):
                    break
            found.append(token)
        return found

    def swap(self, pool, pool_id, tokens, *, exact_out, units, balances):
        """What `onSwap` of a two-token pool says when the first token is sold for the second."""
        request = (int(exact_out), tokens[0], tokens[1], units, pool_id, 0, SENDER, SENDER, b"")
        data = encode_call(f"onSwap({REQUEST},uint256,uint256)", request, *balances)
        answer = self.ask(pool, data, self.vault)
        return None if answer is None else int.from_bytes(answer, "big")

    def swap_of_many(self, pool, pool_id, tokens, pair, *, exact_out, units, balances):
        """What `onSwap` of a pool of several tokens says when the first of `pair` is sold for the second."""
        request = (int(exact_out), tokens[pair[0]], tokens[pair[1]], units, pool_id, 0, SENDER, SENDER, b"")
        data = encode_call(f"onSwap({REQUEST},uint256[],uint256,uint256)", request, balances, *pair)
        answer = self.ask(pool, data, self.vault)
        return None if answer is None else int.from_bytes(answer, "big")
