"""The doctor on the watch: what it counts, how far its floor is, and what is amiss, each thing broken once."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from strongroom.model import Address
from strongroom.protocols.watch import encode_rebase, encode_trip
from strongroom.world.people import STRANGER
from strongroom.world.treasury import PRICES_E8, WETH
from tests.agent.onboarding.conftest import Answer, Treasury

Unwell = Callable[[], dict[str, str]]
Strongroom = Callable[..., Answer]
Found = Callable[[], dict[str, str]]


@pytest.fixture
def found(strongroom: Strongroom, guarded: Treasury) -> Found:
    """The doctor's check of the watch."""

    def look() -> dict[str, str]:
        checks = strongroom("doctor", "--config", guarded.folder, "--json").data["checks"]
        (check,) = (each for each in checks if each["name"] == "watch")
        return dict(check)

    return look


def watch_of(treasury: Treasury) -> Address:
    (line,) = [line for line in (treasury.folder / "treasury.toml").read_text().splitlines() if line[:5] == "watch"]
    return Address(line.split('"')[1])


def ether_loses(treasury: Treasury, percent: int) -> None:
    treasury.world.move_market(WETH, PRICES_E8[WETH][0] * (100 - percent) // 100)


def trip(treasury: Treasury) -> bool:
    return treasury.world.send_as(STRANGER.address, watch_of(treasury), encode_trip()).success


def test_a_healthy_treasury_is_told_its_worth_mark_and_floor(found: Found) -> None:
    check = found()
    # 410 ETH and WETH at 3,000, 399,000 USDC at 0.9999, 182,000 DAI at 0.9998; a tenth below is the floor.
    assert check["grade"] == "ok" and "counts 1,810,923.70 USD, its mark is 1,810,923.70 USD" in check["what"]
    assert "and 10 % may be lost down to its floor of 1,629,831.33 USD" in check["what"]


def test_near_the_floor_is_a_warning(guarded: Treasury, unwell: Unwell, found: Found) -> None:
    ether_loses(guarded, 8)
    assert unwell() == {}
    ether_loses(guarded, 12)
    assert unwell() == {"watch": "warn"}
    assert "may be lost down to" in found()["what"] and f"0x{encode_rebase().hex()}" in found()["mend"]


def test_below_the_floor_is_a_warning_and_what_is_observed_is_told_with_its_block(
    guarded: Treasury, found: Found
) -> None:
    ether_loses(guarded, 35)
    assert "BELOW its floor" in found()["what"] and "observed" not in found()["what"]
    assert trip(guarded)
    block = int(guarded.world.ask("eth_blockNumber"), 16)
    said = f"a fall was observed at block {block}, and from block {block + 5} on, 5 from here, a second"
    assert found()["grade"] == "warn" and said in found()["what"]
    guarded.world.ask("anvil_mine", "0x5")
    assert "and from now on a second observation pauses" in found()["what"]
    assert trip(guarded)


def test_an_observation_that_stands_is_a_warning_although_all_is_well_again(guarded: Treasury, found: Found) -> None:
    """Anybody may still take it back, or a second fall within its time pauses at once."""
    ether_loses(guarded, 35)
    assert trip(guarded)
    ether_loses(guarded, 0)
    assert found()["grade"] == "warn" and "may be lost down to" in found()["what"]


def test_a_missing_price_is_a_warning_for_the_watch_sees_nothing(
    guarded: Treasury, unwell: Unwell, found: Found
) -> None:
    guarded.world.advance(2 * 86_400, feeds=False)
    assert unwell()["watch"] == "warn"
    assert "a price that it counts by is missing" in found()["what"] and "wait for the feed" in found()["mend"]


def test_a_watch_that_treasury_toml_does_not_name_is_found(guarded: Treasury, unwell: Unwell, found: Found) -> None:
    """And for the Kernel it is then a guardian that no document names."""
    guarded.edit("treasury.toml", f'watch = "{watch_of(guarded)}"\n', "")
    assert unwell() == {"kernel": "fail"} and found()["grade"] == "skipped"


def test_a_policy_without_a_watch_beside_a_treasury_that_names_one_is_found(guarded: Treasury, unwell: Unwell) -> None:
    guarded.edit("policy.toml", "[watch]\n", "[watches]\n")
    assert "policy.toml" in unwell()


def test_before_there_is_a_kernel_nothing_is_amiss(treasury: Treasury, strongroom: Strongroom) -> None:
    checks = strongroom("doctor", "--config", treasury.folder, "--json").data["checks"]
    (check,) = (each for each in checks if each["name"] == "watch")
    assert (check["grade"], check["what"]) == ("ok", "none yet; it comes with the Kernel")


def test_what_is_named_and_is_no_watch_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("treasury.toml", "[account]\n", f'[account]\nwatch = "{STRANGER.address}"\n')
    assert unwell() == {"watch": "fail"}


def test_status_has_one_line_for_the_watch(guarded: Treasury, strongroom: Strongroom) -> None:
    told = strongroom("status", "--config", guarded.folder)
    (line,) = [line for line in told.text.splitlines() if line.startswith("watch ")]
    assert line.startswith(f"watch  {watch_of(guarded)} counts 1,810,923.70 USD") and "10 % may be lost" in line
    plain = json.loads(strongroom("status", "--config", guarded.folder, "--json").text)
    assert line == f"watch  {plain['watch']}"
