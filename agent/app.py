"""The agent's composition root: documents and environment in, a wired treasurer out. Adapters are made nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.checkpoints import IN_MEMORY, open_checkpoints
from agent.context import Context
from agent.dry_run import DryRunPlanner, copied
from agent.onboarding.chains import chain_of
from agent.parity import require_parity
from agent.planners.deterministic import DeterministicPlanner
from agent.state_folder import Held, StateFolder
from agent.units import Units
from guardians.documents import listings_of
from guardians.documents import open_documents as open_pair
from guardians.documents import subject_of as subject_of_policy
from policies.conflicts import check_operators
from policies.document import document_hash
from policies.grants import compile_policy
from policies.kernel_rules import order_rule
from policies.terms import UNISWAP_V2, PolicyDocument
from strongroom.clock import WallClock
from strongroom.documents import read
from strongroom.errors import BadValue, KeyMissing, SetupError
from strongroom.model import Address
from strongroom.model_settings import LanguageModel
from strongroom.notices import StreamNotices
from strongroom.observe import Subject, safe_state
from strongroom.ports import Chain, Ledger, Model, Notices, Planner, Queue, Wallet
from strongroom.quantities import format_seconds
from strongroom.settings import Job, Mandate, Mode, Treasury, load_mandate, load_schedule

if TYPE_CHECKING:
    from agent.anchoring import Anchoring
    from agent.planners.chat_model import Rewriter
    from agent.runner import Runner
    from strongroom.ledger.file_ledger import FileLedger

PASSWORD = "STRONGROOM_PASSWORD"  # noqa: S105 - the variable's name
MODEL_KEY, SECOND_MODEL_KEY = "STRONGROOM_MODEL_KEY", "STRONGROOM_SECOND_MODEL_KEY"


@dataclass(frozen=True, slots=True)
class Documents:
    """The four documents that make a treasury."""

    treasury: Treasury
    policy: PolicyDocument
    mandate: Mandate
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Treasurer:
    """A wired agent that holds its state folder."""

    documents: Documents
    folder: StateFolder
    context: Context
    units: Units
    runner: Runner
    ledger: FileLedger
    anchoring: Anchoring | None
    rewriter: Rewriter | None
    """Offers a line of the chat's grammar for words outside it; none without a model."""


def open_documents(folder: Path) -> Documents:
    """The documents in `folder`, each checked, and policy and treasury about the same account. Raises `InputError`."""
    treasury, policy = open_pair(folder)
    decimals = {token.token.id: token.token.decimals for token in policy.tokens.values()}
    mandate = load_mandate(read(folder / "mandate.toml"), decimals)
    for payment in mandate.payroll:
        if payment.payee not in policy.payees:
            raise BadValue(payment.payee, "`payee` in mandate.toml", "add the payee to policy.toml first")
    require_venues(mandate, policy)
    check_operators(policy, treasury.operators)
    require_runway(mandate, policy)
    return Documents(treasury, policy, mandate, load_schedule(read(folder / "schedule.toml")))


def require_venues(mandate: Mandate, policy: PolicyDocument) -> None:
    """Raises `BadValue` for idle tokens that the mandate lends where the policy lists no market for them."""
    for token, idle in mandate.idle.items():
        market = policy.markets.get(idle.venue)
        if market is None or market.reserve(token) is None:
            where, mend = f"`venue` of [idle.{token}] in mandate.toml", f"list it with {token} in policy.toml first"
            raise BadValue(idle.venue, where, mend)


def require_runway(mandate: Mandate, policy: PolicyDocument) -> None:
    """Raises `BadValue` where the mandate plans for a shorter runway than the policy lets pass."""
    terms = policy.runway
    if terms and mandate.runway_months * _MONTH_SECONDS < terms.least_seconds:
        mend = f"policy.toml asks guardians below {format_seconds(terms.least_seconds)}; plan for as long, or change it"
        raise BadValue(f"{mandate.runway_months} months", "`months` in [runway] of mandate.toml", mend)


def subject_of(
    policy: PolicyDocument,
    agent: Address | None,
    kernel: Address | None = None,
    jobs: tuple[Job, ...] = (),
    watch: Address | None = None,
) -> Subject:
    """What the treasurer looks at: what everybody does, and its own key, the pools to route over and, where there is
    one, the Kernel. Outflows are read as far back as a month's first day can lie for the latest run that a job still
    catches up."""
    late, venues = max((job.within_seconds for job in jobs), default=0), policy.venues.values()
    return replace(
        subject_of_policy(policy, watch),
        agent=agent,
        window_seconds=max(policy.history_seconds(), _MONTH_SECONDS + late),
        pools=tuple((pool.address, venue.lens) for venue in venues for pool in venue.pools if venue.lens),
        pairs=tuple(pool.address for venue in venues for pool in venue.pools if venue.kind == UNISWAP_V2),
        kernel=kernel,
        buckets=tuple(setting.key for setting in compile_policy(policy).buckets),
        orders=tuple(order_rule(order, policy).leaf for order in policy.orders.values()),
    )


# Payroll asks the chain what was paid since the month began.
_MONTH_SECONDS = 31 * 86_400


def password() -> str:
    """The keystore's password from the environment; empty when it is not set."""
    return os.environ.get(PASSWORD, "")


@contextmanager
def open_treasurer(documents: Documents, notices: Notices | None = None, dry_run: bool = False) -> Iterator[Treasurer]:
    """Takes the state folder and wires everything. A dry run opens no key and keeps nothing but its log entries; it
    judges as its mode does, and as in shadow mode where guarded mode would not start. Raises `SetupError`, `NodeError`
    or `LedgerError`: nothing began."""
    folder, told = StateFolder(documents.treasury.state_dir), notices or StreamNotices(sys.stderr)
    with ExitStack() as stack:
        # First of all: whoever finds the folder held asks its holder, and needs nothing else.
        stack.callback(Held(folder).release)
        chain = _chain(stack, documents.treasury)
        if dry_run:
            documents = _judged_as(documents, chain, told)
        treasury = documents.treasury
        queue = _queue(stack, treasury, chain)
        signs = treasury.mode is not Mode.SHADOW and not dry_run
        wallet = _wallet(stack, treasury, folder, chain, queue) if signs else None
        subject = _subject(documents, wallet.address) if wallet else onlooker(documents)
        if signs:
            _require_enforced(documents, chain, subject)
        ledger = stack.enter_context(open_ledger(documents, folder))
        units = copied(folder.units) if dry_run else Units(folder.units)
        stack.callback(units.close)
        context = Context(chain, queue, ledger, told, wallet, documents.policy, subject, treasury.mode)
        checkpoints = stack.enter_context(open_checkpoints(IN_MEMORY if dry_run else folder.checkpoints))
        model = model_of(treasury)
        planner = _planner(documents, model, ledger, told)
        chosen = DryRunPlanner(planner, units) if dry_run else planner
        runner = _runner(checkpoints, context, units, chosen, documents.jobs)
        anchoring = None if dry_run else _anchoring(stack, treasury, folder, chain, ledger)
        rewriter = _rewriter(documents, model, ledger)
        yield Treasurer(documents, folder, context, units, runner, ledger, anchoring, rewriter)


@contextmanager
def connected(treasury: Treasury) -> Iterator[tuple[Chain, Queue]]:
    """Node and queue alone, for who only looks: no state folder is taken. Raises `SetupError` or `NodeError`."""
    with ExitStack() as stack:
        chain = _chain(stack, treasury)
        yield chain, _queue(stack, treasury, chain)


@contextmanager
def node_of(treasury: Treasury) -> Iterator[Chain]:
    """The node alone, for forecasts: they wait for nobody. Raises `SetupError` or `NodeError`."""
    with ExitStack() as stack:
        yield _chain(stack, treasury)


def _judged_as(documents: Documents, chain: Chain, notices: Notices) -> Documents:
    """The documents in the mode of a dry run. A policy that the Kernel does not enforce yet can be tried all the same,
    and whoever tries it is told that the run itself would not start."""
    try:
        _require_enforced(documents, chain, onlooker(documents))
    except (SetupError, BadValue) as error:
        notices.tell(f"judged as in shadow mode, for the run itself would not start: {error}")
        return replace(documents, treasury=replace(documents.treasury, mode=Mode.SHADOW))
    return documents


def _require_enforced(documents: Documents, chain: Chain, subject: Subject) -> None:
    """What guarded mode asks before it starts, and nothing in the other modes: that the Kernel enforces this very
    policy, on this very key. Raises `KeyMissing`, or what `require_parity` raises."""
    treasury = documents.treasury
    if treasury.mode is not Mode.GUARDED:
        return
    if subject.agent is None:
        raise KeyMissing(str(StateFolder(treasury.state_dir).keystore), "put the agent's keystore there")
    known = chain_of(treasury.folder, treasury.account.chain_id)
    require_parity(chain, subject, documents.policy, subject.agent, known, treasury.registry)


def onlooker(documents: Documents) -> Subject:
    """What the treasurer would look at, for who has no treasurer at hand: the agent's key is only asked its address."""
    from strongroom.wallet.signer import address_in_keystore

    treasury = documents.treasury
    shadow = treasury.mode is Mode.SHADOW
    agent = None if shadow else address_in_keystore(StateFolder(treasury.state_dir).keystore)
    return _subject(documents, agent)


def _subject(documents: Documents, agent: Address | None) -> Subject:
    treasury = documents.treasury
    found = subject_of(documents.policy, agent, treasury.kernel, documents.jobs, treasury.watch)
    return replace(found, listings=listings_of(documents.policy, treasury.folder))


def _chain(stack: ExitStack, treasury: Treasury) -> Chain:
    from strongroom.chain.rpc import connect

    return stack.enter_context(closing(connect(treasury.rpc, treasury.account.chain_id)))


def _queue(stack: ExitStack, treasury: Treasury, chain: Chain) -> Queue:
    from strongroom.wallet.service import SafeService

    service = SafeService(treasury.service, treasury.account, chain)
    stack.callback(service.close)
    return service


def _wallet(stack: ExitStack, treasury: Treasury, folder: StateFolder, chain: Chain, queue: Queue) -> Wallet:
    from strongroom.wallet.agent_wallet import AgentWallet
    from strongroom.wallet.executor import Executor, Outbox
    from strongroom.wallet.signer import open_keystore

    signer = open_keystore(folder.keystore, password())
    if signer.address in safe_state(chain, treasury.account.safe, chain.head()).owners:
        raise KeyMissing(str(folder.keystore), f"`{signer.address}` owns the Safe; the agent's key never may")
    outbox = Outbox(folder.outbox)
    stack.callback(outbox.close)
    return AgentWallet(queue, signer, Executor(chain, signer, outbox), outbox)


def _anchoring(
    stack: ExitStack, treasury: Treasury, folder: StateFolder, chain: Chain, ledger: FileLedger
) -> Anchoring | None:
    """Where a registry is named and its key is there; a treasury without them anchors nothing."""
    if treasury.registry is None or treasury.kernel is None or not folder.anchor_keystore.exists():
        return None
    from agent.anchoring import Anchoring
    from strongroom.wallet.executor import Executor, Outbox
    from strongroom.wallet.signer import open_keystore

    signer, outbox = open_keystore(folder.anchor_keystore, password()), Outbox(folder.outbox)
    stack.callback(outbox.close)
    return Anchoring(chain, ledger, Executor(chain, signer, outbox), signer, treasury.registry, treasury.kernel)


@contextmanager
def open_ledger(documents: Documents, folder: StateFolder) -> Iterator[FileLedger]:
    """The treasury's log, for who holds the state folder."""
    from strongroom.ledger.file_ledger import FileLedger

    genesis = {"policy": document_hash(documents.policy), "mode": str(documents.treasury.mode)}
    ledger = FileLedger.open(folder.ledger, documents.treasury.account, WallClock(), genesis)
    try:
        yield ledger
    finally:
        ledger.close()


def model_of(treasury: Treasury) -> Model | None:
    """The language model that treasury.toml names, its key from the environment; `None` where it names none. Raises
    `BadValue` for a key that no header can carry."""
    return _endpoint(treasury.model, MODEL_KEY) if treasury.model else None


def second_model_of(treasury: Treasury) -> Model | None:
    """As `model_of`, the model of [model.second]: with a key of its own, for it may be another's."""
    second = treasury.model.second if treasury.model else None
    return _endpoint(second, SECOND_MODEL_KEY) if second else None


def _endpoint(settings: LanguageModel, key: str) -> Model:
    from strongroom.inference.endpoint import Endpoint
    from strongroom.inference.secret import Secret

    return Endpoint(settings, Secret(os.environ.get(key, "")))


def _planner(documents: Documents, model: Model | None, ledger: Ledger, notices: Notices) -> Planner:
    """The mandate's own rules; with a model, one that may narrow what they want."""
    rules = DeterministicPlanner(documents.mandate, documents.policy)
    if model is None:
        return rules
    from agent.planners.model import ModelPlanner

    second = second_model_of(documents.treasury)
    return ModelPlanner(model, rules, ledger, notices, documents.mandate, documents.policy, second)


def _rewriter(documents: Documents, model: Model | None, ledger: Ledger) -> Rewriter | None:
    if model is None:
        return None
    from agent.planners.chat_model import Rewriter

    return Rewriter(model, ledger, documents.policy)


def _runner(checkpoints: Any, context: Context, units: Units, planner: Planner, jobs: tuple[Job, ...]) -> Runner:
    from agent.graph import build
    from agent.runner import Runner

    graph = build(checkpoints, context.mode, signs=context.wallet is not None)
    return Runner(graph, context, units, planner, jobs)
