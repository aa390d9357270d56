// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A token that counts, and the IPriceSource of that very token. Token zero is the native coin.
struct Watched {
    address token;
    address source;
}

/// @notice All that a watch is born with. `tokens`: one to eight, ascending by address, so none twice. `ownToken`: the
/// DAO's own, which may not be among them; zero for none. `maxDrawdownBps`: 1 to 9,999 of the mark. `confirmBlocks`: from the first
/// observation to the one that pauses, at least one; `expiryBlocks`: how long after that the first still counts, at least one.
/// `predecessor`: the same Safe's former watch of the same tokens, whose mark goes on; zero makes the wealth of now the mark.
struct WatchBirth {
    address kernel;
    Watched[] tokens;
    address ownToken;
    uint16 maxDrawdownBps;
    uint32 confirmBlocks;
    uint32 expiryBlocks;
    address predecessor;
}

/// @title A drawdown stop that anybody may pull: merely a guardian of the Kernel, which can do nothing but pause it
/// @dev Wealth is what the listed tokens in the Safe are worth at the lower of their two prices, in USD 1e-8, payments and orders
/// since the mark added back at today's price. The mark moves by `rebase` alone. Nothing is read but balances, feeds and
/// the Kernel's counters: no pool and no vault, whose state one transaction can bend.
interface IWatch {
    /// @notice Wealth fell below the floor at `blockNumber`: from `confirmableAt` on a second observation pauses.
    event Observed(address indexed by, uint256 wealthE8, uint256 floorE8, uint256 confirmableAt);
    /// @notice Wealth was back at the floor or above: the observation is void.
    event Recovered(address indexed by, uint256 wealthE8, uint256 floorE8);
    /// @notice The Kernel was paused.
    event Tripped(address indexed by, uint256 wealthE8, uint256 floorE8);
    /// @notice The mark is the wealth of now.
    event Rebased(uint256 markE8);
    /// @notice Born with the mark of a former watch, and with what was paid since.
    event Inherited(address indexed predecessor, uint256 markE8);

    /// @notice The configuration contradicts itself or the chain; `field` is the name in WatchBirth.
    error BadWatch(bytes32 field);
    /// @notice `caller` is not the Safe.
    error NotSafe(address caller);
    /// @notice A leg of the Kernel is running: balances are in between.
    error KernelBusy();
    /// @notice There is nothing to stop.
    error AlreadyPaused();
    /// @notice Wealth is not below the floor, and nothing was observed before.
    error NoDrawdown(uint256 wealthE8, uint256 floorE8);
    /// @notice The first observation stands; a second one counts from block `confirmableAt` on.
    error TooSoon(uint256 confirmableAt);

    /// @notice Anybody observes. Below the floor: the first call is remembered, a second one `confirmBlocks` later pauses the
    /// Kernel. At the floor or above: a remembered observation is void, without one it reverts with `NoDrawdown`.
    /// @dev Reverts as the price sources do. A first observation is never overwritten while it counts.
    function trip() external;

    /// @notice The Safe makes the wealth of now the mark, at once, and voids what was observed.
    function rebase() external;

    /// @notice Wealth against the mark now, USD 1e-8, rounded down. Reverts as the price sources do.
    function wealthE8() external view returns (uint256);

    /// @notice The least wealth at which nothing is observed: mark * (10,000 - maxDrawdownBps) / 10,000, USD 1e-8, rounded down.
    function floorE8() external view returns (uint256);

    /// @notice The Safe whose wealth counts. Immutable.
    function safe() external view returns (address);

    /// @notice Wealth when the Safe last rebased, or at birth, USD 1e-8; a predecessor's mark goes on until the next rebase.
    function markE8() external view returns (uint256);

    /// @notice Block of the first observation that counts; zero means that there is none.
    function observedAt() external view returns (uint256);

    /// @notice Units of `token` paid since the mark, a predecessor's time included: what wealth has added back. For listed tokens.
    function paidSinceMark(address token) external view returns (uint256);

    /// @notice What counts, in the order of its birth.
    function watched() external view returns (Watched[] memory);
}
