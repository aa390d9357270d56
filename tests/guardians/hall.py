"""A treasury with its queue served over HTTP, proposals by the agent's key, and guardians as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account as Keys

from agent.compiler import compile_unit, dress_for_owners
from agent.example import documents, write
from guardians.app import PASSWORD
from guardians.documents import subject_of
from guardians.key import GuardianKey, open_key
from guardians.review import Review, find_queued, review
from policies.document import document_hash
from policies.scenario import Scenario, facts_of
from policies.terms import PolicyDocument
from strongroom.addresses import from_digest
from strongroom.chain.rpc import RpcChain
from strongroom.model import Call, Compiled, Digest, Label, Labelled, Lane, Operation, Pay, SafeTx, TokenId, Unit
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.safe import safe_tx_hash
from strongroom.settings import Mode
from strongroom.wallet.service import SafeService
from strongroom.wallet.signer import write_keystore
from strongroom.world.people import AGENT, GUARDIANS, Person
from strongroom.world.treasury import TREASURY
from strongroom.world.world import World

INES = GUARDIANS[0]
SECRET = "correct horse"

WITHOUT_AGENT = """
import runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("agent", "langgraph", "langchain_core", "openai"):
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)

sys.meta_path.insert(0, Absent())
sys.argv[0] = "guardian"
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


def signed(person: Person, digest: str) -> bytes:
    return bytes(Keys.unsafe_sign_hash(from_digest(Digest(digest)), person.key).signature)


@dataclass
class Hall:
    """What tests have at hand: the chain, the served queue, a policy, and folders that guardians call their own."""

    world: World
    chain: RpcChain
    service: SafeService
    url: str
    document: PolicyDocument
    folder: Path

    def payroll(self, nonce: int = 0) -> SafeTx:
        """All five members' month, compiled as the agent compiles it."""
        pays = tuple(
            Pay(
                payee.id,
                Labelled(payee.monthly.token, Label.MANDATE),
                Labelled(payee.id, Label.MANDATE),
                Labelled(payee.monthly.units, Label.MANDATE),
                Labelled("salary", Label.MANDATE),
            )
            for payee in TREASURY.payees
        )
        quiet = facts_of(Scenario((), dict.fromkeys(self.document.tokens, 0), {}), self.document)
        compiled = compile_unit(Unit("payroll-2026-11", self.document.account, pays), quiet, self.document, Lane.OWNER)
        assert isinstance(compiled, Compiled)
        return dress_for_owners(compiled, self.document.multisend, nonce)

    def call(self, to: str, data: bytes = b"", value_wei: int = 0, nonce: int = 0) -> SafeTx:
        return SafeTx(self.document.account, to, value_wei, data, Operation.CALL, nonce)  # type: ignore[arg-type]

    def batch(self, *calls: tuple[str, bytes], nonce: int = 0) -> SafeTx:
        account, multisend = self.document.account, self.document.multisend
        data = encode_multisend(Call(account, to, 0, inner) for to, inner in calls)  # type: ignore[arg-type]
        return SafeTx(account, multisend, 0, data, Operation.DELEGATECALL, nonce)

    def token(self, name: str) -> str:
        return self.document.tokens[TokenId(name)].token.address

    def origin(self) -> str:
        return f'{{"name":"Strongroom","unit":"payroll-2026-11","policy":"{document_hash(self.document)}"}}'

    def propose(self, tx: SafeTx, origin: str | None = None) -> Digest:
        """As the agent's key, or whoever stole it, proposes: as a delegate."""
        digest = safe_tx_hash(tx)
        self.service.propose(tx, digest, signed(AGENT, digest), self.origin() if origin is None else origin)
        return digest

    def review(self, digest: Digest) -> Review:
        queued = find_queued(self.service, digest)
        return review(self.chain, self.service, self.document, subject_of(self.document), queued)

    def signers(self, digest: Digest) -> set[str]:
        found = self.service.find(digest)
        return {approval.guardian for approval in found.approvals} if found else set()

    def key_of(self, person: Person) -> GuardianKey:
        return open_key(self.keystore(person), SECRET)

    def keystore(self, person: Person) -> Path:
        path = self.folder / f"{person.name}.json"
        if not path.exists():
            write_keystore(path, person.key, SECRET, iterations=1_000)
        return path

    def own_folder(self, name: str, service: str | None = None, **replaced: str) -> Path:
        """A guardian's copies of treasury.toml and policy.toml; `replaced` texts instead of theirs."""
        texts = documents(self.world, service or self.url, self.folder / "state", Mode.PROPOSE)
        kept = {key: texts[key] for key in ("treasury.toml", "policy.toml")}
        for old, new in replaced.items():
            kept = {key: text.replace(old, new) for key, text in kept.items()}
        return write(kept, self.folder / name)

    def arguments(self, command: str, what: str, person: Person | None = None, folder: Path | None = None) -> list[str]:
        key = ["--keystore", str(self.keystore(person)), "--yes"] if person else []
        return [command, what, "--config", str(folder or self.own_folder("own")), *key]

    def start(self, arguments: Sequence[str], module: str = "guardians") -> subprocess.Popen[str]:
        """A program in a process of its own, where nothing of the agent can be imported."""
        return subprocess.Popen(
            [sys.executable, "-c", WITHOUT_AGENT, module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, PASSWORD: SECRET},
        )

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        return process.returncode, out, err
