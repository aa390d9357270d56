"""`strongroom policy`: what the policy means, here and on chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, reach

if TYPE_CHECKING:
    from policies.grants import KernelPolicy
    from policies.terms import PolicyDocument


@click.group()
def policy() -> None:
    """Check, explain, test, compile and deploy the policy."""


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

    document = _document(config)
    data = {
        "document_hash": document_hash(document),
        "root": compile_policy(document).root,
        "tokens": list(document.tokens),
        "payees": list(document.payees),
        "venues": list(document.venues),
        "off_chain_only": list(off_chain_only(document)),
    }
    counted = ", ".join(f"{len(data[each])} {each}" for each in ("tokens", "payees", "venues"))
    kept = [f"  off-chain only: {each}" for each in data["off_chain_only"]]
    say("\n".join([f"policy.toml is sound: {counted}", f"hash {data['document_hash']}", *kept]), data, as_json)


@policy.command()
@click.argument("unit_id", metavar="UNIT")
@config_option
@json_option
def explain(unit_id: str, config: Path, as_json: bool) -> None:
    """Every rule's finding on a unit: what was measured, and the limit.

    \b
    Example:
      strongroom policy explain payroll-2026-11
    """
    with reach(config) as desk:
        decision = desk.show(unit_id)["state"].get("decision", {"verdict": "unjudged", "findings": []})
    lines = [f"{unit_id}: {decision['verdict']}", *(_finding(finding) for finding in decision["findings"])]
    say("\n".join(lines), decision, as_json)


def _finding(finding: dict[str, str]) -> str:
    sides = " of ".join(side for side in (finding["measured"], finding["limit"]) if side)
    return f"  {finding['verdict']:5}  {finding['rule']:11} {finding['reason']}" + (f" [{sides}]" if sides else "")


@policy.command()
@click.argument("sample", required=False)
@config_option
@json_option
def test(sample: str | None, config: Path, as_json: bool) -> None:
    """Try the cases beside policy.toml, or those of a SAMPLE that ships with us.

    \b
    Examples:
      strongroom policy test
      strongroom policy test payroll_only
    """
    from policies.cases import load_cases, run_cases
    from policies.cases import sample as texts_of
    from policies.document import load
    from strongroom.documents import read

    texts = texts_of(sample) if sample else (read(config / "policy.toml"), read(config / "cases.toml"))
    document = load(texts[0])
    results = run_cases(document, load_cases(texts[1], document))
    lines = [f"{'differs' if each.differences else 'as expected':11}  {each.name}" for each in results]
    lines += [f"  {each.name}: {why}" for each in results for why in each.differences]
    failed = sum(bool(each.differences) for each in results)
    data = [{"name": each.name, "differences": list(each.differences)} for each in results]
    say("\n".join([*lines, f"{len(results) - failed} as expected, {failed} differ"]), data, as_json)
    if failed:
        raise click.exceptions.Exit(1)


@policy.command("compile")
@config_option
@json_option
def compile_(config: Path, as_json: bool) -> None:
    """What the Kernel will enforce: rules as leaves, their root, the buckets.

    \b
    Example:
      strongroom policy compile --json
    """
    from policies.grants import compile_policy

    compiled = compile_policy(_document(config))
    say("\n".join(_compiled_lines(compiled)), _compiled_data(compiled), as_json)


def _compiled_data(compiled: KernelPolicy) -> dict[str, Any]:
    from strongroom.plain import to_plain

    rules = [{"leaf": leaf, "name": compiled.names[leaf], **to_plain(rule)} for leaf, rule in compiled.rules.items()]
    return {"root": compiled.root, "rules": rules, "buckets": to_plain(compiled.buckets)}


def _compiled_lines(compiled: KernelPolicy) -> list[str]:
    rules = [f"  {leaf}  {compiled.names[leaf]}, at most {rule.max_units}" for leaf, rule in compiled.rules.items()]
    buckets = [
        f"  {each.key}  {each.capacity_units} units at once, drained in {each.drain_seconds} s"
        for each in compiled.buckets
    ]
    return [f"root {compiled.root}", "rules:", *rules, "buckets:", *buckets]


@policy.command()
@click.option("--agent", "agent_address", help="The agent's address; default: the keystore's.")
@click.option("--guardian", "guardians", multiple=True, help="A pause-only key beside the owners. May be repeated.")
@click.option("--config-delay", default="2 days", show_default=True, help="Loosening changes wait so long.")
@click.option("--rekey-delay", default="1 day", show_default=True, help="A new agent key waits so long.")
@click.option("--window", default="7 days", show_default=True, help="An announced change stays usable so long.")
@config_option
@json_option
def deploy(
    config: Path,
    agent_address: str | None,
    guardians: tuple[str, ...],
    config_delay: str,
    rekey_delay: str,
    window: str,
    as_json: bool,
) -> None:
    """Print the Safe transaction that makes the Kernel for this policy and installs it. Nothing is signed or sent.

    The contracts are unaudited: begin with caps you could afford to lose.

    \b
    Example:
      strongroom policy deploy --rekey-delay "12 hours"
    """
    from agent.installing import Delays, plan_installation

    delays = Delays.read(config_delay, rekey_delay, window)
    answer = plan_installation(config, agent_address, guardians, delays)
    answer["file"] = _write_out(answer, config)
    say(_deploy_text(answer), answer, as_json)


@policy.command()
@config_option
@json_option
def update(config: Path, as_json: bool) -> None:
    """Print how the standing Kernel takes policy.toml as it is now: announced, vetoable, then made. Nothing is sent.

    \b
    Example:
      strongroom policy update
    """
    from agent.installing import plan_update

    answer = plan_update(config)
    lines = [
        f"policy {answer['document_hash']}, root {answer['root']}",
        f"1. The owners sign a Safe transaction: to {answer['kernel']}, value 0, data",
        f"   {answer['announce']}",
        f"2. After the delay, unless a guardian vetoes, any guardian or owner sends: to {answer['kernel']}, data",
        f"   {answer['set_policy']}",
    ]
    say("\n".join(lines), answer, as_json)


def _write_out(answer: dict[str, Any], config: Path) -> str:
    """The whole answer in a file beside the documents: too much for a terminal."""
    path = config / "installation.json"
    path.write_text(json.dumps(answer, indent=1) + "\n")
    return str(path)


def _deploy_text(answer: dict[str, Any]) -> str:
    tx = answer["transaction"]
    return "\n".join(
        [
            "UNAUDITED contracts: begin with caps you could afford to lose.",
            f"Kernel: {answer['kernel']}",
            *(f"  price source of {token}: {address}" for token, address in answer["sources"].items()),
            f"  agent {answer['agent']}, policy {answer['document_hash']}, root {answer['root']}",
            f"  pause-only guardians: {', '.join(answer['guardians']) or 'none beside the owners'}",
            f"  delays in seconds: {answer['delays']}",
            f"  {len(answer['buckets'])} buckets; `strongroom policy compile` lists them",
            "",
            "1. The owners sign this Safe transaction, a delegatecall to Safe's MultiSendCallOnly:",
            f"   to {tx['to']}, operation {tx['operation']} (delegatecall), value 0, nonce {tx['nonce']}",
            f"   hash {answer['safe_tx_hash']}",
            f"   data: {(len(tx['data']) - 2) // 2:,} bytes, in {answer['file']}",
            "",
            "2. Then, in treasury.toml:",
            '   mode = "guarded"',
            f'   kernel = "{answer["kernel"]}"  # in [account]',
            *([f'   registry = "{answer["registry"]}"  # in [account]'] if answer["registry"] else []),
            "",
            "3. `strongroom doctor` compares what is on chain with these documents.",
        ]
    )
