"""Vaults in the policy: what is refused when it is written, and the range that every rule and bucket is made of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cases import sample
from policies.document import document_hash, load
from policies.grants import compile_policy
from policies.markets import EXITS, LENDING
from policies.template import render
from policies.terms import PolicyDocument
from policies.vaults import Vault
from strongroom.addresses import keccak, to_address
from strongroom.errors import InputError
from strongroom.model import TokenId
from strongroom.protocols.kernel import class_number
from strongroom.protocols.kernel_acts import PAR, ActRule, ExitRule

USDC = TokenId("USDC")
VAULT = to_address(keccak(b"vault")[12:])
VENUE = f"""
[venues.vault]
kind = "erc4626"
vault = "{VAULT}"
token = "USDC"
share_decimals = 18
least_worth = "0.99 USDC"
most_worth = "1.10 USDC"
most = "200_000 USDC"
max_loss = "0.1 %"
"""
SAMPLE = sample("active_treasury")[0]
COUNTED = 'tokens = ["ETH", "WETH", "USDC", "DAI"]'
TEXT = SAMPLE.replace(COUNTED, 'tokens = ["ETH", "WETH", "DAI"]') + VENUE


@pytest.fixture(scope="module")
def vaulted() -> PolicyDocument:
    return load(TEXT)


# WRITTEN


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('least_worth = "0.99 USDC"', 'least_worth = "0 USDC"', "`least_worth` in"),
        ('least_worth = "0.99 USDC"', 'least_worth = "1.11 USDC"', "`least_worth` in"),
        ('least_worth = "0.99 USDC"', 'least_worth = "0.99 DAI"', "DAI"),
        ('most_worth = "1.10 USDC"', "", "this key is required"),
        ("share_decimals = 18", "share_decimals = 28", "at most 27 decimals"),
        (VENUE, VENUE.replace("USDC", "ETH"), "as its wrapped token"),
        (VENUE, VENUE.replace("USDC", "EURC"), "name a listed token"),
        ('most = "200_000 USDC"', 'most = "0 USDC"', "how much may lie there at most"),
        ('max_loss = "0.1 %"', 'max_loss = "100 %"', "how much a fee may take"),
        ('max_loss = "0.1 %"', 'router = "0x"', "router"),
    ],
)
def test_a_vault_that_cannot_be_meant_is_refused_with_its_key(old: str, new: str, said: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(InputError, match=said):
        load(TEXT.replace(old, new))


def test_a_vault_takes_what_has_a_cap_and_what_no_watch_counts(vaulted: PolicyDocument) -> None:
    """The watch multiplies balances by feeds: a deposit would look like a loss of all of it."""
    with pytest.raises(InputError, match="would look like a loss"):
        load(SAMPLE + VENUE)
    hall = VENUE.replace("USDC", "HALL")
    with pytest.raises(InputError, match=r"write \[caps.lending.HALL\] first"):
        load(SAMPLE + hall)
    with pytest.raises(InputError, match="it stands there twice"):
        load(TEXT.replace(VAULT, vaulted.payees["alice"].address))


def test_every_word_about_a_vault_is_under_the_hash_and_survives_being_written(vaulted: PolicyDocument) -> None:
    (own,) = vaulted.vaults.values()
    changed = (
        replace(own, address=to_address(keccak(b"other vault")[12:])),
        replace(own, share_decimals=6),
        replace(own, least_worth_units=own.least_worth_units - 1),
        replace(own, most_worth_units=own.most_worth_units + 1),
        replace(own, most_units=own.most_units + 1),
        replace(own, max_loss_bps=0),
    )
    documents = [replace(vaulted, vaults={"vault": each}) for each in changed]
    assert len({document_hash(vaulted), *map(document_hash, documents)}) == 1 + len(changed)
    assert all(load(render(each)) == each for each in (vaulted, *documents))


# COUNTED

DECIMALS = st.integers(0, 27)
WORTHS = st.tuples(st.integers(1, 10**12), st.integers(1, 10**12)).map(sorted)


@given(DECIMALS, WORTHS, st.integers(0, 10**24))
def test_shares_are_never_worth_more_than_they_stand_for(decimals: int, worths: list[int], units: int) -> None:
    """At any worth within the range; and one unit of the share more could be."""
    least, most = worths
    vault = Vault("vault", VAULT, USDC, decimals, least, most, units)
    shares = vault.to_shares_down(units)
    for worth in (vault.worth.least, vault.worth.most):
        assert shares * worth <= units * PAR
    assert (shares + 1) * vault.worth.most > units * PAR


@given(DECIMALS, WORTHS)
def test_the_range_is_what_one_whole_share_is_worth(decimals: int, worths: list[int]) -> None:
    vault = Vault("vault", VAULT, USDC, decimals, *worths, 1)
    assert [vault.worth.least * 10**decimals, vault.worth.most * 10**decimals] == [each * PAR for each in worths]


# COMPILED


def test_a_vault_compiles_to_both_ways_and_a_way_home_for_guardians(vaulted: PolicyDocument) -> None:
    (own,) = vaulted.vaults.values()
    compiled = compile_policy(vaulted)
    named = {compiled.names[leaf]: rule for leaf, rule in compiled.rules.items() if "vault" in compiled.names[leaf]}
    deposit, redeem, home = (
        named[name]
        for name in (
            "deposit USDC into vault",
            "redeem USDC from vault",
            "exit USDC from vault, guardians while paused",
        )
    )
    assert len(named) == 3
    assert isinstance(deposit, ActRule) and isinstance(redeem, ActRule) and isinstance(home, ExitRule)
    holding = own.to_shares_down(own.most_units)
    assert (deposit.max_holding_units, home.max_units) == (holding, holding)
    assert redeem.max_units == own.to_shares_down(deposit.max_units)
    assert {each.vault for each in named.values() if isinstance(each, ActRule)} == {VAULT}
    assert {each.max_loss_bps for each in named.values() if isinstance(each, ActRule)} == {10}
    assert (redeem.min_rate, redeem.max_rate) == (own.worth.least, own.worth.most)


def test_shares_have_buckets_that_a_deposit_does_not_use_up(vaulted: PolicyDocument) -> None:
    (own,) = vaulted.vaults.values()
    cap = vaulted.caps[LENDING][USDC]
    buckets = {(each.token, each.bucket_class): each for each in compile_policy(vaulted).buckets}
    back, home = buckets[VAULT, class_number(LENDING)], buckets[VAULT, class_number(EXITS)]
    assert (back.capacity_units, back.drain_seconds) == (own.to_shares_down(cap.at_once_units), cap.drain_seconds)
    assert home.capacity_units == own.to_shares_down(own.most_units)
    assert len(buckets) == len(compile_policy(vaulted).buckets), "the Kernel takes none twice"


def test_a_cap_below_what_one_unit_of_the_share_is_worth_makes_no_rule(vaulted: PolicyDocument) -> None:
    (own,) = vaulted.vaults.values()
    coarse = replace(own, share_decimals=0, least_worth_units=10**15, most_worth_units=10**15, most_units=10**16)
    compiled = compile_policy(replace(vaulted, vaults={"vault": coarse}))
    assert not [name for name in compiled.names.values() if "vault" in name]


def test_a_vault_s_share_has_a_name_for_people_and_is_no_share_at_par(vaulted: PolicyDocument) -> None:
    """What counts shares as their token, one for one, must not find it."""
    found = vaulted.known_at(VAULT)
    assert found is not None
    assert (found.id, found.decimals) == ("USDC@vault", 18)
    assert vaulted.token(found.id) is None
    assert found.id not in vaulted.shares()
