"""The planner that asks a language model: it narrows what the mandate wants now, and is taken for hostile.

Where nothing is due nobody is asked. Whatever the model answers, or fails to, the worst that comes of it is the
deterministic plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent.planners.asking import Interview, Question, Unused
from agent.planners.choosing import choosable, chosen
from agent.planners.draft import Draft, read, schema_of
from agent.planners.prompt import as_data, external, load_prompt
from agent.planners.second import SecondOpinion
from policies.pricing import holdings, price_of
from policies.terms import PolicyDocument
from strongroom.model import Facts, Pay, Plan, Swap, TokenId
from strongroom.ports import Ledger, Model, Notices, Planner
from strongroom.quantities import format_bps, format_units
from strongroom.settings import Mandate
from strongroom.valuation import Price

_PRICE_DECIMALS = 8
_MOST_TEXTS = 20


class ModelPlanner:
    """`Planner` that lets a model choose within the plan of `rules`, the deterministic planner. What it chose carries
    the opinion of a `second` model, where there is one: asked the very same, and nothing of what the first said."""

    def __init__(
        self,
        model: Model,
        rules: Planner,
        ledger: Ledger,
        notices: Notices,
        mandate: Mandate,
        document: PolicyDocument,
        second: Model | None = None,
    ) -> None:
        self._rules, self._notices = rules, notices
        self._mandate, self._document = mandate, document
        self._interview = Interview(model, ledger)
        self._second = SecondOpinion(second, ledger) if second else None
        self._prompt, self._schema = load_prompt("plan.md"), schema_of(Draft)

    def plan(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        """`ask` as the deterministic planner takes it, with `asked`, the ledger's entry of it, where there is one."""
        wanted = self._rules.plan(ask, facts)
        if not any(choosable(unit.intents) for unit in wanted.units):
            return wanted
        question = Question(self._prompt, self._data(ask, wanted, facts), self._schema)

        def narrowed(received: bytes) -> Plan:
            return chosen(read(Draft, received), wanted, facts, self._document)

        answer = self._interview.ask(question, narrowed, ask.get("asked"))
        if isinstance(answer, Unused):
            self._notices.tell(f"{wanted.id}: the model's plan is not used, the mandate's rules are: {answer.why}")
            return wanted
        return self._second.on(answer, question, narrowed, ask.get("asked")) if self._second else answer

    def _data(self, ask: Mapping[str, Any], wanted: Plan, facts: Facts) -> str:
        """No address, no smallest unit, and strangers' words apart from our own."""
        known = {
            "operation": ask["operation"],
            "block_time": f"{datetime.fromtimestamp(facts.block.timestamp, UTC):%Y-%m-%d %H:%M} UTC",
            "holdings": {token: self._show(token, units) for token, units in self._held(facts).items()},
            "prices_usd": {token: self._price(token, facts) for token in self._mandate.weights},
            "targets": {
                token: {"target": format_bps(weight.target_bps), "band": format_bps(weight.band_bps)}
                for token, weight in self._mandate.weights.items()
            },
            "base_fee_gwei": format_units(facts.gas.base_fee_wei, 9),
            "wanted": [self._wanted(intent) for unit in wanted.units for intent in choosable(unit.intents)],
        }
        said = [external(each.origin, f"origin of the proposal at nonce {each.tx.nonce}") for each in facts.queue]
        return f"{as_data('facts', known)}\n{as_data('external', said[:_MOST_TEXTS])}"

    def _held(self, facts: Facts) -> dict[TokenId, int]:
        return holdings(facts, self._document)

    def _show(self, token: TokenId, units: int) -> str:
        return f"{format_units(units, self._document.tokens[token].token.decimals)} {token}"

    def _price(self, token: TokenId, facts: Facts) -> str:
        price = price_of(token, facts, self._document)
        if not isinstance(price, Price):
            return "none"
        return f"{format_units(price.low_e8, _PRICE_DECIMALS)} to {format_units(price.high_e8, _PRICE_DECIMALS)}"

    def _wanted(self, intent: Pay | Swap) -> dict[str, str]:
        if isinstance(intent, Pay):
            kind, token, other, units = "pay", intent.token.value, intent.payee.value, intent.amount_units.value
        else:
            kind, token, other, units = (
                "swap",
                intent.token_in.value,
                intent.token_out.value,
                intent.amount_in_units.value,
            )
        return {"kind": kind, "asset_id": token, "counterparty_id": other, "whole": self._show(token, units)}
