"""Every field of an installation turns red by its own difference, and by no other: the answers of a real chain, each
altered once, and the words of the documents.

What the answers are of, the contracts' storage and constants, is altered in `test_comparing_on_chain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from agent.comparing.fields import Weight
from policies.debts import REPAYMENTS, Debt
from policies.markets import LENDING
from policies.terms import PolicyDocument
from strongroom.chain.rpc import RpcChain
from strongroom.model import NATIVE, Address, Bucket, Digest
from strongroom.protocols.aave_v3 import read_variable_debt
from strongroom.protocols.kernel import guardian_read
from strongroom.protocols.kernel_rules_repay import read_debt
from strongroom.protocols.registry import AnchoredLog
from strongroom.protocols.watch import Watched, watched_read
from strongroom.wallet.deploy import artifact
from strongroom.world.people import ALICE, BOB, STRANGER
from strongroom.world.treasury import DAI, ETH, HALL, WETH
from strongroom.world.world import World
from tests.agent.installed import Site
from tests.agent.standing import Named, Standing, Told, compared, install, red

HASHED = {("Kernel", "the policy's root"), ("Kernel", "the policy's hash")}
"""Whatever the policy says otherwise, its hash is another, and often its root."""
ELSEWHERE = Address("0x00000000000000000000000000000000DeaDBeef")


@pytest.fixture(scope="module")
def module_standing(module_world: World, module_chain: RpcChain, tmp_path_factory: pytest.TempPathFactory) -> Standing:
    installed = install(Site.of(module_world, module_chain, tmp_path_factory.mktemp("site")))
    return Standing(installed, Told(module_chain), module_chain.head())


@pytest.fixture
def standing(module_standing: Standing) -> Iterator[Standing]:
    yield module_standing
    for changed in (module_standing.told.altered, module_standing.told.altered_codes, module_standing.told.aliases):
        changed.clear()


def others(value: Any) -> Iterator[Any]:
    """Other answers of the same kind, each as near as can be."""
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case Bucket():
            yield replace(value, capacity=value.capacity + 1)
            yield replace(value, drain=value.drain + 1)
        case AnchoredLog():
            yield from (replace(value, **{f.name: other}) for f in fields(value) for other in _of_field(value, f.name))
        case str() if value.startswith("0x") and len(value) == 42:
            yield STRANGER.address if value != NATIVE else NATIVE[:-1] + "1"
        case str() if value.startswith("0x"):
            yield Digest(value[:-1] + ("0" if value[-1] != "0" else "1"))
        case tuple() if value and isinstance(value[0], Watched):
            yield from (tuple(each for each in value if each is not gone) for gone in value)
            yield (*value, Watched(STRANGER.address, value[0].source))
        case tuple():
            yield value[:-1]
            yield (*value, STRANGER.address)


def _of_field(log: AnchoredLog, name: str) -> Iterator[Any]:
    yield from others(getattr(log, name))
    if name == "max_actions":
        yield 0


def test_what_was_planned_agrees_in_every_field(standing: Standing) -> None:
    found = standing.look()
    assert red(found) == set() and len(compared(found)) > 120
    names = [(each.name, field.name) for each in found for field in each.fields]
    assert len(names) == len(set(names))


def test_every_field_turns_red_by_one_altered_answer_and_by_no_other(standing: Standing) -> None:
    """Every answer that is asked for is altered in turn. Some say nothing by themselves (a nonce, a level), and none
    says two things. Addresses are the documents' own side: the next tests."""
    everything, reached = compared(standing.look()), set[Named]()
    for key, value in standing.told.answers.items():
        for other in others(value):
            standing.told.altered = {key: other}
            found = red(standing.look())
            guard = found == {("owners' guard", "the Safe's guard"), ("owners' guard", "code")}
            assert len(found) <= 1 or guard, (key, other, found)
            reached |= found
    standing.told.altered = {}
    for address in standing.told.coded:
        standing.told.altered_codes = {address: standing.told.coded[address] + b"\x00"}
        found = red(standing.look())
        assert len(found) <= 1
        reached |= found
    missing = {each for each in everything - reached if each[1] not in ("the address", "the address of the watch")}
    assert missing == set()
    strangers = {("watch", f"`{STRANGER.address}` in `tokens` of [watch]")}
    assert reached - everything == strangers


def test_every_source_turns_red_where_a_faithful_copy_stands_in_its_place(standing: Standing) -> None:
    """A copy has the same code and terms; only its address says who made it and with which constants."""
    installed, told = standing.installed, standing.told
    assert installed.watch is not None and installed.watch_plan is not None
    (watched,) = told.read([watched_read(installed.watch)], standing.block)
    key = (installed.watch, watched_read(installed.watch).data)
    for id_, terms in installed.watch_plan.terms.items():
        told.aliases = {ELSEWHERE: next(each.source for each in watched if each.token == terms.token)}
        told.altered = {key: tuple(Watched(w.token, ELSEWHERE) if w.token == terms.token else w for w in watched)}
        assert red(standing.look()) == {(f"price source of `{id_}`", "the address")}
    told.altered = {}
    for id_ in (WETH, HALL):
        listed = installed.document.tokens[id_]
        assert listed.source is not None
        told.aliases = {ELSEWHERE: listed.source}
        tokens = {**installed.document.tokens, id_: replace(listed, source=ELSEWHERE)}
        found = red(standing.look(replace(installed, document=replace(installed.document, tokens=tokens))))
        assert found - HASHED == {(f"price source of `{id_}`", "the address")}


def test_the_watch_turns_red_where_a_faithful_copy_stands_in_its_place(standing: Standing) -> None:
    installed, told = standing.installed, standing.told
    assert installed.watch is not None
    told.aliases = {ELSEWHERE: installed.watch}
    told.altered = {(installed.kernel, guardian_read(installed.kernel, ELSEWHERE).data): True}
    assert red(standing.look(replace(installed, watch=ELSEWHERE))) == {("watch", "the address of the watch")}


def _changes(document: PolicyDocument) -> Iterator[tuple[PolicyDocument, set[Named]]]:
    """Documents with one word otherwise, and what must turn red beside the policy's own hash."""
    assert document.watch is not None and document.owner_guard is not None
    kernel, watch, guard = document.kernel, document.watch, document.owner_guard
    for key, seconds, name in (
        ("config_delay_seconds", 86_399, "`config_delay` of [kernel]"),
        ("rekey_delay_seconds", 86_399, "`rekey_delay` of [kernel]"),
        ("window_seconds", 86_400, "`window` of [kernel]"),
    ):
        yield replace(document, kernel=replace(kernel, **{key: seconds})), {("Kernel", name)}
    key = (ALICE.address, BOB.address)
    named = {("Kernel", f"`{BOB.address}` in `pause_only` of [kernel]")}
    yield replace(document, kernel=replace(kernel, pause_only=key)), named
    for key, value, name in (
        ("max_drawdown_bps", 1_001, "`max_drawdown` of [watch]"),
        ("confirm_blocks", 6, "`confirm_blocks` of [watch]"),
        ("expiry_blocks", 601, "`expiry_blocks` of [watch]"),
        ("own_token", None, "`own_token` of [watch]"),
    ):
        other = replace(document, watch=replace(watch, **{key: value}))
        yield other, {("watch", name), ("watch", "the address of the watch")}
    fewer = replace(document, watch=replace(watch, tokens=tuple(each for each in watch.tokens if each != ETH)))
    yield fewer, {("watch", "`ETH` in `tokens` of [watch]"), ("watch", "the address of the watch")}
    for key, name in (("delay_seconds", "`delay` of [owner_guard]"), ("window_seconds", "`window` of [owner_guard]")):
        terms = replace(guard, **{key: 3 * 86_400})
        both = {("owners' guard", name), ("owners' guard", "the Safe's guard")}
        yield replace(document, owner_guard=terms), both
    yield replace(document, owner_guard=None), {("owners' guard", "the Safe's guard")}
    members = (*document.guardians.members[1:], STRANGER.address)
    yield (
        replace(document, guardians=replace(document.guardians, members=members)),
        {("Safe", "`members` of [guardians]")},
    )
    asked = replace(document, guardians=replace(document.guardians, approvals=3))
    yield asked, {("Safe", "`approvals` of [guardians]")}


def test_every_word_of_the_documents_turns_its_own_field_red(standing: Standing) -> None:
    """What an address commits to turns that red too: a watch of other terms stands elsewhere."""
    for document, expected in _changes(standing.installed.document):
        found = red(standing.look(replace(standing.installed, document=document)))
        assert found - HASHED == expected and ("Kernel", "the policy's hash") in found


def test_a_cap_of_the_document_turns_its_own_bucket_red(standing: Standing) -> None:
    """And a lending cap the bucket of taking back as well, which it also measures."""
    document = standing.installed.document
    for bucket_class, caps in document.caps.items():
        for token, cap in caps.items():
            less = {**caps, token: replace(cap, at_once_units=cap.at_once_units - 1)}
            other = replace(document, caps={**document.caps, bucket_class: less})
            found = red(standing.look(replace(standing.installed, document=other))) - HASHED
            assert found and all(name.startswith("bucket") and f" {token}`" in name for _, name in found)


def test_bounds_of_the_document_turn_the_terms_of_their_sources_red(standing: Standing) -> None:
    """All of one token's, and the watch's: its address commits to the addresses of its sources."""
    document = standing.installed.document
    listed = replace(document.tokens[DAI], max_age_seconds=61)
    found = red(
        standing.look(replace(standing.installed, document=replace(document, tokens={**document.tokens, DAI: listed})))
    )
    terms = ("`first_max_age`", "`second_max_age`", "the address")
    sources = {(f"price source of `{id_}`", term) for id_ in (DAI, f"{DAI}@aave") for term in terms}
    assert found - HASHED == sources | {("watch", "the address of the watch")}


def test_keys_that_are_not_at_hand_are_not_compared(standing: Standing) -> None:
    found = standing.look(replace(standing.installed, agent=None, anchorer=None))
    gone = compared(standing.look()) - compared(found)
    assert gone == {("Kernel", "the agent's key"), ("audit log", "the anchoring key")} and red(found) == set()
    other = standing.look(replace(standing.installed, agent=STRANGER.address, anchorer=STRANGER.address))
    assert red(other) == gone


def test_what_binds_the_owners_alone_stops_no_run(standing: Standing) -> None:
    weights: dict[str, set[Weight]] = {}
    for each in standing.look():
        weights[each.name] = {field.weight for field in each.fields if field.document is not None}
    assert Weight.STOPS not in weights["owners' guard"] | weights["Safe"]
    assert weights["Kernel"] == weights["watch"] == {Weight.STOPS}


def test_a_contract_of_other_code_is_asked_nothing(standing: Standing) -> None:
    """What it says of itself means nothing."""
    codes = standing.told.coded
    standing.told.altered_codes = {standing.installed.kernel: codes[standing.installed.kernel] + b"\x00"}
    (kernel,) = [each for each in standing.look() if each.name == "Kernel"]
    assert [field.name for field in kernel.fields] == ["code", "code hash"]
    standing.told.altered_codes = {standing.installed.kernel: b""}
    (kernel,) = [each for each in standing.look() if each.name == "Kernel"]
    assert kernel.different[0].chain == "no code"


def test_a_debt_meter_is_ours_and_measures_what_the_market_calls_the_debt(standing: Standing) -> None:
    """One that rises by itself would take the treasury's cash for a repayment. The rest of the Kernel's own side, its
    buckets, is another then too."""
    told, document = standing.told, standing.installed.document
    (market,) = document.markets.values()
    markets = {market.id: replace(market, debts=(Debt(DAI, ELSEWHERE),))}
    cap = {**document.caps, REPAYMENTS: {DAI: replace(document.caps[LENDING][DAI], bucket_class=REPAYMENTS)}}
    installed = replace(standing.installed, document=replace(document, markets=markets, caps=cap))
    asset = document.tokens[DAI].token.address
    (debt,) = told.read([read_variable_debt(market.pool, asset)], standing.block)
    meter, name = artifact("DebtMeter").runtime, f"debt meter of `{DAI}` at `{market.id}`"

    def found(code: bytes, measured: Address) -> set[Named]:
        told.altered_codes = {ELSEWHERE: code}
        told.altered = {(ELSEWHERE, read_debt(ELSEWHERE).data): measured}
        return {each for each in red(standing.look(installed)) if each[0] == name}

    assert found(meter, debt) == set()
    assert found(meter, asset) == {(name, "the debt that it measures")}
    assert found(b"", debt) == found(meter + bytes(1), debt) == {(name, "code")}
