"""What `init` tells, and `doctor` of contracts: for people a page, for machines one object. Text from the chain has
been made safe before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.comparing.fields import Comparison, Field, count_equal
from agent.onboarding.creation import NewSafe
from agent.onboarding.survey import Survey, Unlisted
from strongroom.quantities import format_units


def survey_lines(survey: Survey) -> Iterator[str]:
    """The Safe as it was found."""
    state, account = survey.state, survey.account
    yield f"Safe {account.safe} on {survey.chain.name}, version {state.version}, nonce {state.nonce}"
    yield f"owners ({state.threshold} must sign)"
    yield from (f"  {owner}" for owner in state.owners)
    yield "holds"
    for holding in survey.holdings:
        yield f"  {format_units(holding.units, holding.token.decimals):>24} {holding.token.id}"
    if survey.unlisted:
        yield "met, but not listed: counts zero and is never touched"
        yield from (f"  {_unlisted(token)}" for token in survey.unlisted)
    if survey.payees:
        yield f"paid since block {survey.since_block}: proposed in policy.toml, not trusted"
        yield from (f"  {payee.address}  {_times(payee.payments)}" for payee in survey.payees)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _unlisted(token: Unlisted) -> str:
    amount = "?" if token.units is None or token.decimals is None else format_units(token.units, token.decimals)
    return f"{amount:>24} of {token.address}, which calls itself {token.symbol or 'nothing'}"


def new_safe_lines(new: NewSafe) -> Iterator[str]:
    """The Safe that will be, and how its owners make it."""
    yield f"the Safe will be {new.account.safe} on chain {new.account.chain_id}"
    yield f"owners ({new.threshold} must sign)"
    yield from (f"  {owner}" for owner in new.owners)
    yield "to make it, anyone sends this transaction, once"
    yield f"  to    {new.factory}"
    yield "  value 0"
    yield f"  data  0x{new.data.hex()}"


def closing_lines(warnings: Sequence[str], written: Iterable[Path], folder: Path) -> Iterator[str]:
    """Warnings, the files, and what comes next."""
    yield from (f"warning: {warning}" for warning in warnings)
    yield from (f"wrote {path}" for path in written)
    yield f"nothing was changed on chain; read the four documents, then `strongroom doctor --config {folder}`"


def survey_data(survey: Survey) -> dict[str, Any]:
    """The same for machines: amounts as decimal strings of the smallest unit."""
    state = survey.state
    return {
        "chain_id": survey.account.chain_id,
        "safe": survey.account.safe,
        "block": survey.block.number,
        "version": state.version,
        "singleton": state.singleton,
        "owners": list(state.owners),
        "threshold": state.threshold,
        "nonce": state.nonce,
        "modules": list(state.modules),
        "guard": state.guard,
        "fallback_handler": state.fallback_handler,
        "holdings": [{"token": h.token.id, "address": h.token.address, "units": str(h.units)} for h in survey.holdings],
        "unlisted": [_unlisted_data(token) for token in survey.unlisted],
        "payees": [{"address": p.address, "payments": p.payments} for p in survey.payees],
        "payees_since_block": survey.since_block,
        "queue": _queue_data(survey),
    }


def _unlisted_data(token: Unlisted) -> dict[str, Any]:
    units = None if token.units is None else str(token.units)
    return {"address": token.address, "calls_itself": token.symbol, "decimals": token.decimals, "units": units}


def _queue_data(survey: Survey) -> list[dict[str, Any]] | None:
    if survey.queue is None:
        return None
    return [{"nonce": q.tx.nonce, "to": q.tx.to, "safe_tx_hash": q.safe_tx_hash} for q in survey.queue]


def new_safe_data(new: NewSafe) -> dict[str, Any]:
    return {
        "chain_id": new.account.chain_id,
        "safe": new.account.safe,
        "owners": list(new.owners),
        "threshold": new.threshold,
        "transaction": {"to": new.factory, "value": "0", "data": "0x" + new.data.hex()},
    }


def contract_lines(comparisons: Sequence[Comparison], all_fields: bool) -> Iterator[str]:
    """One line for each contract, and under it every field that differs, with both sides; with `all_fields` every
    other one too."""
    for each in comparisons:
        differ = f", {len(each.different)} {'differs' if len(each.different) == 1 else 'differ'}"
        yield f"{each.name} {each.address or 'nowhere'}  {count_equal(each)}{differ if each.different else ''}"
        for field in each.fields:
            if field.differs:
                yield from (f"  differs  {field.name}", f"             documents  {field.document}")
                yield from (f"             chain      {field.chain}", f"             to mend    {field.mend}")
            elif all_fields:
                yield f"  {'told   ' if field.document is None else 'equal  '}  {field.name}: {field.chain}"


def contract_data(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """The same for machines, every field; `documents` is null for what no document speaks of."""
    return [
        {
            "contract": each.contract.value,
            "name": each.name,
            "address": each.address,
            "equal": each.equal_count,
            "fields": [_field_data(field) for field in each.fields],
        }
        for each in comparisons
    ]


def _field_data(field: Field) -> dict[str, Any]:
    told = {"name": field.name, "documents": field.document, "chain": field.chain, "differs": field.differs}
    return told | ({"weight": field.weight.value, "mend": field.mend} if field.differs else {})
