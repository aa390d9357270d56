"""What an owner must know about the Safe as it was found: one line each, saying what it means."""

from __future__ import annotations

from collections.abc import Iterator

from agent.onboarding.chains import KnownChain, KnownToken, SafeContracts
from agent.onboarding.survey import PastPayee, Survey, Unlisted
from policies.addressbook import imitated
from strongroom.model import NATIVE, Address, Operation, Queued, SafeState


def warnings(survey: Survey) -> tuple[str, ...]:
    """Lines about the Safe, its queue, and the tokens and payees that must not be trusted; none when all is plain."""
    state, known = survey.state, survey.chain.safe
    return (
        *(module_warning(module) for module in state.modules),
        *filter(None, (guard_warning(state), handler_warning(state, known), singleton_warning(state, known))),
        *filter(None, (threshold_warning(state),)),
        *(_queued(queued) for queued in survey.queue or ()),
        *_unread(survey),
        *(_contradicted(token) for token in survey.contradicted),
        *_imitators(survey),
        *_lookalikes(survey),
    )


def module_warning(module: Address) -> str:
    return f"module `{module}` can move everything in the Safe without any owner's signature; know who controls it"


def guard_warning(state: SafeState) -> str | None:
    """`None` without a guard."""
    if state.guard == NATIVE:
        return None
    return f"guard `{state.guard}` may refuse any transaction of the Safe, also one that all owners signed"


def handler_warning(state: SafeState, known: SafeContracts) -> str | None:
    """`None` for a fallback handler of Safe's own."""
    if state.fallback_handler in known.fallback_handlers:
        return None
    if state.fallback_handler == NATIVE:
        return "no fallback handler: the Safe signs no messages (EIP-1271) and refuses some tokens"
    return f"fallback handler `{state.fallback_handler}` is not Safe's own; it answers in the Safe's name"


def singleton_warning(state: SafeState, known: SafeContracts) -> str | None:
    """`None` for a singleton of Safe's own."""
    if state.singleton in known.singletons:
        return None
    return f"singleton `{state.singleton}` is not Safe's own; all that the Safe says of itself may be untrue"


def threshold_warning(state: SafeState) -> str | None:
    """`None` when at least two owners must sign."""
    if state.threshold > 1:
        return None
    return f"one signature of {len(state.owners)} owners moves everything; raise the threshold to 2 or more"


def _queued(queued: Queued) -> str:
    kind = "delegatecall" if queued.tx.operation is Operation.DELEGATECALL else "transaction"
    waiting = f"a waiting {kind} to `{queued.tx.to}`, signed by {len(queued.approvals)}"
    return f"nonce {queued.tx.nonce} is taken by {waiting}; ours come after it"


def _unread(survey: Survey) -> Iterator[str]:
    if survey.queue is None:
        yield "the owners' queue was not read; give `--service URL` to see what waits"
    if not survey.complete:
        yield f"the node gave logs only back to block {survey.since_block}; who was paid before is not proposed"
    if len(survey.state.modules) >= _MODULES_READ:
        yield f"only the first {_MODULES_READ} modules were read"


_MODULES_READ = 100
"""As many as one read of the Safe's state gives."""


def _contradicted(token: KnownToken) -> str:
    return (
        f"token {token.id} at `{token.address}` has not the {token.decimals} decimals of chains.toml; it was left out"
    )


def _imitators(survey: Survey) -> Iterator[str]:
    for token in survey.unlisted:
        if (taken := imitated_name(token, survey.chain)) is not None:
            yield f"token `{token.address}` calls itself {taken} and is another contract; never list it"


def imitated_name(token: Unlisted, chain: KnownChain) -> str | None:
    """The known token, or coin, whose name an unlisted token takes; `None` when it takes none."""
    names = (chain.native, *chain.tokens)
    return next((name for name in names if name.casefold() == token.symbol.strip().casefold()), None)


def _lookalikes(survey: Survey) -> Iterator[str]:
    payees = [payee.address for payee in survey.payees]
    for payee in payees:
        if twin := imitated(payee, [other for other in (*payees, *survey.state.owners) if other != payee]):
            yield f"past payee `{payee}` looks like `{twin}`; compare all digits before you list either"


def trusted_enough(payee: PastPayee, survey: Survey) -> bool:
    """Whether a past payee is worth proposing: not one that could be taken for another."""
    others = [p.address for p in survey.payees if p.address != payee.address]
    return imitated(payee.address, [*others, *survey.state.owners]) is None
