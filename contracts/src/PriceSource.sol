// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAggregator} from "./interfaces/IAggregator.sol";
import {IERC20Decimals} from "./interfaces/IERC20.sol";
import {IPriceSource, PriceConfig} from "./interfaces/IPriceSource.sol";

/// @title The USD price of one token from two Chainlink feeds, or a revert
/// @notice UNAUDITED. No owner, no storage: what it was born with is what it is. Anything off stops swaps of the token
/// for as long as it lasts; payments never ask.
/// @dev Not covered: a true price outside both feeds, and a proxy whose owner changes the feed's decimals or meaning.
contract PriceSource is IPriceSource {
    uint256 private constant BPS = 10_000;
    uint256 private constant PRICE_DECIMALS = 18;
    uint256 private constant VALUE_DECIMALS = 8;
    uint256 private constant MAX_TOKEN_DECIMALS = 36;
    uint256 private constant MAX_AGE = 7 days;
    /// @dev After an outage prices catch up before anybody trades on them.
    uint256 private constant GRACE = 1 hours;
    /// @dev Words of latestRoundData.
    uint256 private constant ROUND_BYTES = 160;

    address public immutable token;
    uint8 public immutable decimals;
    address public immutable firstFeed;
    address public immutable secondFeed;
    uint32 public immutable firstMaxAge;
    uint32 public immutable secondMaxAge;
    uint16 public immutable maxDeviationBps;
    address public immutable sequencer;

    /// @dev Units of 1e-18 USD in one feed unit; and of (token unit * 1e-18 USD) in 1e-8 USD.
    uint256 private immutable _firstScale;
    uint256 private immutable _secondScale;
    uint256 private immutable _valueScale;

    constructor(PriceConfig memory config) {
        _checkToken(config.token, config.decimals);
        if (config.feeds[0] == config.feeds[1]) revert BadConfig("feeds");
        if (config.maxDeviationBps == 0 || config.maxDeviationBps >= BPS) revert BadConfig("maxDeviationBps");
        if (config.sequencer != address(0) && config.sequencer.code.length == 0) revert BadConfig("sequencer");
        (token, decimals) = (config.token, config.decimals);
        (firstFeed, secondFeed) = (config.feeds[0], config.feeds[1]);
        (firstMaxAge, secondMaxAge) = (_checkedAge(config.maxAges[0]), _checkedAge(config.maxAges[1]));
        (maxDeviationBps, sequencer) = (config.maxDeviationBps, config.sequencer);
        (_firstScale, _secondScale) = (_scaleOf(config.feeds[0]), _scaleOf(config.feeds[1]));
        _valueScale = 10 ** (PRICE_DECIMALS + config.decimals - VALUE_DECIMALS);
    }

    /* VALUES */

    /// @inheritdoc IPriceSource
    function valueE8(uint256 units) external view returns (uint256 lowE8, uint256 highE8) {
        (uint256 low, uint256 high) = prices();
        lowE8 = units * low / _valueScale;
        highE8 = (units * high + _valueScale - 1) / _valueScale;
    }

    /// @inheritdoc IPriceSource
    function prices() public view returns (uint256 low, uint256 high) {
        _checkSequencer();
        uint256 first = _answer(firstFeed, firstMaxAge) * _firstScale;
        uint256 second = _answer(secondFeed, secondMaxAge) * _secondScale;
        (low, high) = first < second ? (first, second) : (second, first);
        if ((high - low) * BPS > low * maxDeviationBps) revert SourcesDeviate(low, high, maxDeviationBps);
    }

    /* FEEDS */

    /// @dev The round and the block it is read in share one clock: an answer of the future is forgiven no second.
    function _answer(address feed, uint256 maxAge) private view returns (uint256) {
        (uint256 roundId, int256 answer,, uint256 updatedAt, uint256 answeredInRound) = _round(feed);
        if (answer <= 0) revert FeedUnusable(feed, "not positive");
        if (updatedAt == 0 || answeredInRound < roundId) revert FeedUnusable(feed, "incomplete");
        if (updatedAt > block.timestamp) revert FeedUnusable(feed, "future");
        if (block.timestamp - updatedAt > maxAge) revert FeedUnusable(feed, "stale");
        // Safe: it is positive.
        return uint256(answer);
    }

    /// @dev Sequencer feeds answer 0 for up and 1 for down, and `startedAt` is when that began: zero before the first round.
    function _checkSequencer() private view {
        if (sequencer == address(0)) return;
        (, int256 answer, uint256 upSince,,) = _round(sequencer);
        if (answer != 0 || upSince == 0) revert SequencerDown(0);
        if (block.timestamp < upSince + GRACE) revert SequencerDown(upSince);
    }

    /// @dev A plain call: one that reverts, lies where no code is, or is too short would revert without a reason otherwise.
    function _round(address feed) private view returns (uint256, int256, uint256, uint256, uint256) {
        (bool success, bytes memory returned) = feed.staticcall(abi.encodeCall(IAggregator.latestRoundData, ()));
        if (!success || returned.length < ROUND_BYTES) revert FeedUnusable(feed, "absent");
        return abi.decode(returned, (uint256, int256, uint256, uint256, uint256));
    }

    /* CONFIGURATION */

    /// @dev Decimals come with the policy and from the chain: wrong ones once cost a treasury three orders of magnitude.
    function _checkToken(address token_, uint256 decimals_) private view {
        uint256 found = token_ == address(0) ? 18 : IERC20Decimals(token_).decimals();
        if (found != decimals_ || decimals_ > MAX_TOKEN_DECIMALS) revert BadConfig("decimals");
    }

    function _checkedAge(uint32 age) private pure returns (uint32) {
        if (age == 0 || age > MAX_AGE) revert BadConfig("maxAges");
        return age;
    }

    function _scaleOf(address feed) private view returns (uint256) {
        uint256 feedDecimals = IAggregator(feed).decimals();
        if (feedDecimals > PRICE_DECIMALS) revert BadConfig("feeds");
        return 10 ** (PRICE_DECIMALS - feedDecimals);
    }
}
