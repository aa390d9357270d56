"""Proposals in words for people: what each call does, in amounts and names. Whatever strangers wrote is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from guardians.change_wording import change_words
from guardians.installation import Installation
from guardians.kernel_changing import read_step
from guardians.kernel_wording import kernel_step_words
from guardians.review import Proposal
from guardians.server.decoder import decode
from policies.conversions import Conversion
from policies.effects import Exchange, Move, Opaque, Payment, Permission, Rebase
from policies.terms import PolicyDocument
from strongroom.model import NATIVE, Account, Address, Operation, TokenId
from strongroom.protocols.owner_guard import decode_announce_change
from strongroom.protocols.safe_changes import read_change
from strongroom.quantities import format_bps, format_seconds, format_units
from strongroom.untrusted import escaped

__all__ = [
    "describe_calls",
    "describe_installation",
    "escaped",
    "installation_lines",
    "show_address",
    "show_amount",
]
_SHOWN = 200


def show_amount(token: TokenId, units: int, document: PolicyDocument) -> str:
    """`9,000.00 USDC`; the bare count where the token is not listed."""
    listed = document.tokens.get(token)
    return f"{format_units(units, listed.token.decimals)} {token}" if listed else f"{units} units of {token}"


def show_address(address: Address, document: PolicyDocument) -> str:
    """The address with the policy's name for it."""
    if address == document.account.safe:
        return f"the Safe ({address})"
    payee = document.payee_at(address)
    return f"{payee.id} ({address})" if payee else f"{address}, who is not in the address book"


def describe_calls(
    proposal: Proposal, document: PolicyDocument, guard: Address = NATIVE, kernel: Address | None = None
) -> tuple[str, ...]:
    """What each call does, one line each. `guard` is the Safe's transaction guard and `kernel` the one that documents
    name: what they are told about changes."""
    if proposal.is_rejection:
        return (f"nothing: it rejects what else waits at nonce {proposal.tx.nonce}",)
    return tuple(_described(proposal, document, guard, kernel))


def describe_installation(installation: Installation) -> Iterator[str]:
    """What each part of a recognised installation does."""
    yield from (f"make the price source of {token} at {at}" for token, at in installation.sources.items())
    yield f"make the log's registry at {installation.registry}, where it does not stand already"
    yield _made(installation, installation.kernel, "the Kernel of your policy.toml")
    if installation.replaces:
        yield f"put it in the place of the paused Kernel {installation.replaces}, which the Safe then has no more:"
        yield "what that has spent counts as spent in the new one, and the mark of its watch goes on"
    yield "enable it as a module of the Safe: it then moves what the policy lets the agent's key move alone"
    yield from _watch_made(installation)
    if guard := installation.owner_guard:
        yield f"set the owners' guard of your policy.toml, {guard}: who commands the Safe then changes announced only"
    if opening := installation.opening:
        yield f"open the log with its first {opening.size} entries, root 0x{opening.root.hex()}"


def installation_lines(installation: Installation, agent: Address | None) -> Iterator[str]:
    """What a guardian must compare and know before signing one. Whose key gets the Kernel is shown only once the
    guardian has named it: an address that is shown first is copied, not compared."""
    birth, opening = installation.birth, installation.opening
    yield "  it is, byte for byte, the installation of your own policy.toml; these are not in its caps and rules:"
    yield f"    the agent's key: {_compared(birth.agent, agent)}"
    yield f"    pausing beside the owners: {', '.join(birth.guardians) or 'nobody'}"
    delays = (birth.config_delay_seconds, birth.rekey_delay_seconds, birth.window_seconds)
    config, rekey, window = map(format_seconds, delays)
    yield f"    what loosens waits {config}, a new agent's key {rekey}; both stay usable for {window}"
    yield from _watch_lines(installation)
    if not installation.owner_guard:
        yield "    no owners' guard: enough stolen owners' keys change who commands the Safe at once"
    if opening:
        yield f"    the log's heads are anchored by {opening.anchorer}, who can do nothing else"
    yield "    the contracts are UNAUDITED: begin with caps the DAO could afford to lose"


def _made(installation: Installation, address: Address, what: str) -> str:
    if address in installation.made_before:
        return f"take {what} that somebody has made at {address}, just as planned and unused since"
    return f"make {what} at {address}"


def _watch_made(installation: Installation) -> Iterator[str]:
    if (planned := installation.watch) is None:
        return
    made = _made(installation, planned.watch.address, "the watch of your policy.toml")
    yield f"{made}: losses count from what the Safe then holds"
    yield "let the watch be a guardian of the Kernel: its code can pause the Kernel and do nothing else"


def _watch_lines(installation: Installation) -> Iterator[str]:
    if (planned := installation.watch) is None:
        yield "    no watch: a fall of the treasury stops nothing by itself"
        return
    fall, blocks = format_bps(planned.birth.max_drawdown_bps), planned.birth.confirm_blocks
    yield f"    once {', '.join(planned.sources)} are together worth {fall} less than their mark,"
    yield f"    anybody may make the Kernel pause, with two calls at least {blocks} blocks apart"


def _compared(found: Address, named: Address | None) -> str:
    if named is None:
        return "ask whoever keeps it for its address, and name that with `--agent`; it is compared with the bytes"
    return f"{found}, as you named it" if found == named else f"{found}, NOT {named} as you named it"


def _described(proposal: Proposal, document: PolicyDocument, guard: Address, kernel: Address | None) -> Iterator[str]:
    tx, calls = proposal.tx, proposal.compiled.calls
    datas = [call.data for call in calls] or [tx.data]
    for move, data in zip(proposal.moves, datas, strict=True):
        if isinstance(move, Opaque) and move.to == guard != NATIVE:
            yield f"NOT A PAYMENT: the Safe tells its guard {guard}{_guard_reads(data)}"
        elif isinstance(move, Opaque) and move.to == kernel and (step := read_step(data)):
            yield f"NOT A PAYMENT: the Safe tells its Kernel {kernel}: {kernel_step_words(step, document, None)}"
        elif isinstance(move, Opaque):
            yield f"NOT UNDERSTOOD: {move.to} {move.why}{_reads_as(tx.account, data)}"
        else:
            yield _understood(move, document)
    if not calls and tx.operation is Operation.DELEGATECALL:
        yield f"NOT UNDERSTOOD: code of {tx.to} would run as the Safe itself and may take everything"


def move_words(move: Move, document: PolicyDocument) -> str:
    """One thing that a call does, or that nobody here can tell."""
    return f"NOT UNDERSTOOD: {move.to} {move.why}" if isinstance(move, Opaque) else _understood(move, document)


def _understood(move: Move, document: PolicyDocument) -> str:
    if isinstance(move, Payment):
        paid = show_amount(move.token, move.units, document)
        return f"pay {paid} to {show_address(move.recipient, document)}"
    if isinstance(move, Permission):
        return f"let {move.spender} take {show_amount(move.token, move.units, document)}"
    if isinstance(move, Conversion):
        amount = show_amount(move.reserve.token, move.units_in, document)
        who = show_address(move.beneficiary, document)
        if move.is_supply:
            return f"lend {amount} at {move.market.id} for {who}"
        return f"take {amount} back from {move.market.id} to {who}"
    if isinstance(move, Rebase):
        return f"make the watch {move.watch} take a new mark: losses count from what the Safe then holds"
    assert isinstance(move, Exchange)
    sold = show_amount(move.token_in, move.units_in, document)
    bought = show_amount(move.token_out, move.min_out_units, document)
    return f"sell {sold} for at least {bought} at {move.venue.id} (pool {move.pool})"


def _guard_reads(data: bytes) -> str:
    """What bytes to a guard like ours announce. Whether it is ours, only `verify` reads."""
    try:
        return f" that it will {change_words(read_change(decode_announce_change(data)))}"
    except ValueError:
        return f" `0x{data[:_SHOWN].hex()}`"


def _reads_as(account: Account, data: bytes) -> str:
    """The function that bytes of no known meaning may stand for. It says what they look like, not what they do."""
    decoded = decode(account, data)
    if decoded is None:
        return ""
    arguments = ", ".join(f"{each['name']} {each['value'][:_SHOWN]}" for each in decoded["parameters"])
    return f"; its bytes read {decoded['method']}({arguments})"
