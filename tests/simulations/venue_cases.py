"""Orders at the edges of Balancer pools, each as (what our quote says, what the deployed pool says)."""

from __future__ import annotations

from simulations.pools.balancer_stable import AMP_PRECISION, StablePool
from simulations.pools.balancer_weighted import WeightedSide
from tests.simulations.deployed import Balancer

ONE = 10**18
FEES = (10**12, 3 * 10**15, 10**17)
WEIGHTS = ((1, 99), (20, 80), (50, 50), (80, 20), (99, 1), (33, 67))
DECIMALS = ((18, 18), (6, 18), (8, 6), (18, 8))
STABLE = (("deprecated/20210624-stable-pool", True), ("20220609-stable-pool-v2", False))


def magnitude(draw, bits):
    return draw.randint(1, 2 ** draw.randint(1, bits))


def sizes(draw, held, wanted):
    """Dust, either side of 30 % of both balances, either side of the balances, and any."""
    edges = [1, draw.randint(1, 100), 3 * held // 10, 3 * wanted // 10, held, wanted, magnitude(draw, 112)]
    return [max(draw.choice(edges) + draw.choice((-1, 0, 1)), 0) for _ in range(4)]


def balances(draw):
    """Anything up to 112 bits, equal, or 1 to a million."""
    held = magnitude(draw, 112)
    return held, draw.choice([held, held * 10**6, max(held // 10**6, 1), magnitude(draw, 112)])


def weighted_answers(draw, pools, orders):
    """Several pools of both versions, `orders` sets of balances each."""
    for number in range(pools):
        machine, newest = Balancer(), number % 2 == 0
        weights = [share * ONE // 100 for share in WEIGHTS[number % len(WEIGHTS)]]
        decimals, fee = draw.choice(DECIMALS), draw.choice(FEES)
        pool, tokens = (machine.weighted if newest else machine.first_weighted)(weights, decimals, fee)
        ident = machine.pool_id(pool)
        machine.close()
        for _ in range(orders):
            held = balances(draw)
            side = WeightedSide(*held, *weights, fee, *decimals, newest)
            for units in sizes(draw, *held):
                for exact_out, ours in ((False, side.quote_in(units)), (True, side.quote_out(units))):
                    theirs = machine.swap(pool, ident, tokens, exact_out=exact_out, units=units, balances=held)
                    yield (side, exact_out, units), ours, theirs


def stable_balances(draw, decimals):
    """As tokens worth the same, up to 1 to a million apart, or as anything."""
    if draw.random() < 0.3:
        return tuple(magnitude(draw, 112) for _ in decimals)
    whole = magnitude(draw, 40)
    return tuple(max(whole * 10**places // draw.choice([1, 1, 2, 1_000, 10**6]), 1) for places in decimals)


def stable_answers(draw, pools, orders):
    for number in range(pools):
        machine = Balancer()
        task, rounds_up = STABLE[number % 2]
        amp, fee = draw.choice([1, 2, 50, 500, 5_000]), draw.choice(FEES)
        decimals = draw.choice([(18, 18), (6, 18), (8, 8, 18), (18, 6, 6), (18, 18, 18, 6), (6, 8, 18, 18, 6)])
        pool, tokens = machine.stable(task, amp, decimals, fee)
        ident = machine.pool_id(pool)
        machine.close()
        for _ in range(orders):
            held, pair = stable_balances(draw, decimals), tuple(draw.sample(range(len(decimals)), 2))
            state = StablePool(held, decimals, amp * AMP_PRECISION, fee, rounds_up)
            for units in sizes(draw, held[pair[0]], held[pair[1]]):
                for exact_out, ours in (
                    (False, state.quote_in(*pair, units)),
                    (True, state.quote_out(*pair, units)),
                ):
                    theirs = machine.swap_of_many(
                        pool, ident, tokens, pair, exact_out=exact_out, units=units, balances=held
                    )
                    yield (state, pair, exact_out, units), ours, theirs
