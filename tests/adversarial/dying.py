"""The real command line in a process of its own, which can be told to kill itself right after one named step.

Test data only: the program under test has no hook for it. The points stand in the order in which a unit passes them,
the last two only when something changes on its way; "recorded" is right after the ledger synced that entry, before the
graph's checkpoint of the step is written.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

LEDGER = "strongroom.ledger.file_ledger:FileLedger.append"
WALLET = "strongroom.wallet.agent_wallet:AgentWallet"
EXECUTOR = "strongroom.wallet.executor:Executor"

POINTS: dict[str, tuple[str, str | None]] = {
    "unit added": ("agent.units:Units.add", None),
    "verdict recorded": (LEDGER, "verdict"),
    "intent recorded": (LEDGER, "tx.intent"),
    "proposal posted": (f"{WALLET}.propose", None),
    "request recorded": (LEDGER, "human.req"),
    "response recorded": (LEDGER, "human.res"),
    "signed, not kept": ("strongroom.wallet.signer:KeySigner.sign_transaction", None),
    "signed": (f"{EXECUTOR}.sign_once", None),
    "sent": (f"{EXECUTOR}.broadcast", None),
    "sending recorded": (LEDGER, "tx.sent"),
    "mined": (f"{EXECUTOR}.await_mined", None),
    "mining recorded": (LEDGER, "tx.mined"),
    "drop recorded": (LEDGER, "tx.dropped"),
    "outbid": (f"{EXECUTOR}.outbid", None),
}

LIBRARIES = (
    "agent.app",
    "agent.cli.cycle",
    "agent.cli.run",
    "agent.desk",
    "agent.graph",
    "agent.runner",
    "agent.schedule",
    "agent.web",
    "apscheduler.jobstores.sqlalchemy",
    "apscheduler.schedulers.background",
    "apscheduler.triggers.interval",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "eth_account",
    "langgraph.checkpoint.sqlite",
    "langgraph.types",
    "langchain_core.tracers.run_collector",
    "langchain_core.tracers.stdout",
    "safe_eth.safe.api.transaction_service_api",
    "sqlalchemy.dialects.sqlite",
    "sqlite_utils",
    "strongroom.chain.rpc",
    "strongroom.installation",
    "strongroom.ledger.file_ledger",
    "strongroom.wallet.agent_wallet",
    "strongroom.wallet.service",
    "strongroom.wallet.signer",
    "tests.adversarial.dying",
    "tests.adversarial.warm",
    "uvicorn.lifespan.off",
    "uvicorn.loops.asyncio",
    "uvicorn.protocols.http.h11_impl",
    "web3",
)
"""What a treasurer imports; a fork server loads it once for all children."""


def arm(point: str) -> None:
    """The first call of the point's method (for the ledger: with that type of entry) is this process's last."""
    place, first = POINTS[point]
    module, _, path = place.partition(":")
    owner, _, method = path.partition(".")
    found = getattr(importlib.import_module(module), owner)
    setattr(found, method, _deadly(getattr(found, method), first))


def _deadly(method: Callable[..., Any], first: str | None) -> Callable[..., Any]:
    @wraps(method)
    def last(self: Any, *arguments: Any, **named: Any) -> Any:
        answer = method(self, *arguments, **named)
        if first is None or first == arguments[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return last


def live(arguments: Sequence[str], environment: Mapping[str, str], said: Path, point: str) -> None:
    """What a child does from its first moment: everything it says goes to a file, and it runs one command."""
    handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.environ.update(environment)
    sys.argv = ["strongroom", *arguments]
    if point:
        arm(point)
    from agent.cli import main

    main()
