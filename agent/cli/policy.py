"""`strongroom policy`: what the policy means, here and on chain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.backtest import backtest
from agent.cli.cap_faces import cap_data, cap_lines
from agent.cli.explain import explain
from agent.cli.installing import deploy_text, update_lines
from agent.cli.meter import meter
from agent.cli.policy_diff import diff
from agent.cli.policy_schema import schema
from agent.cli.reach import config_option, json_option
from agent.cli.twap import twap
from agent.cli.units import aligned
from strongroom.errors import BadValue, InputError
from strongroom.protocols.kernel_legs import KernelRule, PayRule
from strongroom.protocols.kernel_orders import OrderRule
from strongroom.quantities import format_seconds, format_units

if TYPE_CHECKING:
    from policies.grants import KernelPolicy
    from policies.terms import PolicyDocument

_MONTH_SECONDS = 30 * 86_400


@click.group()
def policy() -> None:
    """Check, explain, test, compile and deploy the policy."""


policy.add_command(backtest)
policy.add_command(explain)
policy.add_command(twap)
policy.add_command(meter)
policy.add_command(diff)
policy.add_command(schema)


def _document(config: Path) -> PolicyDocument:
    from policies.document import load
    from strongroom.documents import read

    return load(read(config / "policy.toml"))


@policy.command()
@config_option
@json_option
def check(config: Path, as_json: bool) -> None:
    """Load policy.toml and say what it amounts to.

    \b
    Example:
      strongroom policy check
    """
    from policies.document import document_hash
    from policies.grants import compile_policy, off_chain_only
    from policies.watching import counted

    document = _document(config)
    data: dict[str, Any] = {
        "document_hash": document_hash(document),
        "root": compile_policy(document).root,
        "tokens": list(document.tokens),
        "payees": list(document.payees),
        "venues": list(document.venues),
        "caps": cap_data(document),
        "watched": list(counted(document)),
        "off_chain_only": list(off_chain_only(document)),
    }
    numbers = ", ".join(_counted(data[each], each) for each in ("tokens", "payees", "venues"))
    kept = [f"  not enforced by the Kernel: {each}" for each in data["off_chain_only"]]
    head = [f"policy.toml is sound: {numbers}", f"hash {data['document_hash']}", *_watch_lines(document)]
    say("\n".join([*head, *cap_lines(document), *kept]), data, as_json)


def _watch_lines(document: PolicyDocument) -> Iterator[str]:
    from policies.watching import counted
    from strongroom.quantities import format_bps

    if (terms := document.watch) is not None:
        fall, blocks = format_bps(terms.max_drawdown_bps), terms.confirm_blocks
        yield f"  watch: once {', '.join(counted(document))} have together lost {fall},"
        yield f"  anybody may make the Kernel pause with two calls {blocks} blocks apart"


def _counted(things: Sequence[object], plural: str) -> str:
    return f"{len(things)} {plural.removesuffix('s') if len(things) == 1 else plural}"


@policy.command()
@click.argument("sample", required=False)
@click.option("--print", "printed", is_flag=True, help="Print the SAMPLE's cases.toml instead, to begin your own with.")
@click.option("--print-policy", is_flag=True, help="Print the SAMPLE's policy.toml instead, to copy from.")
@config_option
@json_option
def test(sample: str | None, printed: bool, print_policy: bool, config: Path, as_json: bool) -> None:
    """Try the cases beside policy.toml, or those of a SAMPLE that ships with us.

    A case is a request with the verdict and findings you expect. `--print` prints the cases.toml of a SAMPLE: put it
    beside your policy.toml and write your own tokens and payees into it. SAMPLE is one of `conservative_stables`,
    `grants_programme`, `active_treasury`, `payroll_only`.

    \b
    Examples:
      strongroom policy test
      strongroom policy test payroll_only
      strongroom policy test payroll_only --print > config/cases.toml
      strongroom policy test grants_programme --print-policy
    """
    from policies.cases import load_cases, run_cases, samples
    from policies.cases import sample as texts_of
    from policies.document import load

    if (printed or print_policy) and not sample:
        known = ", ".join(f"`{each}`" for each in samples())
        raise BadValue("--print", "no SAMPLE", f"name one of {known}")
    if printed or print_policy:
        click.echo(texts_of(sample or "")[0 if print_policy else 1], nl=False)
        return
    texts = texts_of(sample) if sample else _own_cases(config)
    document = load(texts[0])
    results = run_cases(document, load_cases(texts[1], document))
    lines = [f"{'differs' if each.differences else 'as expected':11}  {each.name}" for each in results]
    lines += [f"  {each.name}: {why}" for each in results for why in each.differences]
    failed = sum(bool(each.differences) for each in results)
    data = [{"name": each.name, "differences": list(each.differences)} for each in results]
    say("\n".join([*lines, f"{len(results) - failed} as expected, {failed} differ"]), data, as_json)
    if failed:
        raise click.exceptions.Exit(1)


class CasesMissing(InputError):
    def __init__(self, path: Path, samples: Sequence[str]) -> None:
        named = " or ".join(f"`strongroom policy test {each} --print`" for each in samples)
        mend = f"{named} prints a sample to begin with"
        super().__init__(f"no `{path}`, which holds requests and the verdict you expect on each; {mend}")


def _own_cases(config: Path) -> tuple[str, str]:
    from policies.cases import samples
    from strongroom.documents import DocumentMissing, read

    policy = read(config / "policy.toml")
    try:
        return policy, read(config / "cases.toml")
    except DocumentMissing as error:
        raise CasesMissing(config / "cases.toml", samples()) from error


@policy.command("compile")
@config_option
@json_option
def compile_(config: Path, as_json: bool) -> None:
    """What the Kernel will enforce: each rule with its largest amount, and the buckets with their caps.

    \b
    Example:
      strongroom policy compile --json
    """
    from policies.grants import compile_policy

    document = _document(config)
    compiled = compile_policy(document)
    say("\n".join(_compiled_lines(compiled, document)), _compiled_data(compiled, document), as_json)


def _compiled_data(compiled: KernelPolicy, document: PolicyDocument) -> dict[str, Any]:
    from policies.orders import bounds, let_out
    from strongroom.plain import to_plain

    rules = [{"leaf": leaf, "name": compiled.names[leaf], **to_plain(rule)} for leaf, rule in compiled.rules.items()]
    paid = {"orders": list(bounds(document)), "let_out_in_30_days": to_plain(let_out(document, _MONTH_SECONDS))}
    return {"root": compiled.root, "rules": rules, "buckets": to_plain(compiled.buckets), **paid}


def _compiled_lines(compiled: KernelPolicy, document: PolicyDocument) -> Iterator[str]:
    from policies.document import document_hash

    yield f"root  {compiled.root}"
    yield f"hash  {document_hash(document)}"
    yield ""
    yield "rules: the agent's key alone may"
    yield from aligned([_rule_row(compiled.names[leaf], each, document) for leaf, each in compiled.rules.items()], (2,))
    yield ""
    yield "buckets: and together no more than (a bucket is a cap that fills up again with time)"
    yield from aligned([("", "at once", "in any window", ""), *_bucket_rows(document)], right=(1, 2))
    yield ""
    yield from _order_lines(document)
    yield "with the agent's key stolen, payees get within any 30 days at most"
    yield from aligned([("", "by caps", "by orders", "together"), *_let_out_rows(document)], right=(1, 2, 3))
    yield ""
    yield "what the Kernel does not enforce: `strongroom policy check`; every leaf and key: `--json`"


def _rule_row(name: str, rule: KernelRule, document: PolicyDocument) -> tuple[str, ...]:
    return f"  {name}", "exactly" if isinstance(rule, OrderRule) else "at most", *_most(rule, document)


def _order_lines(document: PolicyDocument) -> Iterator[str]:
    from policies.orders import bounds

    if document.orders:
        yield "standing orders: outside the buckets, whoever has the agent's key"
        yield from (f"  {line}" for line in bounds(document))
        yield ""


def _let_out_rows(document: PolicyDocument) -> Iterator[tuple[str, ...]]:
    from policies.orders import amount, let_out

    for each in let_out(document, _MONTH_SECONDS):
        sums = (each.by_caps_units, each.by_orders_units, each.by_caps_units + each.by_orders_units)
        yield "", *(amount(each.token, units, document) for units in sums)


def _most(rule: KernelRule, document: PolicyDocument) -> tuple[str, str]:
    """The rule's largest amount and its token, which for all but payments is what is sold or put in."""
    token = rule.token if isinstance(rule, PayRule | OrderRule) else rule.token_in
    known = document.known_at(token)
    if known is None:
        return str(rule.max_units), f"units of {token}"
    return format_units(rule.max_units, known.decimals), known.id


def _bucket_rows(document: PolicyDocument) -> Iterator[tuple[str, ...]]:
    for cap in document.metered_caps():
        known = document.token(cap.token)
        assert known is not None
        sizes = (f"{format_units(units, known.decimals)} {cap.token}" for units in (cap.at_once_units, cap.cap_units))
        yield f"  {cap.bucket_class}", *sizes, f"per {format_seconds(cap.window_seconds)}"
    if lost := document.losses:
        sizes = (f"{format_units(usd_e8, 8)} USD" for usd_e8 in (lost.at_once_e8, lost.cap_e8))
        yield "  lost by swapping", *sizes, f"per {format_seconds(lost.window_seconds)}"
    calls = document.actions
    yield "  calls", f"{calls.at_once}", f"{calls.count}", f"per {format_seconds(calls.window_seconds)}"


@policy.command()
@click.option("--agent", "agent_address", help="The agent's address; default: the keystore's.")
@config_option
@json_option
def deploy(config: Path, agent_address: str | None, as_json: bool) -> None:
    """Write the one Safe transaction that makes and installs the Kernel to installation.json, and print what it does.
    Nothing is signed or sent. Delays and pause-only guardians are those of [kernel] in policy.toml.

    A Kernel that the Safe has already is replaced: pause it first. What it has spent counts as spent in the new one.
    Under the owners' guard the changes are announced first, in announcement.json; run this again to see what is next.

    The contracts are unaudited: begin with caps you could afford to lose.

    \b
    Example:
      strongroom policy deploy --agent 0x2564E941F97E9E104458125beAbDafA4252Ce8BE
    """
    from agent.guard_announcements import ANNOUNCEMENT, INSTALLATION
    from agent.installing import plan_installation

    answer = plan_installation(config, agent_address)
    answer["file"] = str(config / INSTALLATION)
    if (told := answer["announcement"]) and told["transaction"]:
        answer["announcement_file"] = _write_out(told, config / ANNOUNCEMENT)
    _write_out(answer, config / INSTALLATION)
    say(deploy_text(answer), answer, as_json)


@policy.command()
@config_option
@json_option
def update(config: Path, as_json: bool) -> None:
    """Print how the standing Kernel takes policy.toml as it is now: the owners announce it, guardians may veto it, and
    after the Kernel's delay it is made.

    Where the policy wants a watch or a price source that does not stand yet, the same Safe transaction makes it. Every
    transaction is in update.json beside the documents. Nothing is signed or sent.

    \b
    Example:
      strongroom policy update
    """
    from agent.updating import plan_update

    answer = plan_update(config)
    if not answer["unchanged"]:
        answer["file"] = _write_out(answer, config / "update.json")
    say("\n".join(update_lines(answer)), answer, as_json)


def _write_out(answer: dict[str, Any], path: Path) -> str:
    """The whole answer in a file beside the documents: too much for a terminal."""
    path.write_text(json.dumps(answer, indent=1) + "\n")
    return str(path)
