"""The chat's grammar: each line has one meaning or one clear refusal, and nothing is meant that was not said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chat import parse, reader
from policies.scenario import Scenario, facts_of
from policies.terms import PolicyDocument
from strongroom.errors import BadValue, InputError, Unparseable
from strongroom.model import Facts, Label, Pay, Supply, Swap, TokenId, Withdraw
from tests.planners.study import DAI, DOCUMENT, USDC, WETH, units

HELD = {WETH: units(WETH, 10), USDC: units(USDC, 30_000), DAI: units(DAI, 2_000)}
LENT = {USDC: units(USDC, 50_000), DAI: units(DAI, 4_000)}


def facts(document: PolicyDocument = DOCUMENT) -> Facts:
    balances = {**dict.fromkeys(document.tokens, 0), **HELD}
    return facts_of(Scenario((), balances, {}, supplied=LENT), document)


def two_markets() -> PolicyDocument:
    """A second market for USDC alone."""
    aave = DOCUMENT.markets["aave"]
    (usdc,) = (reserve for reserve in aave.reserves if reserve.token == USDC)
    spark = replace(
        aave, id="spark", pool=DOCUMENT.account.safe, reserves=(replace(usdc, share=DOCUMENT.account.safe),)
    )
    return replace(DOCUMENT, markets={"aave": aave, "spark": spark})


def refusal(text: str, document: PolicyDocument = DOCUMENT) -> str:
    with pytest.raises(BadValue) as refused:
        reader("ana", document)(text, "chat-1", facts(document))
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "kind", "token", "said"),
    [
        ("supply 20_000 USDC", Supply, USDC, Label.MANDATE),
        ("supply 20,000 USDC to aave", Supply, USDC, Label.OPERATOR),
        ("SUPPLY 20000.00 USDC TO aave FOR the quiet summer", Supply, USDC, Label.OPERATOR),
        ("withdraw 20_000 USDC", Withdraw, USDC, Label.MANDATE),
        ("  withdraw  20_000   USDC from aave for the audit to come ", Withdraw, USDC, Label.OPERATOR),
    ],
)
def test_a_line_of_lending_means_one_move_at_the_venue_said_or_the_only_one(
    text: str, kind: type[Supply] | type[Withdraw], token: TokenId, said: Label
) -> None:
    """Who named no venue chose none: the policy left no other."""
    (unit,) = reader("ana", DOCUMENT)(text, "chat-1", facts()).units
    (move,) = unit.intents
    assert isinstance(move, kind)
    assert (move.token.value, move.amount_units.value, move.venue.value) == (token, units(token, 20_000), "aave")
    assert (move.token.label, move.amount_units.label, move.venue.label) == (Label.OPERATOR, Label.OPERATOR, said)


def test_a_reason_is_kept_as_it_was_said() -> None:
    move = parse("withdraw 5 DAI from aave for the audit for bob", "chat-1", DOCUMENT)
    assert isinstance(move, Withdraw) and move.reason.value == "the audit for bob"
    move = parse("supply 5 DAI for the winter", "chat-1", DOCUMENT)
    assert isinstance(move, Supply) and (move.venue.value, move.reason.value) == ("aave", "the winter")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("supply 5 USDC to comp", "`comp` cannot be used for the venue; policy.toml lends at `aave`"),
        ("supply 5 WETH", "`WETH` cannot be used for a token that is lent; policy.toml lists `USDC`, `DAI`"),
        (
            "withdraw 5 WETH from aave",
            "`WETH` cannot be used for a token lent at aave; policy.toml lists `USDC`, `DAI`",
        ),
        (
            "supply 30_001 USDC",
            "`30,001.00 USDC` cannot be used for a supply; the Safe holds `30,000.00 USDC`, lend at most",
        ),
        (
            "withdraw 4,000.5 DAI",
            "`4,000.50 DAI` cannot be used for a withdrawal; `4,000.00 DAI` are lent at `aave`, take",
        ),
        ("supply 0 USDC", "`0 USDC` cannot be used for the amount; write more than zero"),
        ("withdraw 5 GOLD", "`5 GOLD` cannot be used for the amount; write a number and a listed token"),
    ],
)
def test_what_cannot_be_lent_or_taken_back_is_refused_with_its_mend(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("supply 5 USDC", "`5.00 USDC` cannot be used for a supply that names no venue; add `to aave` or `to spark`"),
        ("withdraw 5 USDC", "`5.00 USDC` cannot be used for a withdrawal that names no venue; add `from aave` or"),
        ("supply 5 DAI to spark", "`DAI` cannot be used for a token lent at spark; policy.toml lists `USDC` there"),
    ],
)
def test_where_two_venues_are_possible_one_must_be_named(text: str, said: str) -> None:
    assert refusal(text, two_markets()).startswith(said)


def test_with_two_venues_the_named_one_or_the_only_one_with_the_token_is_meant() -> None:
    named = parse("supply 5 USDC to spark", "chat-1", two_markets())
    alone = parse("supply 5 DAI", "chat-1", two_markets())
    assert isinstance(named, Supply) and isinstance(alone, Supply)
    assert (named.venue.value, alone.venue.value) == ("spark", "aave")


def test_without_a_venue_in_the_policy_nothing_is_lent() -> None:
    bare = replace(DOCUMENT, markets={})
    assert refusal("supply 5 USDC", bare) == "`USDC` cannot be used for a token that is lent; policy.toml lists none"
    assert refusal("supply 5 USDC to aave", bare) == "`aave` cannot be used for the venue; policy.toml lends at none"


def test_what_was_not_observed_is_left_to_the_policy() -> None:
    seen = facts()
    blind = replace(seen, balances={})
    for text in ("supply 900_000 USDC", "withdraw 900_000 USDC"):
        assert reader("ana", DOCUMENT)(text, "chat-1", blind).units


def test_a_payment_of_more_than_lies_idle_still_takes_back_what_is_missing() -> None:
    (unit,) = reader("ana", DOCUMENT)("pay 40_000 USDC to alice", "chat-1", facts()).units
    taken, paid = unit.intents
    assert isinstance(taken, Withdraw) and isinstance(paid, Pay)
    assert taken.amount_units.value >= units(USDC, 10_000)


@pytest.mark.parametrize(
    "text",
    [
        "lend 5 USDC",
        "supply",
        "supply 5 USDC at aave",
        "withdraw 5 USDC to aave",
        "withdraw all USDC",
        "supply USDC 5 6",
    ],
)
def test_words_outside_the_grammar_are_answered_with_the_grammar(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(text, "chat-1", DOCUMENT)
    if isinstance(refused.value, Unparseable):
        assert "`supply 20,000 USDC`" in str(refused.value) and "`withdraw 5,000 DAI`" in str(refused.value)


_WORDS = st.lists(
    st.sampled_from(
        [
            "pay",
            "swap",
            "supply",
            "withdraw",
            "5",
            "1,000",
            "1e9",
            "USDC",
            "DAI",
            "WETH",
            "to",
            "from",
            "for",
            "aave",
            "bob",
        ]
    ),
    max_size=8,
)


@given(_WORDS)
def test_whatever_is_said_is_one_move_or_one_line(words: list[str]) -> None:
    """Never another exception, and a move has only what was said: its verb, amount and token in that order."""
    try:
        move = parse(" ".join(words), "chat-1", DOCUMENT)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert words[0] == {Pay: "pay", Swap: "swap", Supply: "supply", Withdraw: "withdraw"}[type(move)]
    token = move.token_in if isinstance(move, Swap) else move.token
    assert words[2] == token.value


def test_a_reason_with_terminal_escapes_is_refused_and_shown_escaped() -> None:
    """A terminal would obey it, and whoever reads the log."""
    assert "the reason" in (said := refusal("pay 10 USDC to alice for \x1b[2J nothing"))
    assert said.isprintable()
