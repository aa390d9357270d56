"""What a unit's nodes may reach: ports and documents, injected at every start and never kept in graph state."""

from __future__ import annotations

from dataclasses import dataclass

from policies.terms import PolicyDocument
from strongroom.observe import Subject
from strongroom.ports import Chain, Ledger, Notices, Queue, Wallet
from strongroom.settings import Mode


@dataclass(frozen=True, slots=True)
class Context:
    """`wallet` is absent in shadow mode and in a dry run: there is nothing that could sign."""

    chain: Chain
    queue: Queue
    ledger: Ledger
    notices: Notices
    wallet: Wallet | None
    document: PolicyDocument
    subject: Subject
    mode: Mode
