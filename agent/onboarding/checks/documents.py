"""Whether the four documents load, and whether they speak of the same things."""

from __future__ import annotations

from agent.app import require_runway, require_venues
from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from policies.document import document_hash
from strongroom.documents import read
from strongroom.settings import Payment, load_mandate, load_schedule


def treasury(premises: Premises) -> Result:
    return ok(f"{premises.treasury.mode} mode")


def policy(premises: Premises) -> Result:
    """Loads, and is about the same Safe as treasury.toml."""
    if premises.policy.account != premises.treasury.account:
        theirs = premises.policy.account
        return fail(
            f"it is for Safe `{theirs.safe}` on chain `{theirs.chain_id}`, treasury.toml for another",
            "let [account] be the same in both",
        )
    return ok(f"hash {document_hash(premises.policy)[:18]}...")


def mandate(premises: Premises) -> Result:
    """Loads, and names only payees, amounts and markets that the policy could ever let pass."""
    decimals = {id_: listed.token.decimals for id_, listed in premises.policy.tokens.items()}
    wanted = load_mandate(read(premises.folder / "mandate.toml"), decimals)
    refused = [payment.payee for payment in wanted.payroll if not _payable(payment, premises)]
    if refused:
        return fail(
            f"the policy will never pay {_list(refused)} what the payroll says",
            "list them under [payees] in policy.toml with `at_most` high enough, or correct mandate.toml",
        )
    require_venues(wanted, premises.policy)
    require_runway(wanted, premises.policy)
    lent = f", {_count(len(wanted.idle), 'token')} lent when idle" if wanted.idle else ""
    return ok(f"{len(wanted.payroll)} paid monthly, {_count(len(wanted.weights), 'token')} weighted{lent}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _payable(payment: Payment, premises: Premises) -> bool:
    payee = premises.policy.payees.get(payment.payee)
    return payee is not None and payment.amount.units <= payee.max_units.get(payment.amount.token, -1)


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def schedule(premises: Premises) -> Result:
    """Loads, and every job comes due some day as it is written."""
    from agent.schedule import trigger_of

    jobs = load_schedule(read(premises.folder / "schedule.toml"))
    for job in jobs:
        trigger_of(job)
    if not jobs:
        return warn("no job: nothing runs by itself", "write one: [jobs.payroll]")
    return ok(_list([job.id for job in jobs]))
