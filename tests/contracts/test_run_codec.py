"""Announced runs as bytes: the announcement is the run under another name, and neither hides anything of the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.addresses import from_digest, to_address, to_digest
from strongroom.model import Address, Digest
from strongroom.protocols.abi import decode_call, encode_arguments, encode_call
from strongroom.protocols.kernel_legs import (
    ANNOUNCE_RUN,
    LEG_TYPE,
    RUN,
    Payment,
    PayRule,
    decode_all_legs,
    encode_legs,
    with_leaf,
)
from strongroom.protocols.kernel_runs import (
    ANNOUNCED_TOPIC,
    VETOED_TOPIC,
    RunAnnounced,
    RunVetoed,
    announced_run,
    decode_run_event,
    delay_seconds,
    encode_announce_run,
    is_announcement,
    run_id,
    voids_in,
)

_ADDRESSES = st.binary(min_size=20, max_size=20).map(to_address)
_DIGESTS = st.binary(min_size=32, max_size=32).map(to_digest)
_NUMBERS = st.integers(0, 2**32 - 1)
_RULES = st.builds(
    PayRule, token=_ADDRESSES, recipient=_ADDRESSES, max_units=st.integers(1, 2**96 - 1), bucket_class=_NUMBERS,
    delay_seconds=st.integers(1, 2**32 - 1),
)  # fmt: skip
_PAYMENTS = st.builds(
    Payment, rule=_RULES, units=st.integers(1, 2**96 - 1), proof=st.lists(_DIGESTS, max_size=3).map(tuple)
)
_LEGS = st.lists(_PAYMENTS, min_size=1, max_size=4)


@settings(deadline=None)
@given(_LEGS, _DIGESTS)
def test_the_announcement_says_all_of_the_run_and_carries_its_own_leaf(legs: list[Payment], leaf: Digest) -> None:
    run = encode_legs(legs)
    call = with_leaf(encode_announce_run(run), leaf)
    assert is_announcement(call) and not is_announcement(run)
    assert announced_run(call) == run
    assert decode_all_legs(announced_run(call)) == tuple(legs)
    assert decode_call(ANNOUNCE_RUN, call)[1] == from_digest(leaf)
    assert delay_seconds(run) == max(leg.rule.delay_seconds for leg in legs)


@settings(deadline=None)
@given(_LEGS, _NUMBERS, _NUMBERS, _DIGESTS)
def test_the_id_is_that_of_the_legs_epoch_and_version_whatever_leaf_the_run_carries(
    legs: list[Payment], epoch: int, version: int, leaf: Digest
) -> None:
    run = encode_legs(legs)
    id_ = run_id(epoch, version, run)
    assert id_ == run_id(epoch, version, with_leaf(run, leaf))
    assert id_ != run_id(epoch ^ 1, version, run)
    assert id_ != run_id(epoch, version ^ 1, run)
    assert id_ != run_id(epoch, version, encode_legs([*legs, legs[0]]))


@settings(deadline=None)
@given(_LEGS, _NUMBERS, _NUMBERS, _DIGESTS, st.integers(0, 2**40 - 1), _ADDRESSES)
def test_its_events_are_read_back_whole(
    legs: list[Payment], epoch: int, version: int, id_: Digest, at: int, guardian: Address
) -> None:
    run = encode_legs(legs)
    fields = ("uint32", "uint32", f"{LEG_TYPE}[]", "uint40", "uint40", "bytes32")
    data = encode_arguments(fields, (epoch, version, decode_call(RUN, run)[0], at, at, from_digest(id_)))
    read = decode_run_event([ANNOUNCED_TOPIC, id_], data)
    assert read == RunAnnounced(id_, epoch, version, run, at, at, id_)
    veto = [VETOED_TOPIC, id_, "0x" + "00" * 12 + guardian[2:].lower()]
    assert decode_run_event(veto, b"") == RunVetoed(id_, guardian)


def test_what_is_no_run_is_not_announced() -> None:
    """Neither a plain payment, nor a run that names its place in the log already, nor an announcement."""
    rule = PayRule(to_address(b"\1" * 20), to_address(b"\2" * 20), 5, 7)
    run = encode_legs([Payment(rule, 1, ()), Payment(rule, 2, ())])
    bad = (encode_legs([Payment(rule, 1, ())]), with_leaf(run, to_digest(b"\3" * 32)), encode_announce_run(run), b"")
    for data in bad:
        with pytest.raises(ValueError):
            encode_announce_run(data)
    with pytest.raises(ValueError):
        announced_run(run)
    with pytest.raises(ValueError):
        decode_run_event([ANNOUNCED_TOPIC], b"")
    with pytest.raises(ValueError):
        decode_run_event([], b"")


def test_another_call_with_the_same_bytes_has_no_place_for_a_leaf() -> None:
    with pytest.raises(KeyError):
        with_leaf(encode_call("vetoRun(bytes32)", bytes(32)), to_digest(b"\3" * 32))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_voids_are_the_second_count_of_the_word(serial: int, voids: int) -> None:
    assert voids_in((voids << 32 | serial).to_bytes(32, "big")) == voids
