// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// The values that cross the Kernel's border. The encoding of rules is frozen (docs/adr/0002): a rule kind changes only
// by a new tag beside the old one. Token amounts are in the token's smallest unit, times in seconds, USD in 1e-8 dollars.
// Token `address(0)` is the chain's native coin.

/// @notice What a leaf of the policy tree allows. A leg names its kind; the kind decides the tag its leaf is hashed with.
enum Kind {
    Pay,
    Order,
    Swap,
    Act,
    Exit
}

/// @notice Payments of `token` to `recipient`, each at most `maxAmount`, charged to the token's bucket `class`.
/// @dev `delay` above zero: only through an announced run, that many seconds later.
struct PayRule {
    address token;
    address recipient;
    uint96 maxAmount;
    uint32 class;
    uint32 delay;
}

/// @notice A standing order: exactly `amount` to `recipient`, at most once in `cooldown` seconds, from `notBefore` until
/// `notAfter` (both inclusive, Unix time; `notAfter` zero means for ever). Outside the buckets: in any time T at most
/// floor(T / cooldown) + 1 payments.
/// @dev `name` is keccak256 of the order's name in the policy document. It keeps two orders of the same amount to the
/// same payee apart, since the Kernel remembers one timestamp for each leaf.
struct OrderRule {
    bytes32 name;
    address token;
    address recipient;
    uint96 amount;
    uint32 cooldown;
    uint40 notBefore;
    uint40 notAfter;
    uint32 delay;
}

/// @notice A calldata template: `hash` is keccak256 of the whole calldata with the declared words set to zero.
/// @dev A word is the byte offset, in calldata, of 32 bytes that must equal the leg's typed argument; zero means that the
/// argument does not occur (offset zero is the selector, never an argument). Offsets are at least 4, words do not overlap.
struct Template {
    bytes32 hash;
    uint16 amountWord;
    uint16 minOutWord;
    uint16 deadlineWord;
}

/// @notice One venue call that turns at most `maxAmount` of `tokenIn` into `tokenOut` with a floor from two oracles.
/// @dev `spender` is approved for exactly the leg's amount before the call and has no allowance afterwards; zero means
/// no approval (native coin in). `sourceIn`, `sourceOut`: IPriceSource contracts, both non-zero. `maxSlippageBps` < 10,000
/// bounds (value of spent at the high price - value of received at the low price) / value of spent.
/// `dust`: units of tokenIn that may be spent above the amount. `maxHolding`: the Safe's balance of tokenOut after the leg.
struct SwapRule {
    address target;
    address spender;
    address tokenIn;
    address tokenOut;
    Template template;
    uint96 maxAmount;
    uint96 dust;
    uint128 maxHolding;
    address sourceIn;
    address sourceOut;
    uint16 maxSlippageBps;
    uint32 class;
    uint32 delay;
}

/// @notice One protocol call (supply, withdraw, wrap, claim) whose floor is a rate instead of an oracle. Exits have the
/// same fields under their own tag; guardians run them while the Kernel is paused.
/// @dev Rates are units of tokenOut for 1e27 units of tokenIn. `vault` zero: the pinned rate is `minRate` and `maxRate`
/// equals it. Otherwise `vault` is an ERC-4626 that is asked (convertToShares if it is tokenOut, convertToAssets if it is
/// tokenIn) and its answer counts only within [minRate, maxRate]. received >= ceil(amount * rate / 1e27) * (10,000 -
/// maxSlippageBps) / 10,000. A claim has `maxAmount` zero: its amount is zero and its rate is zero.
struct ActRule {
    address target;
    address spender;
    address tokenIn;
    address tokenOut;
    Template template;
    uint96 maxAmount;
    uint96 dust;
    uint128 maxHolding;
    address vault;
    uint256 minRate;
    uint256 maxRate;
    uint16 maxSlippageBps;
    uint32 class;
    uint32 delay;
}

/// @notice One step of a run.
/// @dev `rule` is abi.encode of the kind's struct, byte for byte what the leaf was hashed from. Pay and Order do not
/// read `minOut`, `deadline` and `data`. `amount`: units of the token paid or of tokenIn. `minOut`: least units of tokenOut the
/// agent accepts; the rule's floor applies besides. `deadline`: Unix time, inclusive. `data`: the venue's calldata.
struct Leg {
    Kind kind;
    bytes rule;
    bytes32[] proof;
    uint96 amount;
    uint256 minOut;
    uint256 deadline;
    bytes data;
}

/// @notice A continuous leaky bucket in one slot. What was spent fills it, time drains it at capacity / drain units a
/// second. In any window T at most capacity + capacity * T / drain units pass. Capacity zero, or never set: closed.
struct Bucket {
    uint96 capacity;
    uint96 level;
    uint32 updated;
    uint32 drain;
}

/// @notice Limits of the bucket (token, class). At deployment `level` is what a former Kernel had spent (zero for the
/// first); later it must be zero: an existing bucket keeps its level and a new one starts full.
struct BucketSetting {
    address token;
    uint32 class;
    uint96 capacity;
    uint96 level;
    uint32 drain;
}

/// @notice All that a Kernel is born with. `agentCodeHash` zero: the agent is a key without code.
struct Birth {
    address safe;
    address registry;
    address agent;
    bytes32 agentCodeHash;
    address[] guardians;
    bytes32 root;
    bytes32 documentHash;
    BucketSetting[] buckets;
    uint32 configDelay;
    uint32 rekeyDelay;
    uint32 window;
}

/// @notice A change the Safe has announced. It may be made from `readyAt` until `expiresAt` (both inclusive), unless
/// `vetoes` reach `needed` before, or the Kernel is paused in between. `needed` zero: cannot be vetoed. `subject`: the
/// guardian it removes, whose veto does not count. `serial` numbers announcements, `pauses` is the count of pauses before it.
struct Pending {
    address subject;
    uint40 readyAt;
    uint40 expiresAt;
    uint32 serial;
    uint32 pauses;
    uint16 vetoes;
    uint16 needed;
}
