"""What the Safe and guardians send: most of it honest, some of it too early, twice, or not theirs to send."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.kernel.calls import (
    AddGuardian,
    Announce,
    AnyCall,
    Block,
    Cancel,
    Change,
    LowerBucket,
    Pause,
    Rekey,
    RemoveGuardian,
    Revoke,
    SetPolicy,
    Unblock,
    Veto,
)
from policies.kernel.rules import Leg, Order, Pay, Swap, leaf_of
from policies.kernel.values import NO_CODE, BucketId
from strongroom.addresses import keccak, to_digest
from strongroom.model import NATIVE, Address, Digest
from strongroom.protocols.kernel import BucketSetting
from tests.differential.legs import LegAuthor
from tests.differential.machine import calldata
from tests.differential.policies import DOCUMENT
from tests.differential.treasury import (
    AGENTS,
    GUARDIANS,
    OWNERS,
    STRANGER,
    Weather,
    key,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One case: after so many seconds, in this weather, `sender` makes `call`."""

    wait_seconds: int
    sender: Address
    call: AnyCall
    weather: Weather
    inner: AnyCall | None = None
    """What a venue calls meanwhile."""


@dataclass(slots=True)
class Governor(LegAuthor):
    """Writes the steps of humans; remembers what was announced."""

    changes: list[Change] = field(default_factory=list)
    runs: list[tuple[Leg, ...]] = field(default_factory=list)
    queue: list[Step] = field(default_factory=list)

    def _anybody(self) -> Address:
        people = (*AGENTS, *GUARDIANS, *OWNERS, self.treasury.safe, STRANGER)
        return self.random.choice((STRANGER, *people))

    def _wait(self) -> int:
        return self.random.choice((0, 1, 12, 600, 3600, self.random.randrange(90_000), 86_400))

    def _guardian(self) -> Address:
        return self.random.choice((*GUARDIANS, *OWNERS))

    def made(self, sender: Address, call: AnyCall, weather: Weather | None = None, wait: int | None = None) -> Step:
        return Step(self._wait() if wait is None else wait, sender, call, weather or Weather())

    def pause(self) -> Step:
        who = self.random.choice((self.state.agent, self.treasury.safe, self._guardian(), STRANGER, STRANGER))
        return self.made(who, Pause())

    def block(self) -> Step:
        rule = self.random.choice(self.policy.rules)
        parties = (rule.token, rule.recipient) if isinstance(rule, Pay | Order) else (rule.target, rule.token_out)
        sources = (rule.source_in, rule.source_out) if isinstance(rule, Swap) else ()
        return self.made(self._guardian(), Block(self.random.choice((*parties, *sources))))

    def veto_again(self) -> Step:
        """A second vote of the same guardian's: the change has been vetoed before, so it takes two."""
        change = RemoveGuardian(key(f"guardian {self.random.randrange(10**6)}"))
        announced, who = Announce(change.calldata), self.random.sample(OWNERS, 2)
        vote = Veto(change_hash(change))
        calls = [(self.treasury.safe, announced), (who[0], vote)] * 2 + [(who[0], vote)]
        self.queue = [self.made(sender, call, wait=1) for sender, call in calls]
        return self.queue.pop(0)

    def veto_in_vain(self) -> Step:
        """A re-key, or one's own removal."""
        removal = RemoveGuardian(self.random.choice((*GUARDIANS, *OWNERS)))
        change = self.random.choice((self._rekey(), removal))
        who = change.guardian if isinstance(change, RemoveGuardian) else self._guardian()
        self.changes.append(change)
        self.queue = [self.made(who, Veto(change_hash(change)), wait=1)]
        return self.made(self.treasury.safe, Announce(change.calldata))

    def change_in_time(self) -> Step:
        """Announced, and made as soon as it is ready; or taken back."""
        change = self._change()
        delay = (
            self.policy.terms.rekey_delay_seconds
            if isinstance(change, Rekey)
            else self.policy.terms.config_delay_seconds
        )
        made = self.made(self._guardian(), change, wait=delay)
        self.queue = [
            self.random.choice((made, made, made, self.made(self.treasury.safe, Cancel(change_hash(change)), wait=5)))
        ]
        return self.made(self.treasury.safe, Announce(change.calldata))

    def rekey_in_vain(self) -> Step:
        """To the agent that is, to one that was, or to somebody who is no key of its own."""
        burned, others = {self.state.agent, *self.state.burned}, (NATIVE, self.treasury.safe, OWNERS[0])
        change = Rekey(self.random.choice([*sorted(burned), self.random.choice(others)]), NO_CODE, ())
        self.queue = [self.made(self.treasury.safe, change, wait=self.policy.terms.rekey_delay_seconds)]
        return self.made(self.treasury.safe, Announce(change.calldata))

    def veto(self) -> Step:
        return self.made(self._guardian(), Veto(self._known_change()))

    def announce(self) -> Step:
        change = self.random.choice(self.changes) if self.changes and self.random.random() < 0.3 else self._change()
        self.changes.append(change)
        data = change.calldata
        if self.random.random() < 0.25:
            data = self.random.choice((b"", calldata(Pause()), calldata(AddGuardian(STRANGER)), data[:3]))
        return self.made(self.treasury.safe, Announce(data))

    def announce_rekey(self) -> Step:
        self.changes.append(self._rekey())
        return self.made(self.treasury.safe, Announce(self.changes[-1].calldata))

    def make(self) -> Step:
        standing = [change for change in self.changes if change_hash(change) in self.state.pending]
        if not standing or self.random.random() < 0.1:
            change = self.random.choice(self.changes) if self.changes else self._change()
            return self.made(self.random.choice((self._guardian(), STRANGER)), change)
        change = self.random.choice(standing)
        wait = max(self.state.pending[change_hash(change)].ready_at - self.now, 0)
        wait = max(wait + self.random.choice((-1, -1, 0, 0, 0, 5, 90_000)), 0)
        return self.made(self.random.choice((self.treasury.safe, self._guardian())), change, wait=wait)

    def make_rekey(self) -> Step:
        standing = [c for c in self.changes if isinstance(c, Rekey) and change_hash(c) in self.state.pending]
        if not standing:
            return self.announce_rekey()
        ready = self.state.pending[change_hash(standing[-1])].ready_at
        return self.made(self._guardian(), standing[-1], wait=max(ready - self.now, 0))

    def cancel(self) -> Step:
        return self.made(self.treasury.safe, Cancel(self._known_change()))

    def add_guardian(self) -> Step:
        new = (*GUARDIANS, *AGENTS, *OWNERS[:1], NATIVE, self.treasury.safe, self.policy.terms.kernel, STRANGER)
        return self.made(self.treasury.safe, AddGuardian(self.random.choice(new[:-1])))

    def lower_bucket(self) -> Step:
        token, number = self.random.choice([*self.state.buckets])
        old = self.state.buckets[token, number]
        factors = (0.9, 0.5, 1, 1, 1.1)
        capacity, drain = (int(part * self.random.choice(factors)) for part in (old.capacity, old.drain))
        if self.random.random() < 0.45:
            capacity, drain = 0, self.random.choice((0, drain, drain))
        setting = BucketSetting(token, number, min(capacity, 2**96 - 1), drain, self.random.choice((0, 0, 0, 1)))
        return self.made(self.treasury.safe, LowerBucket(setting))

    def revoke(self) -> Step:
        return self.made(self.treasury.safe, Revoke(leaf_of(self.random.choice(self.policy.rules))))

    def _known_change(self) -> Digest:
        known = [*self.state.pending] * 3 + [change_hash(change) for change in self.changes[-3:]]
        return self.random.choice(known or [DOCUMENT])

    def _rekey(self) -> Rekey:
        fresh = [key for key in AGENTS if key not in self.state.burned and key != self.state.agent]
        odd = (*[self.state.agent] * 4, *self.state.burned, NATIVE, self.treasury.safe, OWNERS[0], GUARDIANS[0])
        new = self.random.choice(fresh) if fresh and self.random.random() < 0.6 else self.random.choice(sorted(odd))
        code = DOCUMENT if self.random.random() < 0.05 else NO_CODE
        return Rekey(new, code, self.random.choice(((), (), (GUARDIANS[1],), (STRANGER,))))

    def _change(self) -> Change:
        pick = self.random.random()
        if pick < 0.1:
            return self._rekey()
        if pick < 0.4:
            return RemoveGuardian(self.random.choice((*GUARDIANS, OWNERS[0])))
        if pick < 0.7:
            return Unblock(self.random.choice([*sorted(self.state.blocked), STRANGER]))
        settings = [self._setting(*of) for of in self.random.sample(self._bucket_ids(), 3)]
        return SetPolicy(self.policy.root, DOCUMENT, tuple(settings))

    def _bucket_ids(self) -> list[BucketId]:
        """Those that are, and those that some rule would charge."""
        rules = [rule for rule in self.policy.rules if not isinstance(rule, Order)]
        charged = [(rule.token if isinstance(rule, Pay) else rule.token_in, rule.bucket_class) for rule in rules]
        return [*dict.fromkeys([*self.state.buckets, *charged])]

    def _setting(self, token: Address, number: int) -> BucketSetting:
        """The bucket twice or half as large or fast, or opened."""
        old = self.state.buckets.get((token, number))
        parts = (old.capacity, old.drain) if old and old.capacity else (self.random.randrange(1, 10**22), 3600)
        capacity, drain = (self.random.choice((part, part * 2, part // 2)) for part in parts)
        level = 1 if self.random.random() < 0.06 else 0
        return BucketSetting(token, number, min(capacity, 2**96 - 1), min(drain, 2**32 - 1), level)


def change_hash(change: Change) -> Digest:
    return to_digest(keccak(change.calldata))
