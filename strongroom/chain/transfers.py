"""ERC-20 Transfer events as `eth_getLogs` asks for and gives them (EIP-20)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from strongroom.addresses import to_address
from strongroom.model import Address, Digest
from strongroom.ports import Transfer

_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""Keccak-256 of `Transfer(address,address,uint256)`."""


def transfer_filter(holder: Address, tokens: Sequence[Address]) -> dict[str, Any]:
    """The filter for transfers of `tokens` out of `holder`."""
    sender = "0x" + holder[2:].lower().rjust(64, "0")
    return {"address": list(tokens), "topics": [_TRANSFER, sender]}


def parse_transfers(logs: Iterable[Mapping[str, Any]], times: Mapping[str, int]) -> tuple[Transfer, ...]:
    """Transfers in the chain's order; `times` by block hash. ERC-721's event, same topic but no data, is left out."""
    ordered = sorted(logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    return tuple(_transfer(log, times[log["blockHash"]]) for log in ordered if _is_erc20(log))


def _is_erc20(log: Mapping[str, Any]) -> bool:
    return len(log["topics"]) == 3 and len(log["data"]) == 2 + 64 and not log.get("removed", False)


def _transfer(log: Mapping[str, Any], timestamp: int) -> Transfer:
    recipient = to_address("0x" + log["topics"][2][-40:])
    return Transfer(
        to_address(log["address"]), recipient, int(log["data"], 16), timestamp, Digest(log["transactionHash"])
    )
