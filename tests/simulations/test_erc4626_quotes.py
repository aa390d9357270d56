"""Shares and assets are what OpenZeppelin's and Solmate's own vaults preview, and refused where those revert."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from simulations.pools.erc4626 import Vault
from tests.simulations.vaults import OFFSETS, vault_answers

amounts = st.one_of(st.integers(0, 100), st.integers(0, 10**30))
vaults = st.builds(Vault, amounts, amounts, st.sampled_from(OFFSETS))


def test_every_preview_is_the_vaults_own():
    answers = list(vault_answers(random.Random(41), 50))
    assert [each for each in answers if each[1] != each[2]] == []
    assert len(answers) >= 800
    assert 50 <= sum(theirs is None for _, _, theirs in answers) <= 500


@given(vaults, amounts)
def test_no_round_trip_gains(vault, amount):
    """Rounding is for the vault, whichever way one goes in and out at one price."""
    shares = vault.deposit(amount)
    if shares is not None and (returned := vault.redeem(shares)) is not None:
        assert returned <= amount
    cost = vault.mint(amount)
    if cost is not None and (burned := vault.withdraw(cost)) is not None:
        assert burned >= amount


@given(vaults, amounts)
def test_what_is_paid_is_at_most_one_more_than_what_is_got(vault, amount):
    for got, paid in ((vault.deposit(amount), vault.withdraw(amount)), (vault.redeem(amount), vault.mint(amount))):
        assert (got is None) == (paid is None)
        assert got is None or 0 <= paid - got <= 1
