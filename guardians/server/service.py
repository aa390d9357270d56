"""What every request is answered with: chain, executions, store and clock; and Safes as they are right now."""

from __future__ import annotations

from dataclasses import dataclass

from guardians.server.executions import Executions
from guardians.server.refusals import Invalid
from guardians.server.rows import iso
from guardians.server.store import Store
from strongroom.model import Address, SafeState
from strongroom.ports import Chain, Clock
from strongroom.protocols.safe import state_from, state_reads


@dataclass(frozen=True, slots=True)
class Service:
    """`first_block` is where the search for executions begins; `batchers` are the MultiSend contracts whose
    delegatecalls are put in words."""

    chain: Chain
    executions: Executions
    store: Store
    clock: Clock
    first_block: int = 0
    batchers: frozenset[Address] = frozenset()

    def now(self) -> str:
        return iso(self.clock.now())

    def find_safe(self, safe: str) -> SafeState | None:
        """The Safe's state at the head, or `None` where no Safe is. A Safe found is remembered for `/owners/`."""
        state = state_from(self.chain.read(state_reads(Address(safe)), self.chain.head()))
        if state is not None:
            self.store.add("safes", {"safe": safe, "block_number": self.first_block - 1, "block_hash": ""})
        return state

    def safe_state(self, safe: str, status: int) -> SafeState:
        """As `find_safe`; refuses with `status` where no Safe is."""
        if (state := self.find_safe(safe)) is None:
            raise Invalid(status, f"Safe={safe} does not exist or it's still not indexed")
        return state

    def safes_of(self, owner: str) -> list[str]:
        """The Safes met so far that `owner` owns now."""
        met = [row["safe"] for row in self.store.rows("safes")]
        states = {safe: self.find_safe(safe) for safe in met}
        return [safe for safe, state in states.items() if state is not None and owner in state.owners]
