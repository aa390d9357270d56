"""chains.toml: what is shipped is what Safe deployed, and what is written reads back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.app import open_documents
from agent.onboarding.chains import (
    Kind,
    KnownChain,
    KnownToken,
    SafeContracts,
    chain_of,
    known_chain,
    load_chains,
    render_chain,
)
from strongroom.addresses import keccak, to_address, to_digest
from strongroom.errors import InputError
from strongroom.model import Address, TokenId
from strongroom.world.artifacts import node_modules

CHECKOUT = Path(__file__).parents[3]


def test_the_examples_chains_are_those_we_ship() -> None:
    assert (CHECKOUT / "config/chains.toml").read_text() == (CHECKOUT / "agent/onboarding/chains.toml").read_text()


def test_the_examples_load_together() -> None:
    documents = open_documents(CHECKOUT / "config")
    assert len(documents.mandate.payroll) == 5


@pytest.mark.parametrize("chain_id", sorted(load_chains()))
def test_safes_own_contracts_are_where_safe_says(chain_id: int) -> None:
    """Against the deployments that safe-eth-py carries, on every chain that we name."""
    from safe_eth.safe.safe_deployments import safe_deployments

    safe, ours = safe_deployments["1.4.1"], load_chains()[chain_id].safe
    official = {name: safe[name][str(chain_id)] for name in safe if str(chain_id) in safe[name]}
    assert official["MultiSendCallOnly"] == [ours.multisend]
    assert official["SafeProxyFactory"] == [ours.factory]
    assert official["SafeL2"] == [ours.singleton]
    assert official["CompatibilityFallbackHandler"] == [ours.fallback_handler]


def test_every_known_singleton_and_handler_is_one_of_safes_since_1_3_0() -> None:
    from safe_eth.safe.safe_deployments import safe_deployments

    def deployed(*names: str) -> set[str]:
        versions = [safe_deployments[version] for version in ("1.3.0", "1.4.1", "1.5.0")]
        return {address for version in versions for name in names for address in version.get(name, {}).get("1", ())}

    ours = load_chains()[1].safe
    assert ours.singletons == deployed("GnosisSafe", "GnosisSafeL2", "Safe", "SafeL2")
    assert ours.fallback_handlers == deployed("CompatibilityFallbackHandler", "ExtensibleFallbackHandler")


@pytest.mark.parametrize("package", ["safe-contracts", "safe-smart-account"])
def test_the_multisends_code_is_that_of_safes_own_build(package: str) -> None:
    build = "build/artifacts/contracts/libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json"
    artifact = json.loads((node_modules() / "@safe-global" / package / build).read_bytes())
    code = bytes.fromhex(artifact["deployedBytecode"][2:])
    assert to_digest(keccak(code)) in load_chains()[1].safe.multisend_code_hashes


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True).map(TokenId)
ADDRESSES = st.binary(min_size=20, max_size=20).map(to_address)
TOKENS = st.builds(
    KnownToken,
    NAMES,
    ADDRESSES,
    st.integers(0, 36),
    st.lists(ADDRESSES, max_size=3).map(tuple),
    st.none() | st.integers(1, 10**7),
)
KINDS = st.just((Kind.L1, None)) | st.tuples(st.just(Kind.L2), st.none() | ADDRESSES)


def _chain(kind: tuple[Kind, Address | None], **keys: Any) -> KnownChain:
    return KnownChain(**keys, kind=kind[0], sequencer=kind[1])


CHAINS = st.builds(
    _chain,
    kind=KINDS,
    chain_id=st.integers(1, 10**9),
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    native=NAMES,
    wrapped=st.none() | NAMES,
    service=st.just("") | st.just("https://safe.example"),
    safe=st.builds(
        SafeContracts,
        multisend=ADDRESSES,
        factory=ADDRESSES,
        singleton=st.just(to_address(b"\1" * 20)),
        fallback_handler=st.just(to_address(b"\2" * 20)),
        multisend_code_hashes=st.frozensets(st.binary(min_size=32, max_size=32).map(to_digest), max_size=2),
        singletons=st.frozensets(ADDRESSES, max_size=2).map(lambda more: more | {to_address(b"\1" * 20)}),
        fallback_handlers=st.frozensets(ADDRESSES, max_size=2).map(lambda more: more | {to_address(b"\2" * 20)}),
    ),
    tokens=st.lists(TOKENS, max_size=3, unique_by=lambda token: token.id).map(lambda t: {each.id: each for each in t}),
    create2_factory=ADDRESSES,
)


@given(CHAINS)
def test_a_written_chain_reads_back_the_same(tmp_path_factory: pytest.TempPathFactory, chain: KnownChain) -> None:
    path = tmp_path_factory.mktemp("chains") / "mine.toml"
    path.write_text(render_chain(chain), encoding="utf-8")
    assert load_chains(path) == {chain.chain_id: chain}


SHIPPED = (CHECKOUT / "agent/onboarding/chains.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[chains.137]", "[chains.polygon]", "write the chain's id as a number"),
        ("multisend =", "multisent =", "unknown key `multisent`"),
        (
            "0x9641d764fc13c8B624c04430C7356C1C7C8102e2",
            "0x9641D764fc13c8B624c04430C7356C1C7C8102e2",
            "checksum does not fit",
        ),
        ("0xecd5bd14", "0xECD5bd14", "64 lower-case hexadecimal digits"),
        ('kind = "l1"', 'kind = "rollup"', "choose one of `l1`, `l2`"),
        ('kind = "l1"\n', "", "this key is required"),
        ('kind = "l2"', 'kind = "l1"', 'only a chain of `kind = "l2"` has one'),
        ("create2_factory =", "create2_factories =", "unknown key `create2_factories`"),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    path = tmp_path / "chains.toml"
    path.write_text(SHIPPED.replace(old, new, 1))
    with pytest.raises(InputError, match=line):
        load_chains(path)


def test_a_chain_that_is_not_in_the_file_is_named_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"`5` cannot be used for the chain; chains.toml knows `1`, `10`"):
        known_chain(load_chains(), 5)


def test_every_l2_that_ships_names_the_feed_of_its_sequencer() -> None:
    shipped = load_chains().values()
    assert {chain.name for chain in shipped if chain.kind is Kind.L2} == {"Optimism", "Base", "Arbitrum One"}
    assert all((chain.sequencer is not None) == (chain.kind is Kind.L2) for chain in shipped)


def test_documents_without_a_chains_file_of_their_own_are_on_a_chain_that_ships(tmp_path: Path) -> None:
    assert chain_of(tmp_path, 1) == load_chains()[1]
    (tmp_path / "chains.toml").write_text(
        SHIPPED.replace("[chains.1]", "[chains.2]").replace("[chains.1.", "[chains.2.")
    )
    assert chain_of(tmp_path, 2).name == "Ethereum"
    with pytest.raises(InputError, match="beside the documents"):
        chain_of(tmp_path, 1)
