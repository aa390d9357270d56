"""[watch] of policy.toml: what counts, what is refused with its key and a mend, and that all of it is signed for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.cases import sample
from policies.document import document_hash, load
from policies.markets import Market, Reserve
from policies.template import render
from policies.terms import ListedToken, PolicyDocument
from policies.watching import WatchTerms, counted
from strongroom.addresses import to_address
from strongroom.errors import InputError
from strongroom.model import Token, TokenId
from strongroom.protocols.watch import MOST_TOKENS

TEXT = sample("active_treasury")[0]
ETH, USDC, WETH, DAI, HALL = (TokenId(name) for name in ("ETH", "USDC", "WETH", "DAI", "HALL"))
OWN = f'own_token = "{load(TEXT).tokens[HALL].token.address}"'
TOKENS = 'tokens = ["ETH", "WETH", "USDC", "DAI"]'


def edited(old: str, new: str) -> str:
    assert TEXT.count(old) == 1
    return TEXT.replace(old, new)


def terms(document: PolicyDocument) -> WatchTerms:
    assert document.watch is not None
    return document.watch


def without_watch() -> str:
    start, end = TEXT.index("[watch]"), TEXT.index("# Gas of one unit")
    return TEXT[:start] + TEXT[end:]


def test_the_table_is_read_as_it_is_written() -> None:
    hall = load(TEXT).tokens[HALL].token.address
    assert load(TEXT).watch == WatchTerms(1_000, 25, 600, (ETH, WETH, USDC, DAI), hall)


def test_what_is_lent_counts_as_the_token_that_it_stands_for() -> None:
    """Or supplying would look like a loss."""
    found = counted(load(TEXT))
    assert found == {**{id_: id_ for id_ in (ETH, WETH, USDC, DAI)}, "USDC@aave": USDC, "DAI@aave": DAI}


def test_what_is_not_watched_is_not_watched_where_it_is_lent_either() -> None:
    assert counted(load(edited(TOKENS, 'tokens = ["ETH", "DAI"]'))) == {ETH: ETH, DAI: DAI, "DAI@aave": DAI}


def test_without_the_table_nothing_is_watched_and_the_page_says_how() -> None:
    document = load(without_watch())
    assert document.watch is None and counted(document) == {}
    assert load(render(document)) == document and "# [watch]" in render(document)


def test_the_commented_example_of_a_page_without_a_watch_is_sound() -> None:
    page = render(load(without_watch()))
    start = page.index("# [watch]")
    example = page[start : page.index("\n\n", start)]
    uncommented = "\n".join(line.removeprefix("# ") for line in example.splitlines())
    assert terms(load(page.replace(example, uncommented))).tokens == (ETH, USDC)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('max_drawdown = "10 %"', 'max_drawdown = "0 %"', "`max_drawdown` in [watch] of policy.toml"),
        ('max_drawdown = "10 %"', 'max_drawdown = "100 %"', "how far the treasury may fall"),
        ('max_drawdown = "10 %"', 'max_drawdown = "0.001 %"', "`max_drawdown` in [watch]"),
        ('max_drawdown = "10 %"', "max_drawdown = 10", "write it in quotes"),
        ('max_drawdown = "10 %"', 'drawdown = "10 %"', "unknown key `drawdown` in [watch]"),
        ("confirm_blocks = 25", "confirm_blocks = 0", "`confirm_blocks` in [watch] of policy.toml; at least one"),
        ("confirm_blocks = 25", f"confirm_blocks = {2**32}", "`confirm_blocks` in [watch]"),
        ("expiry_blocks = 600", "expiry_blocks = 0", "`expiry_blocks` in [watch] of policy.toml; at least one"),
        ("expiry_blocks = 600", "", "this key is required"),
        (TOKENS, "tokens = []", "[watch] of policy.toml names no `tokens`; name the tokens"),
        (TOKENS, 'tokens = ["HALL"]', "name listed tokens with price feeds: `USDC`, `DAI`, `WETH`, `ETH`"),
        (TOKENS, 'tokens = ["GOLD"]', "`GOLD` cannot be used for `tokens` in [watch]"),
        (TOKENS, 'tokens = ["USDC@aave"]', "`USDC@aave` cannot be used for `tokens` in [watch]"),
        (TOKENS, 'tokens = ["ETH", "ETH"]', "name each token once"),
        ("own_token = ", "owntoken = ", "did you mean `own_token`"),
        ('own_token = "0xa0c9', 'own_token = "0xA0c9', "`own_token` in [watch]"),
        (OWN, 'own_token = "0x0000000000000000000000000000000000000000"', "leave it out where the DAO has none"),
        (OWN, 'inherits = "0x0000000000000000000000000000000000000000"', "leave it out where no watch was before"),
        (OWN, 'inherits = "0xA0c9"', "`inherits` in [watch]"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_a_mend(old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        load(edited(old, new))
    assert said in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("counted_as", [USDC, TokenId("USDC@aave")])
def test_the_daos_own_token_never_counts_not_even_lent(counted_as: TokenId) -> None:
    own = load(TEXT).token(counted_as)
    hall = load(TEXT).tokens[HALL].token.address
    assert own is not None
    with pytest.raises(InputError, match=f"it counts as `{counted_as}` too"):
        load(edited(f'own_token = "{hall}"', f'own_token = "{own.address}"'))


def crowded(reserves: int) -> PolicyDocument:
    """Four counted tokens, and so many shares of one of them at as many markets."""
    document = load(TEXT)
    places = [to_address(bytes([7, place] * 10)) for place in range(2 * reserves)]
    markets = {
        f"m{n}": Market(f"m{n}", "aave_v3", places[2 * n], (Reserve(USDC, places[2 * n + 1], 1),))
        for n in range(reserves)
    }
    return replace(document, markets=markets)


def test_as_many_tokens_count_as_the_contract_takes_and_no_more() -> None:
    assert len(counted(load(render(crowded(MOST_TOKENS - 4))))) == MOST_TOKENS == 8
    with pytest.raises(InputError, match="these are more than 8; leave some out") as refusal:
        load(render(crowded(MOST_TOKENS - 3)))
    assert "USDC@m4" in str(refusal.value)


def test_a_tokens_price_may_be_anothers_and_then_the_others_decimals_are_its_own() -> None:
    """What values a counted token by another's feeds relies on it."""
    document = load(TEXT)
    for id_, priced_as in counted(document).items():
        found, lender = document.token(id_), document.token(priced_as)
        assert found and lender and found.decimals == lender.decimals and len(document.feeds_of(priced_as)) == 2


def test_the_watch_before_it_is_named_and_rendered_again() -> None:
    document = load(edited(OWN, f'inherits = "{load(TEXT).account.safe}"'))
    assert terms(document).inherits == document.account.safe and load(render(document)) == document


def test_every_term_of_the_watch_is_in_the_hash() -> None:
    document = load(TEXT)
    watch = terms(document)
    others = [
        replace(watch, max_drawdown_bps=1_001),
        replace(watch, confirm_blocks=26),
        replace(watch, expiry_blocks=601),
        replace(watch, tokens=(ETH, WETH, USDC)),
        replace(watch, own_token=None),
        replace(watch, inherits=document.account.safe),
        None,
    ]
    hashes = {document_hash(replace(document, watch=each)) for each in others}
    assert len(hashes | {document_hash(document)}) == 8


def test_any_listed_token_with_feeds_may_be_watched() -> None:
    document = load(TEXT)
    feeds = tuple(to_address(bytes([9, n] * 10)) for n in range(2))
    gold = ListedToken(Token(document.account, TokenId("GOLD"), to_address(b"\3" * 20), 27), feeds)
    watch = replace(terms(document), tokens=(TokenId("GOLD"),))
    wider = replace(document, tokens={**document.tokens, TokenId("GOLD"): gold}, watch=watch)
    assert counted(load(render(wider))) == {"GOLD": "GOLD"}
