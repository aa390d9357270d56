"""The rendered documents: whatever value is written, reading it gives the same value."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.addresses import to_address
from strongroom.errors import BadValue, InputError
from strongroom.model import Account, Amount, Idle, TokenId
from strongroom.model_settings import LanguageModel
from strongroom.pacing_settings import MOST_CLIPS, Pacing
from strongroom.settings import (
    OPERATIONS,
    Job,
    Mandate,
    Missed,
    Mode,
    Payment,
    Treasury,
    Weight,
    load_mandate,
    load_schedule,
    load_treasury,
)
from strongroom.templates import render_mandate, render_schedule, render_treasury, toml_text

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
URLS = st.builds(lambda host: f"https://{host}x", ANY_TEXT)
DECIMALS = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True).map(TokenId),
    st.integers(0, 36),
    min_size=1,
    max_size=4,
)
ADDRESSES = st.binary(min_size=20, max_size=20).map(to_address)
PATHS = st.text("abc 'é\"\t\\.", min_size=1, max_size=12).map(lambda name: Path("/srv") / name)


def _loadable(treasury: Treasury) -> bool:
    return treasury.kernel is not None or treasury.mode is not Mode.GUARDED


MODELS = st.builds(
    LanguageModel,
    url=st.just("https://models.example/v1"),
    name=ANY_TEXT,
    timeout_seconds=st.integers(1, 600),
    max_tokens=st.integers(1, 10**6),
)
TREASURIES = st.builds(
    Treasury,
    name=ANY_TEXT,
    account=st.builds(Account, st.integers(1, 2**53), ADDRESSES),
    rpc=URLS,
    service=URLS,
    state_dir=PATHS,
    mode=st.sampled_from(Mode),
    operators=st.lists(ANY_TEXT, max_size=3).map(tuple),
    kernel=st.none() | ADDRESSES,
    model=st.none() | MODELS,
).filter(_loadable)


@given(TREASURIES)
def test_a_written_treasury_reads_back_the_same(treasury: Treasury) -> None:
    assert load_treasury(render_treasury(treasury), Path("/elsewhere")) == treasury


PACINGS = st.integers(60, 86_400).flatmap(
    lambda within: st.builds(
        Pacing,
        clips=st.integers(1, MOST_CLIPS),
        within_seconds=st.just(within),
        pause_seconds=st.integers(60, within),
        risk_aversion=st.integers(0, 1_000_000),
        volatility_bps=st.integers(0, 100_000),
        half_life_seconds=st.integers(1, 86_400),
    )
)


@st.composite
def mandates(draw: st.DrawFn) -> tuple[Mandate, dict[TokenId, int]]:
    decimals = draw(DECIMALS)
    tokens = sorted(decimals)
    amounts = st.builds(Amount, st.sampled_from(tokens), st.integers(0, 2**256 - 1))
    payroll = draw(st.lists(st.builds(Payment, ANY_TEXT, amounts), max_size=4))
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=len(tokens) - 1, max_size=len(tokens) - 1)))
    shares = [end - start for start, end in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    weights = {t: Weight(share, draw(st.integers(0, 10_000))) for t, share in zip(tokens, shares, strict=True)}
    units = st.integers(0, 2**96)
    idle = draw(st.dictionaries(st.sampled_from(tokens), st.builds(Idle, units, ANY_TEXT, units.map(lambda n: n + 1))))
    months, shown = draw(st.integers(0, 120)), weights if draw(st.booleans()) else {}
    return Mandate(tuple(payroll), months, shown, idle, draw(PACINGS)), decimals


def test_an_idle_token_is_listed_and_its_step_is_more_than_nothing() -> None:
    text = '[runway]\nmonths = 1\n[idle.{}]\nkeep = "{}"\nvenue = "aave"\nstep = "{}"\n'
    decimals = {TokenId("USDC"): 6}
    for token, keep, step, said in (
        ("EURC", "1 EURC", "1 EURC", "list the token in policy.toml first"),
        ("USDC", "1 DAI", "1 USDC", "a listed token: `USDC`"),
        ("USDC", "1 USDC", "0 USDC", "the smallest difference"),
    ):
        with pytest.raises(BadValue, match=said):
            load_mandate(text.format(token, keep, step), decimals)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clips = 0", "from 1 to 12"),
        ("clips = 13", "from 1 to 12"),
        ('within = "2 days"', "from `1 minute` to `1 day`"),
        ('within = "30 seconds"', "from `1 minute` to `1 day`"),
        ('pause = "7 hours"', "from `1 minute` to `6 hours`"),
        ('pause = "10 seconds"', "from `1 minute` to `6 hours`"),
        ("risk_aversion = -1", "zero or more"),
        ("risk_aversion = 1_000_001", "from 0 to 1,000,000"),
        ('volatility = "1001 %"', "up to `1_000 %`"),
        ('volatility = "80"', "a percentage"),
        ('half_life = "2 days"', "from `1 second` to `1 day`"),
        ("clip = 3", "`clip`"),
    ],
)
def test_a_pacing_that_makes_no_sense_is_refused_by_its_key(line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_mandate(f"[runway]\nmonths = 1\n[rebalance]\n{line}\n", {})


def test_without_its_table_a_rebalancing_is_paced_as_the_template_says() -> None:
    assert load_mandate("[runway]\nmonths = 1\n", {}).pacing == Pacing()


def test_a_short_time_shortens_the_pause_that_nobody_wrote() -> None:
    found = load_mandate('[runway]\nmonths = 1\n[rebalance]\nwithin = "20 minutes"\n', {}).pacing
    assert (found.within_seconds, found.pause_seconds) == (1_200, 1_200)


@given(mandates())
def test_a_written_mandate_reads_back_to_the_last_unit(drawn: tuple[Mandate, dict[TokenId, int]]) -> None:
    mandate, decimals = drawn
    assert load_mandate(render_mandate(mandate, decimals), decimals) == mandate


JOBS = st.builds(
    Job,
    id=ANY_TEXT,
    operation=st.sampled_from(OPERATIONS),
    cron=st.sampled_from(["0 9 1 * *", "*/5 * * * mon-fri", "30 23 last * *"]),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"]),
    missed=st.sampled_from(Missed),
    within_seconds=st.integers(1, 10**9),
)


@given(st.lists(JOBS, max_size=4, unique_by=lambda job: job.id).map(tuple))
def test_a_written_schedule_reads_back_in_order(jobs: tuple[Job, ...]) -> None:
    assert load_schedule(render_schedule(jobs)) == jobs


@given(ANY_TEXT)
def test_any_text_becomes_one_printable_line_of_toml(text: str) -> None:
    written = toml_text(text)
    assert written.isprintable()
    assert tomllib.loads(f"a = {written}") == {"a": text}


def test_half_a_surrogate_pair_is_refused_before_it_is_written() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        toml_text("\ud800")


def test_an_empty_mandate_shows_how_a_line_would_look() -> None:
    """The commented examples must themselves be good: uncommented, they load."""
    text = render_mandate(Mandate((), 6, {}), {})
    example = "\n".join(line.removeprefix("# ") if _is_example(line) else line for line in text.splitlines())
    decimals = {TokenId("USDC"): 6, TokenId("WETH"): 18}
    table = tomllib.loads(example)
    assert table["payroll"] == [{"payee": "alice", "amount": "7_500 USDC"}]
    assert table["idle"] == {"USDC": {"keep": "60_000 USDC", "venue": "aave", "step": "5_000 USDC"}}
    assert load_mandate(text, decimals) == Mandate((), 6, {})


def _is_example(line: str) -> bool:
    keys = ("payee", "amount", "target", "band", "keep", "venue", "step")
    return line.startswith(("# [", *(f"# {key} =" for key in keys)))
