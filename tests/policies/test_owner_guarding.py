"""[owner_guard] of policy.toml: on unless it says otherwise, refused with key and mend, and signed for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardians.blueprint import guard_birth, plan_owner_guard
from policies.cases import sample
from policies.document import document_hash, load
from policies.owner_guarding import MAX_SECONDS, MIN_DELAY_SECONDS, MIN_WINDOW_SECONDS, OwnerGuardTerms
from policies.template import render
from strongroom.addresses import to_address
from strongroom.errors import InputError

TEXT = sample("active_treasury")[0]
DAY = 86_400
TABLE = '[owner_guard]\ndelay = "2 days"\nwindow = "7 days"\n'
KERNEL, FACTORY = to_address(b"\1" * 20), to_address(b"\2" * 20)


def edited(table: str) -> str:
    assert TEXT.count(TABLE) == 1
    return TEXT.replace(TABLE, table)


def test_a_policy_without_the_table_has_the_guard_with_its_usual_terms() -> None:
    assert load(edited("")).owner_guard == OwnerGuardTerms(2 * DAY, 7 * DAY)
    assert load(edited("[owner_guard]\n")).owner_guard == OwnerGuardTerms()
    assert document_hash(load(edited(""))) == document_hash(load(TEXT))


def test_only_install_false_leaves_it_out_and_the_page_says_so() -> None:
    document = load(edited("[owner_guard]\ninstall = false\n"))
    assert document.owner_guard is None and plan_owner_guard(document, KERNEL, FACTORY) is None
    assert "[owner_guard]\ninstall = false\n" in render(document) and load(render(document)) == document
    assert load(edited(TABLE + "install = true\n")) == load(TEXT)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[owner_guard]\ndelay = "59 minutes"\nwindow = "7 days"', "`delay` in [owner_guard] of policy.toml"),
        ('[owner_guard]\ndelay = "31 days"\nwindow = "7 days"', "at least 1 hour, at most 30 days"),
        ('[owner_guard]\ndelay = "2 days"\nwindow = "23 hours"', "`window` in [owner_guard] of policy.toml"),
        ('[owner_guard]\ndelay = "2 days"\nwindow = "31 days"', "at least 1 day, at most 30 days"),
        ('[owner_guard]\ndelay = "2 days"', "this key is required"),
        ('[owner_guard]\ndelay = 2\nwindow = "7 days"', "write it in quotes"),
        ('[owner_guard]\ndelays = "2 days"\nwindow = "7 days"', "did you mean `delay`"),
        ('[owner_guard]\ninstall = "no"', "write `true` or `false`"),
        ('[owner_guard]\ninstall = false\ndelay = "2 days"', "has no `delay`; take that out"),
        ("[owner_guard]\nfoo = 1", "[owner_guard]"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_a_mend(table: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        load(edited(table + "\n"))
    assert said in str(refusal.value) and "\n" not in str(refusal.value)


delays, windows = st.integers(MIN_DELAY_SECONDS, MAX_SECONDS), st.integers(MIN_WINDOW_SECONDS, MAX_SECONDS)
guards = st.builds(OwnerGuardTerms, delays, windows) | st.none()


@given(guards)
def test_what_is_rendered_is_loaded_again(terms: OwnerGuardTerms | None) -> None:
    document = replace(load(TEXT), owner_guard=terms)
    assert load(render(document)) == document


@given(guards, guards)
def test_other_terms_are_another_hash_and_another_guard(
    one: OwnerGuardTerms | None, other: OwnerGuardTerms | None
) -> None:
    first, second = (replace(load(TEXT), owner_guard=each) for each in (one, other))
    assert (document_hash(first) == document_hash(second)) == (one == other)
    places = [plan_owner_guard(each, KERNEL, FACTORY) for each in (first, second)]
    assert (places[0] == places[1]) == (one == other)


def test_the_guard_is_born_for_its_kernel_with_the_policys_terms() -> None:
    birth = guard_birth(load(TEXT), KERNEL)
    assert birth and (birth.kernel, birth.delay_seconds, birth.window_seconds) == (KERNEL, 2 * DAY, 7 * DAY)
    here, there = (plan_owner_guard(load(TEXT), each, FACTORY) for each in (KERNEL, FACTORY))
    assert here and there and here.address != there.address
