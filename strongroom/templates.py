"""treasury.toml, mandate.toml and schedule.toml as a treasurer reads and edits them.

policy.toml is `policies.template`'s. What `load_*` of `strongroom.settings` gives, these write: a rendered value loads
as the same value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from strongroom.model import Amount, Idle, TokenId
from strongroom.model_settings import LanguageModel
from strongroom.pacing_settings import render_pacing
from strongroom.quantities import format_bps, format_seconds, quantity
from strongroom.settings import Job, Mandate, Payment, Treasury, Weight

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"'}

_TREASURY = """\
# treasury.toml: where the treasury is and how it is reached.

name = {name}

# shadow:  observe, plan, rehearse, judge and record; no key, nothing signed. Stay here for some weeks.
# propose: what is not denied becomes a proposal for the owners to sign in the Safe.
# guarded: small moves go through the Kernel alone, within limits the chain enforces; the rest is proposed.
mode = {mode}

# A node that can rehearse (eth_simulateV1, else debug_traceCall), and the Safe Transaction Service where owners see
# what waits for them.
rpc = {rpc}
service = {service}

# Ledger, jobs, checkpoints and keystore. Outside any checkout, for this user only; back it up.
state_dir = {state_dir}

[account]
chain_id = {chain_id}
safe = {safe}
{kernel}
# Who may give orders in the chat, by name. Nobody, until you write somebody here.
[operators]
names = {operators}
{model}"""

_KERNEL = """\
# The Safe's module that enforces the policy on chain.
kernel = {}
"""
_NO_KERNEL = """\
# kernel = "0x…" is the Safe's module for guarded mode; `strongroom policy deploy` says how to get one.
"""
_REGISTRY = """\
# Where the ledger's head is anchored, so that it cannot be rewritten.
registry = {}
"""
_WATCH = """\
# The contract that anybody may use to pause the Kernel after a fall (`[watch]` in policy.toml).
watch = {}
"""

_MODEL = """
# A language model that may plan within the mandate. Its key, if it wants one, is STRONGROOM_MODEL_KEY.
[model]
url = {}
name = {}
timeout = {}
max_tokens = {}
"""
_SECOND = """
# Another model, asked the same by itself: for a policy whose [models] wants both to agree. Its own key, if it wants
# one, is STRONGROOM_SECOND_MODEL_KEY.
[model.second]
url = {}
name = {}
timeout = {}
max_tokens = {}
"""
_NO_MODEL = """
# The mandate's own rules plan. An OpenAI-compatible language model may choose within them:
#
# [model]
# url = "http://127.0.0.1:8000/v1"
# name = "the model's name there"
"""

_MANDATE = """\
# mandate.toml: what the DAO wants. The policy decides what may happen; this only says what is wished.

# How many months of payroll the treasury keeps at least.
[runway]
months = {months}
"""

_PAYROLL = """\
# Who is paid each month, by their names in policy.toml, in the order they are paid."""
_NO_PAYROLL = """\
# Nobody is paid each month yet. A line for each, by their names in policy.toml:
#
# [[payroll]]
# payee = "alice"
# amount = "7_500 USDC"
"""
_WEIGHTS = """\
# Shares of the weighted tokens' value, together 100 %. Inside `target` plus or minus `band` nothing is traded."""
_NO_WEIGHTS = """\
# No shares are kept, so nothing is traded. Targets of swappable tokens must add up to 100 %:
#
# [weights.WETH]
# target = "60 %"
# band = "3 %"
"""

_IDLE = """\
# What lies idle is lent by the job `lend`: `keep` stays in the Safe, what is above goes to `venue` of policy.toml, what
# is below comes back; differences below `step` are left. A payment that is due takes back what it needs by itself."""
_NO_IDLE = """\
# Nothing is lent. Idle tokens earn interest at a venue of policy.toml, with the job `lend`:
#
# [idle.USDC]
# keep = "60_000 USDC"
# venue = "aave"
# step = "5_000 USDC"
"""

_SCHEDULE = """\
# schedule.toml: what runs when. `cron` is minute hour day month weekday, in `timezone`. A run that was due while
# nothing was running is caught up `once` if it is younger than `within`, or left out with `skip`.
"""


def _installed(treasury: Treasury) -> str:
    kernel = _KERNEL.format(toml_text(treasury.kernel)) if treasury.kernel else _NO_KERNEL
    beside = ((_REGISTRY, treasury.registry), (_WATCH, treasury.watch))
    return kernel + "".join(text.format(toml_text(address)) for text, address in beside if address)


def _model(model: LanguageModel | None) -> str:
    if model is None:
        return _NO_MODEL
    second = _SECOND.format(*_model_values(model.second)) if model.second else ""
    return _MODEL.format(*_model_values(model)) + second


def _model_values(model: LanguageModel) -> tuple[str, str, str, int]:
    timeout = toml_text(format_seconds(model.timeout_seconds))
    return toml_text(model.url), toml_text(model.name), timeout, model.max_tokens


def render_treasury(treasury: Treasury) -> str:
    """treasury.toml. `load_treasury(render_treasury(t), anywhere) == t` for what `load_treasury` can give."""
    return _TREASURY.format(
        name=toml_text(treasury.name),
        mode=toml_text(treasury.mode),
        rpc=toml_text(treasury.rpc),
        service=toml_text(treasury.service),
        state_dir=toml_text(str(treasury.state_dir)),
        chain_id=treasury.account.chain_id,
        safe=toml_text(treasury.account.safe),
        kernel=_installed(treasury),
        operators="[" + ", ".join(map(toml_text, treasury.operators)) + "]",
        model=_model(treasury.model),
    )


def render_mandate(mandate: Mandate, decimals: Mapping[TokenId, int]) -> str:
    """mandate.toml, amounts exact. `decimals` are those of the policy's listed tokens, of every token named here."""
    payroll = [_PAYROLL, *(_payment(payment, decimals) for payment in mandate.payroll)]
    weights = [_WEIGHTS, *(_weight(token, weight) for token, weight in mandate.weights.items())]
    idle = [_IDLE, *(_idle(token, each, decimals) for token, each in mandate.idle.items())]
    return "\n".join(
        [
            _MANDATE.format(months=mandate.runway_months),
            "\n".join(payroll) if mandate.payroll else _NO_PAYROLL,
            "\n".join(weights) if mandate.weights else _NO_WEIGHTS,
            "\n".join(idle) if mandate.idle else _NO_IDLE,
            render_pacing(mandate.pacing),
        ]
    )


def render_schedule(jobs: Iterable[Job]) -> str:
    """schedule.toml, jobs in order. `load_schedule(render_schedule(jobs)) == jobs`."""
    return "\n".join([_SCHEDULE, *(_job(job) for job in jobs)]).rstrip("\n") + "\n"


def toml_text(text: str) -> str:
    """`text` as a TOML basic string on one line, whatever it holds. Raises `ValueError` on half a surrogate pair, which
    no TOML can hold."""
    text.encode()
    return '"' + "".join(_escaped(text)) + '"'


def _escaped(text: str) -> Iterator[str]:
    for character in text:
        if character in _ESCAPES:
            yield _ESCAPES[character]
        elif character.isprintable():
            yield character
        else:
            # Line breaks and control characters are not allowed; invisible ones would hide from the reader.
            yield f"\\U{ord(character):08X}" if ord(character) > 0xFFFF else f"\\u{ord(character):04X}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml_text(name)


def _amount(amount: Amount, decimals: Mapping[TokenId, int]) -> str:
    return f"{quantity(amount.units, decimals[amount.token])} {amount.token}"


def _payment(payment: Payment, decimals: Mapping[TokenId, int]) -> str:
    amount = toml_text(_amount(payment.amount, decimals))
    return f"[[payroll]]\npayee = {toml_text(payment.payee)}\namount = {amount}\n"


def _weight(token: TokenId, weight: Weight) -> str:
    target, band = toml_text(format_bps(weight.target_bps)), toml_text(format_bps(weight.band_bps))
    return f"[weights.{_key(token)}]\ntarget = {target}\nband = {band}\n"


def _idle(token: TokenId, idle: Idle, decimals: Mapping[TokenId, int]) -> str:
    keep, step = (toml_text(_amount(Amount(token, units), decimals)) for units in (idle.keep_units, idle.step_units))
    return f"[idle.{_key(token)}]\nkeep = {keep}\nvenue = {toml_text(idle.venue)}\nstep = {step}\n"


def _job(job: Job) -> str:
    keys = {
        "operation": job.operation,
        "cron": job.cron,
        "timezone": job.timezone,
        "missed": str(job.missed),
        "within": format_seconds(job.within_seconds),
    }
    return f"[jobs.{_key(job.id)}]\n" + "".join(f"{key} = {toml_text(value)}\n" for key, value in keys.items())
