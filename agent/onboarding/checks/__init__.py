"""Every check of the doctor, in the order of a visit: machine, documents, node, Safe, policy, service, agent."""

from __future__ import annotations

from agent.onboarding.checks import (
    agent,
    documents,
    exposure,
    machine,
    market,
    model,
    node,
    parity,
    safe,
    service,
    watch,
)
from agent.onboarding.examination import Question

_ABOUT_A_SAFE = (
    Question("packages", (), machine.packages),
    Question("node", ("treasury.toml",), node.reachable),
    Question("chain id", ("node",), node.chain_id),
    Question("simulation", ("chain id",), node.simulation),
    Question("clock", ("node",), node.clock),
    Question("safe", ("chain id",), safe.present),
    Question("owners", ("safe",), safe.owners),
    Question("modules", ("safe",), safe.modules),
    Question("modifiers", ("safe",), exposure.modifiers),
    Question("allowances", ("safe",), exposure.allowances),
    Question("guard", ("safe",), safe.guard),
    Question("guard sees modules", ("safe",), exposure.bypassed),
    Question("approvals", ("safe",), exposure.approvals),
    Question("fallback handler", ("safe",), safe.fallback_handler),
    Question("singleton", ("safe",), safe.singleton),
)
_SERVICE = Question("service", ("safe",), service.serves_this_safe)
_ABOUT_A_TREASURY = (
    Question("multisend", ("chain id", "policy.toml"), safe.multisend),
    Question("kernel", ("safe", "policy.toml"), parity.kernel),
    Question("price sources", ("kernel",), parity.price_sources),
    Question("debt meters", ("kernel",), parity.debt_meters),
    Question("watch", ("kernel",), watch.drawdown),
    Question("owners' guard", ("safe", "policy.toml"), parity.owner_guard),
    Question("audit log", ("kernel",), parity.audit_log),
    Question("guardians", ("safe", "policy.toml"), parity.guardians),
    Question("tokens", ("safe", "policy.toml"), market.tokens),
    Question("feeds", ("safe", "policy.toml"), market.feeds),
    Question("venues", ("tokens",), market.venues),
    Question("sequencer", ("chain id",), market.sequencer),
    _SERVICE,
    Question("agent key", ("treasury.toml",), agent.key),
    Question("agent is no owner", ("safe",), agent.no_owner),
    Question("delegate", ("safe", "service"), agent.delegate),
    Question("gas", ("safe", "policy.toml", "schedule.toml"), agent.gas),
    Question("model", ("treasury.toml",), model.answers),
)
_DOCUMENTS = (
    Question("treasury.toml", (), documents.treasury),
    Question("policy.toml", ("treasury.toml",), documents.policy),
    Question("mandate.toml", ("policy.toml",), documents.mandate),
    Question("schedule.toml", (), documents.schedule),
    Question("state folder", ("treasury.toml",), machine.state_folder),
)

TREASURY_QUESTIONS = (*_DOCUMENTS, *_ABOUT_A_SAFE, *_ABOUT_A_TREASURY)
"""For a folder of documents."""
SAFE_QUESTIONS = _ABOUT_A_SAFE
"""For a bare Safe and its node."""
SERVED_SAFE_QUESTIONS = (*_ABOUT_A_SAFE, _SERVICE)
"""For a bare Safe, its node and its service."""
