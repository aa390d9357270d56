"""The sequencer's feed that a batch makes price sources with: no document of a guardian's names it."""

from __future__ import annotations

from collections.abc import Sequence

from guardians.blueprint import with_sources
from policies.terms import PolicyDocument
from strongroom.addresses import to_address
from strongroom.model import NATIVE, Address, Call, Facts
from strongroom.ports import Chain
from strongroom.protocols.price_source import terms_from, terms_reads
from strongroom.wallet.deploy import SALT_BYTES, artifact


def sequencer_in(chain: Chain, calls: Sequence[Call], document: PolicyDocument, facts: Facts) -> Address:
    """The last word of a price source's arguments, or what one that stands says. Whether it is right, the addresses in
    policy.toml tell."""
    creation = artifact("PriceSource").creation
    for call in calls:
        if call.data[SALT_BYTES:].startswith(creation):
            return to_address(call.data[-20:])
    standing = (listed.source for listed in with_sources(document) if listed.source)
    terms = (terms_from(chain.read(terms_reads(source), facts.block)) for source in standing)
    return next((each.sequencer for each in terms if each), NATIVE)
