"""policy.toml: every value is checked at load, every refusal names key, value and mend; one policy has one hash."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.addressbook import lookalike
from policies.cases import sample, samples
from policies.document import document_hash, load
from policies.limits import limits
from policies.template import render
from policies.terms import Cap, KernelTerms, Payee, PolicyDocument, Tier
from policies.watching import WatchTerms
from strongroom.addresses import to_address
from strongroom.documents import DocumentBroken
from strongroom.errors import BadAddress, BadValue, InputError, UnknownKey
from strongroom.model import Address, TokenId

ROOT = Path(__file__).parents[2]
TEXT = sample("active_treasury")[0]
ETH, USDC, WETH, DAI, HALL = (TokenId(name) for name in ("ETH", "USDC", "WETH", "DAI", "HALL"))


def edited(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def address_of(name: str) -> str:
    return load(TEXT).payees[name].address


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('keep = "100_000 USDC"', 'kept = "100_000 USDC"', "unknown key `kept` in [tokens.USDC]"),
        ('keep = "100_000 USDC"', 'kept = "100_000 USDC"', "did you mean `keep`"),
        (
            'config_delay = "2 days"',
            'config_delay = "59 minutes"',
            "`config_delay` in [kernel] of policy.toml; the Kernel",
        ),
        ('config_delay = "2 days"', 'config_delay = "31 days"', "takes `1 hour` to `30 days`"),
        ('rekey_delay = "1 day"', 'rekey_delay = "3599 seconds"', "`rekey_delay` in [kernel]"),
        ('rekey_delay = "1 day"', "rekey_delay = 86400", "write it in quotes"),
        ('window = "7 days"', 'window = "23 hours"', "`1 day` to `30 days`"),
        ('window = "7 days"', 'windows = "7 days"', "did you mean `window`"),
        ("pause_only = []", 'pause_only = ["0xab"]', "`0xab` for `pause_only` in [kernel]"),
        ("pause_only = []", 'pause_only = ["0x0000000000000000000000000000000000000000"]', "a key that somebody holds"),
        ("decimals = 6", 'decimals = "6"', "`decimals` in [tokens.USDC]"),
        ("decimals = 6", "decimals = 37", "at most 36"),
        ("decimals = 6", "decimals = 6000", "at most 36"),
        ("decimals = 6", "decimals = true", "zero or more"),
        ('keep = "100_000 USDC"', 'keep = "100_000"', "a listed token: `USDC`"),
        ('keep = "100_000 USDC"', 'keep = "100_000 DAI"', "a listed token: `USDC`"),
        ('keep = "100_000 USDC"', 'keep = "1.0000001 USDC"', "at most 6 digits"),
        ('keep = "100_000 USDC"', 'keep = "-1 USDC"', "plain number"),
        ('keep = "100_000 USDC"', 'keep = "1e5 USDC"', "plain number"),
        ('keep = "100_000 USDC"', "keep = 100_000.5", "in quotes"),
        ("[tokens.HALL]", "[tokens.1HALL]", "a name starts with a letter"),
        ('price_as = "WETH"', 'price_as = "USDC"', "as many decimals"),
        ('price_as = "WETH"', 'price_as = "HALL"', "with feeds"),
        ('price_as = "WETH"', 'price_as = "GOLD"', "with feeds"),
        ('class = "team"', 'class = "staff"', "[caps.staff.USDC] first"),
        ('class = "team"', 'class = "swaps"', "for themselves"),
        ('at_most = ["15_000 USDC"]', "at_most = []", "one amount per token"),
        ('at_most = ["15_000 USDC"]', 'at_most = ["0 USDC"]', "one amount per token"),
        ('at_most = ["15_000 USDC"]', 'at_most = ["1 USDC", "2 USDC"]', "one amount per token"),
        ('at_most = ["15_000 USDC"]', 'at_most = ["60_000.000001 USDC"]', "never_above"),
        ('note = "protocol lead"', 'note = "two\\nlines"', "one line"),
        ('kind = "uniswap_v3"', 'kind = "uniswap_v9"', "choose one of `uniswap_v3`"),
        ('fee = "0.05 %"', 'fee = "0.05"', "a percentage"),
        ('fee = "0.05 %"', 'fee = "100 %"', "the pool's fee"),
        ('fee = "0.3 %"', 'fee = "0.05 %"', "the same tokens and fee"),
        ('tokens = ["WETH", "USDC"]', 'tokens = ["WETH", "HALL"]', "with price feeds"),
        ('tokens = ["WETH", "USDC"]', 'tokens = ["ETH", "USDC"]', "with price feeds"),
        ('tokens = ["WETH", "USDC"]', 'tokens = ["WETH", "GOLD"]', "two listed tokens"),
        ('tokens = ["WETH", "USDC"]', 'tokens = ["WETH", "WETH"]', "two listed tokens"),
        ("[caps.team.DAI]", "[caps.team.GOLD]", "name a listed token"),
        ('cap = "30_000 USDC per 30 days"', 'cap = "30_000 USDC"', "per 30 days"),
        ('cap = "30_000 USDC per 30 days"', 'cap = "30_000 USDC per month"', "a duration"),
        ('at_once = "15_000 USDC"', 'at_once = "81_000.000001 USDC"', "nine tenths"),
        ('at_once = "15_000 USDC"', 'at_once = "0 USDC"', "nine tenths"),
        ('never_above = "100 WETH"', 'never_above = "19 WETH"', "at least `at_once`"),
        ('model_alone = "5 WETH"', 'model_alone = "21 WETH"', "at most `at_once`"),
        ('"2 guardians above 12_000 USDC per day"', '"two guardians above 12_000 USDC per day"', "2 guardians above"),
        ('"2 guardians above 12_000 USDC per day"', '"4 guardians above 12_000 USDC per day"', "write 1 to 3"),
        ('"3 guardians above 20_000 USDC per day"', '"4 guardians above 20_000 USDC per day"', "there are 3"),
        ('"2 guardians above 12_000 USDC per day"', '"2 guardians above 20_000 USDC per day"', "smallest amount"),
        ("approvals = 2", "approvals = 4", "between one and the number"),
        ("approvals = 2", "approvals = 0", "between one and the number"),
        ("sources = 2", "sources = 1", "at least two"),
        ("sources = 2", "sources = 3", "at least 3 different sources"),
        ('max_deviation = "1.5 %"', 'max_deviation = "101 %"', "at most `100 %`"),
        ('max_loss = "1 %"', 'max_loss = "100 %"', "may lose"),
        ('max_loss = "1 %"', "", "this key is required"),
        ('max_price = "150 gwei"', 'max_price = "150"', "150 gwei"),
        ('max_price = "150 gwei"', 'max_price = "150 ether"', "150 gwei"),
        ("max_units = 2000000", "max_units = 0", "write a budget"),
        ("chain_id = 31337", "chain_id = 0", "the chain's id"),
        ('cap = "48 per day"', 'cap = "48"', "48 per day"),
        ('cap = "48 per day"', 'cap = "-48 per day"', "48 per day"),
        ('cap = "48 per day"', f'cap = "{"9" * 5_000} per day"', "48 per day"),
        ('"2 guardians above 12_000 USDC per day"', f'"{"2" * 5_000} guardians above 1 USDC per day"', "2 guardians"),
        ("decimals = 6", f"decimals = {'9' * 5_000}", "is not TOML"),
        ("at_once = 24", "at_once = 48", "nine tenths"),
        ("at_once = 24", "at_once = 0", "nine tenths"),
        ("[account]", "[acount]", "account"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_a_mend(old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        load(edited(old, new))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    with pytest.raises(UnknownKey, match="did you mean `payees`"):
        load(TEXT.replace("[payees.", "[payee."))


def test_an_address_with_a_wrong_checksum_is_refused_and_not_completed() -> None:
    alice = address_of("alice")
    with pytest.raises(BadAddress, match="its checksum does not fit"):
        load(TEXT.replace(alice, alice.lower()))
    with pytest.raises(BadAddress):
        load(TEXT.replace(alice, alice[:-1]))


def test_one_address_has_one_meaning() -> None:
    alice, bob = address_of("alice"), address_of("bob")
    for other, place in (
        (bob, "`address` in [payees.alice]"),
        (load(TEXT).account.safe, "`safe` in [account]"),
        (load(TEXT).tokens[USDC].token.address, "`address` in [tokens.USDC]"),
    ):
        with pytest.raises(BadValue, match=re.escape(f"it stands there twice, also for {place};")):
            load(TEXT.replace(alice, other))


def test_the_zero_address_is_no_payee() -> None:
    without_ether = TEXT.replace("0x0000000000000000000000000000000000000000", to_address(b"\1" * 20))
    with pytest.raises(BadValue, match="burns"):
        load(without_ether.replace(address_of("alice"), "0x0000000000000000000000000000000000000000"))


def test_two_payees_that_look_alike_are_refused() -> None:
    alice = address_of("alice")
    twin = to_address(alice[:6] + "00" * 16 + alice[-4:])
    with pytest.raises(BadValue, match="looks like payee `alice`"):
        load(TEXT.replace(address_of("bob"), twin))


def test_a_guardian_or_feed_named_twice_is_refused() -> None:
    document = load(TEXT)
    one, two, _ = document.guardians.members
    with pytest.raises(BadValue, match="each guardian once"):
        load(TEXT.replace(one, two))
    first, second = document.tokens[USDC].feeds
    with pytest.raises(BadValue, match="different sources"):
        load(TEXT.replace(first, second))


def test_a_pause_only_key_is_nobody_elses_and_named_once() -> None:
    document = load(TEXT)
    key = address_of("alice")
    for keys, said in (
        ([document.guardians.members[0]], "an owner is a guardian already"),
        ([document.account.safe], "a key that somebody holds"),
        ([key, key], "name each key once"),
    ):
        with pytest.raises(BadValue, match=said):
            load(edited("pause_only = []", f"pause_only = {json.dumps(keys)}"))
    assert load(edited("pause_only = []", f'pause_only = ["{key}"]')).kernel.pause_only == (key,)


def test_every_term_of_the_kernel_is_in_the_hash() -> None:
    """Whoever signs the hash signs the delays and the keys too."""
    edits = [
        ('config_delay = "2 days"', 'config_delay = "3 days"'),
        ('rekey_delay = "1 day"', 'rekey_delay = "2 days"'),
        ('window = "7 days"', 'window = "8 days"'),
        ("pause_only = []", f'pause_only = ["{address_of("alice")}"]'),
    ]
    hashes = {document_hash(load(edited(old, new))) for old, new in edits}
    assert len(hashes | {document_hash(load(TEXT))}) == 5


def test_text_that_is_not_toml_names_the_line() -> None:
    with pytest.raises(DocumentBroken, match="line"):
        load(TEXT + "\n[broken")


def test_an_empty_document_is_refused() -> None:
    with pytest.raises(InputError):
        load("")


def test_no_key_of_the_document_can_be_dropped_unnoticed() -> None:
    """Deleting any one line with a key either refuses the document or changes its hash."""
    lines, whole = TEXT.splitlines(), document_hash(load(TEXT))
    for number, line in enumerate(lines):
        if " = " not in line or line.startswith(("#", " ")) or line.endswith("["):
            continue
        try:
            left = load("\n".join(lines[:number] + lines[number + 1 :]))
        except InputError:
            continue
        assert document_hash(left) != whole, line


def test_every_shipped_document_loads_and_renders_to_itself() -> None:
    texts = [sample(name)[0] for name in samples()] + [(ROOT / "config" / "policy.toml").read_text()]
    for text in texts:
        document = load(text)
        assert load(render(document)) == document
        assert render(load(render(document))) == render(document)


def test_the_hash_ignores_how_a_policy_is_written_and_nothing_else() -> None:
    document = load(TEXT)
    rewritten = [
        "# a comment\n" + TEXT,
        edited('max_age = "25 hours"', 'max_age   =   "1_500 minutes"'),
        edited('keep = "100_000 USDC"', 'keep = "100000.00 USDC"'),
        render(document),
    ]
    assert {document_hash(load(text)) for text in rewritten} == {document_hash(document)}
    assert document_hash(load(edited('keep = "100_000 USDC"', 'keep = "100_000.000001 USDC"'))) != document_hash(
        document
    )
    assert document_hash(load(edited("protocol lead", "protocol lead!"))) != document_hash(document)


def test_the_order_of_entries_does_not_change_the_hash() -> None:
    document = load(TEXT)
    turned = replace(document, payees=dict(reversed(document.payees.items())))
    assert document_hash(turned) == document_hash(document)


UNITS = st.integers(1, 10**15)


@st.composite
def documents(draw: st.DrawFn) -> PolicyDocument:
    """The sample with other amounts, windows, tiers, notes, payees, terms of the Kernel and a watch, or none."""
    base = load(TEXT)
    at_once = draw(UNITS)
    window = draw(st.integers(1, 10**8))
    first = draw(st.integers(0, at_once))
    tiers = (Tier(2, first, draw(st.integers(1, 10**8))), Tier(3, first + draw(UNITS), 86_400))
    never = at_once + draw(st.integers(0, 10**15))
    cap = Cap("team", USDC, at_once * 2 + draw(UNITS), window, at_once, never, tiers[: draw(st.integers(0, 2))])
    text = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Co", "Cn", "Zl", "Zp", "Zs"]), max_size=30)
    alice = replace(base.payees["alice"], max_units={USDC: draw(st.integers(1, never))}, note=draw(text))
    payees: dict[str, Payee] = {"alice": alice}
    caps = {**base.caps, "team": {USDC: cap}}
    token = replace(base.tokens[USDC], keep_units=draw(st.integers(0, 10**18)))
    tokens = {**base.tokens, USDC: token}
    terms = {"kernel": draw(kernel_terms()), "watch": draw(watches())}
    return replace(base, payees=payees, orders={}, caps=caps, tokens=tokens, **terms)


def watches() -> st.SearchStrategy[WatchTerms | None]:
    blocks, priced = st.integers(1, 2**32 - 1), st.sampled_from([ETH, WETH, USDC, DAI])
    own = st.none() | st.integers(1, 2**160 - 1).map(lambda n: to_address(n.to_bytes(20, "big")))
    counted = st.lists(priced, min_size=1, unique=True).map(tuple)
    return st.none() | st.builds(WatchTerms, st.integers(1, 9_999), blocks, blocks, counted, own)


def kernel_terms() -> st.SearchStrategy[KernelTerms]:
    delays, windows = st.integers(3_600, 30 * 86_400), st.integers(86_400, 30 * 86_400)
    # From 1 on, not zero; and no owner's or Safe's address is as small as these.
    keys = st.lists(st.integers(1, 2**32).map(lambda n: to_address(n.to_bytes(20, "big"))), max_size=3, unique=True)
    return st.builds(KernelTerms, delays, delays, windows, keys.map(tuple))


@settings(max_examples=40, deadline=None)
@given(documents())
def test_rendering_loses_nothing(document: PolicyDocument) -> None:
    text = render(document)
    assert load(text) == document
    assert document_hash(load(text)) == document_hash(document)
    assert tomllib.loads(text)["account"]["safe"] == document.account.safe


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=20), st.binary(min_size=20, max_size=20))
def test_looking_alike_is_symmetric_and_never_reflexive(one: bytes, other: bytes) -> None:
    a, b = to_address(one), to_address(other)
    assert lookalike(a, b) == lookalike(b, a)
    assert not lookalike(a, a)
    twin = to_address(one[:2] + other[2:18] + one[18:])
    assert lookalike(a, twin) == (a != twin)
    assert not lookalike(a, Address(a.lower()))


def test_limits_are_what_a_planner_may_size_swaps_with() -> None:
    found = limits(load(TEXT))
    assert found.per_transaction_units[WETH] == 100 * 10**18
    assert found.ask_above_units[WETH] == 10 * 10**18
    assert found.ask_above_units[USDC] == 25_000 * 10**6
    assert found.ask_above_units[HALL] == 25_000 * 10**18
    assert found.per_transaction_units[HALL] == 200_000 * 10**18


def test_a_token_without_a_cap_has_no_limits() -> None:
    payroll = load(sample("payroll_only")[0])
    assert set(limits(payroll).per_transaction_units) == {USDC}
    assert set(limits(replace(payroll, caps={})).per_transaction_units) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('model_alone = "5 WETH"', 'model_alone = "20 WETH"'),
        ('at_once = "15_000 USDC"', 'at_once = "27_000 USDC"'),
        ('cap = "30_000 USDC per 30 days"', 'cap = "16_666.666667 USDC per 30 days"'),
        ('at_most = ["15_000 USDC"]', 'at_most = ["60_000 USDC"]'),
        ("approvals = 2", "approvals = 3"),
        ("approvals = 2", "approvals = 1"),
        ("at_once = 24", "at_once = 43"),
        ('config_delay = "2 days"', 'config_delay = "1 hour"'),
        ('rekey_delay = "1 day"', 'rekey_delay = "30 days"'),
        ('window = "7 days"', 'window = "1 day"'),
        ('window = "7 days"', 'window = "30 days"'),
        ('"2 guardians above 12_000 USDC per day"', '"3 guardians above 12_000 USDC per day"'),
        ('max_loss = "1 %"', 'max_loss = "99.99 %"'),
        ('fee = "0.05 %"', 'fee = "99.9999 %"'),
        ("decimals = 6", "decimals = 36"),
        ('note = "protocol lead"', f'note = "{"x" * 200}"'),
    ],
)
def test_a_value_exactly_at_its_limit_is_accepted(old: str, new: str) -> None:
    assert document_hash(load(edited(old, new))) != document_hash(load(TEXT))
