"""What contracts/README.md says in numbers is what the product computes and prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

from agent.cli.installing import CAUTION
from policies.cases import sample
from policies.document import load
from policies.orders import let_out

ROOT = Path(__file__).parents[2]
README = (ROOT / "contracts" / "README.md").read_text()
PERCENT = re.compile(r"[\d.]+ %")
MONTH = 30 * 86_400


def section(title: str) -> str:
    return README.split(f"### {title}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]


def test_the_deploy_command_repeats_the_default_caps() -> None:
    assert PERCENT.findall(" ".join(CAUTION)) == PERCENT.findall(section("Default caps")) != []


def test_what_a_stolen_key_lets_out_of_the_sample_is_what_the_policy_says() -> None:
    document = load(sample("active_treasury")[0])
    (row,) = (line for line in section("The bound in numbers").splitlines() if "| all payments and orders" in line)
    told = row.split("|")[-2].strip()
    sums = []
    for each in let_out(document, MONTH):
        whole = (each.by_caps_units + each.by_orders_units) / 10 ** document.tokens[each.token].token.decimals
        sums.append(f"{whole:,.2f}".removesuffix(".00") + f" {each.token}")
    assert sorted(told.split(", ")) == sorted(sums)


def test_the_table_of_mutants_is_the_book() -> None:
    book = json.loads((ROOT / "contracts" / "mutants.json").read_text())
    told = [line.split("|")[1:5] for line in section("Mutants").splitlines() if line.startswith("| `")]
    rows = [(each["contract"], each["one_of"], each["killed"], each["mutants"]) for each in book]
    said = [(f" `{name}` ", f" one in {share} ", f" {killed} of {tried} ") for name, share, killed, tried in rows]
    assert [tuple(row[:3]) for row in told] == said
    for each, row in zip(book, told, strict=True):
        assert all(f"line {survivor['line']} " in row[3] and survivor["why"] for survivor in each["survivors"])
