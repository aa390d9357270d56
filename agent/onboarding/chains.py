"""chains.toml as frozen values: Safe's own contracts, and each chain's coin, tokens and transaction service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from strongroom.addresses import parse_address
from strongroom.documents import Table, parse, read
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Account, Address, Digest, Token, TokenId
from strongroom.quantities import format_seconds, parse_seconds
from strongroom.templates import toml_text

_HASH = re.compile(r"0x[0-9a-f]{64}")
_COIN_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class SafeContracts:
    """Safe's own deployments. The three sets also hold what older and newer Safes use."""

    multisend: Address
    factory: Address
    singleton: Address
    fallback_handler: Address
    multisend_code_hashes: frozenset[Digest]
    singletons: frozenset[Address]
    fallback_handlers: frozenset[Address]


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that people vouch for. `max_age_seconds` is how old its feeds may be, where not the policy's default."""

    id: TokenId
    address: Address
    decimals: int
    feeds: tuple[Address, ...]
    max_age_seconds: int | None

    def of(self, account: Account) -> Token:
        return Token(account, self.id, self.address, self.decimals)


class Kind(StrEnum):
    """Whether a chain orders its own transactions, or one sequencer does and may be down while answers look fresh."""

    L1 = "l1"
    L2 = "l2"


@dataclass(frozen=True, slots=True)
class KnownChain:
    """One chain. `wrapped` is the token whose feeds also price the coin; `service` is empty where Safe serves none.
    `sequencer` is the feed that says whether an L2's sequencer is up; `create2_factory` makes our contracts."""

    chain_id: int
    name: str
    native: TokenId
    wrapped: TokenId | None
    service: str
    safe: SafeContracts
    tokens: Mapping[TokenId, KnownToken]
    kind: Kind
    sequencer: Address | None
    create2_factory: Address

    @property
    def coin(self) -> KnownToken:
        """The chain's own coin as a token at the zero address."""
        return KnownToken(self.native, NATIVE, _COIN_DECIMALS, (), None)

    def token_at(self, address: Address) -> KnownToken | None:
        return next((token for token in self.tokens.values() if token.address == address), None)


def load_chains(path: Path | None = None) -> Mapping[int, KnownChain]:
    """The chains of the file at `path`, or of the one we ship. Raises `InputError` naming key and mend."""
    text = read(path) if path else files(__package__).joinpath("chains.toml").read_text(encoding="utf-8")
    with parse(text, path.name if path else "chains.toml") as top:
        with top.table("safe") as row:
            safe = _safe(row)
        with top.table("kernel") as row:
            factory = row.address("create2_factory")
        chains = [_chain(_chain_id(key, table), table, safe, factory) for key, table in top.tables("chains").items()]
        return {chain.chain_id: chain for chain in chains}


def chain_of(folder: Path, chain_id: int) -> KnownChain:
    """The chain of the documents in `folder`, by their own chains.toml or the one we ship. Raises `InputError`."""
    return known_chain(load_chains(chains_in(folder)), chain_id)


def chains_in(folder: Path) -> Path | None:
    """The folder's own chains.toml, if it has one."""
    path = folder / "chains.toml"
    return path if path.is_file() else None


def render_chain(chain: KnownChain) -> str:
    """A chains.toml with this one chain, for a network of one's own. `load_chains` of it gives the same chain."""
    safe = chain.safe
    contracts = {
        "multisend": safe.multisend,
        "factory": safe.factory,
        "singleton": safe.singleton,
        "fallback_handler": safe.fallback_handler,
        "multisend_code_hashes": sorted(safe.multisend_code_hashes),
        "singletons": sorted(safe.singletons),
        "fallback_handlers": sorted(safe.fallback_handlers),
    }
    head = {
        "name": chain.name,
        "kind": chain.kind,
        "sequencer": chain.sequencer,
        "native": chain.native,
        "wrapped": chain.wrapped,
        "service": chain.service,
    }
    kernel = {"create2_factory": chain.create2_factory}
    tables = [_table("safe", contracts), _table("kernel", kernel), _table(f"chains.{chain.chain_id}", head)]
    tables += [_table(f"chains.{chain.chain_id}.tokens.{token.id}", _keys(token)) for token in chain.tokens.values()]
    return "\n".join(tables)


def _keys(token: KnownToken) -> dict[str, object]:
    age = format_seconds(token.max_age_seconds) if token.max_age_seconds else None
    return {"address": token.address, "decimals": token.decimals, "feeds": list(token.feeds), "max_age": age}


def _table(name: str, keys: Mapping[str, object]) -> str:
    lines = [f"{key} = {_value(value)}\n" for key, value in keys.items() if value is not None]
    return f"[{name}]\n" + "".join(lines)


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return str(value) if isinstance(value, int) else toml_text(str(value))


ADD_BESIDE = "add it in one beside the documents, or in that of `init --chains FILE`"


def known_chain(chains: Mapping[int, KnownChain], chain_id: int, mend: str = ADD_BESIDE) -> KnownChain:
    """Raises `BadValue` for a chain that the file does not name, with how to `mend` it."""
    if chain_id not in chains:
        named = ", ".join(f"`{known}`" for known in chains)
        raise BadValue(chain_id, "the chain", f"chains.toml knows {named}; {mend}")
    return chains[chain_id]


def _chain_id(key: str, table: Table) -> int:
    if not key.isdecimal():
        raise BadValue(key, table.where, "write the chain's id as a number: [chains.1]")
    return int(key)


def _safe(row: Table) -> SafeContracts:
    singleton, handler = row.address("singleton"), row.address("fallback_handler")
    return SafeContracts(
        multisend=row.address("multisend"),
        factory=row.address("factory"),
        singleton=singleton,
        fallback_handler=handler,
        multisend_code_hashes=frozenset(_hash(text, row) for text in row.texts("multisend_code_hashes")),
        singletons=frozenset({singleton, *_addresses(row, "singletons")}),
        fallback_handlers=frozenset({handler, *_addresses(row, "fallback_handlers")}),
    )


def _addresses(row: Table, key: str) -> tuple[Address, ...]:
    return tuple(parse_address(text) for text in row.texts(key, ()))


def _hash(text: str, row: Table) -> Digest:
    if not _HASH.fullmatch(text):
        raise BadValue(text, row.path("multisend_code_hashes"), "write 0x and 64 lower-case hexadecimal digits")
    return Digest(text)


def _chain(chain_id: int, row: Table, safe: SafeContracts, factory: Address) -> KnownChain:
    with row:
        kind = Kind(row.choice("kind", tuple(Kind)))
        return KnownChain(
            chain_id=chain_id,
            name=row.text("name"),
            native=TokenId(row.text("native")),
            wrapped=TokenId(row.text("wrapped")) if row.has("wrapped") else None,
            service=row.text("service", ""),
            safe=safe,
            tokens={TokenId(id_): _token(TokenId(id_), table) for id_, table in row.tables("tokens").items()},
            kind=kind,
            sequencer=_sequencer(row, kind),
            create2_factory=factory,
        )


def _sequencer(row: Table, kind: Kind) -> Address | None:
    if not row.has("sequencer"):
        return None
    if kind is Kind.L1:
        raise BadValue(row.text("sequencer"), row.path("sequencer"), 'only a chain of `kind = "l2"` has one')
    return row.address("sequencer")


def _token(id_: TokenId, row: Table) -> KnownToken:
    with row:
        return KnownToken(
            id=id_,
            address=row.address("address"),
            decimals=row.integer("decimals"),
            feeds=_addresses(row, "feeds"),
            max_age_seconds=parse_seconds(row.text("max_age"), row.path("max_age")) if row.has("max_age") else None,
        )
