"""The typed messages (EIP-712) that people sign for the service, as preimages of their digests."""

from __future__ import annotations

from strongroom.wallet.signatures import Signable, signable

TOTP_SECONDS = 3600
_SERVICE = {"name": "Safe Transaction Service", "version": "1.0"}
_DELEGATE = {"Delegate": [{"name": "delegateAddress", "type": "address"}, {"name": "totp", "type": "uint256"}]}
_DELETION = {"DeleteRequest": [{"name": "safeTxHash", "type": "bytes32"}, {"name": "totp", "type": "uint256"}]}


def delegate(chain_id: int, delegate_address: str, totp: int) -> Signable:
    """Adding or removing a delegate in the hour `totp` (Unix time over 3600, rounded down)."""
    return signable({**_SERVICE, "chainId": chain_id}, _DELEGATE, {"delegateAddress": delegate_address, "totp": totp})


def deletion(chain_id: int, safe: str, safe_tx_hash: bytes, totp: int) -> Signable:
    """Deleting a proposal in the hour `totp`."""
    domain = {**_SERVICE, "chainId": chain_id, "verifyingContract": safe}
    return signable(domain, _DELETION, {"safeTxHash": safe_tx_hash, "totp": totp})


def hours_accepted(now: int) -> tuple[int, int]:
    """The hour that runs and the one before it: a signature is good for one to two hours."""
    return now // TOTP_SECONDS, now // TOTP_SECONDS - 1
