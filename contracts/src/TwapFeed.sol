// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAggregator} from "./interfaces/IAggregator.sol";
import {IERC20Decimals} from "./interfaces/IERC20.sol";
import {ITwapFeed, TwapConfig} from "./interfaces/ITwapFeed.sol";
import {IUniswapV3Oracle} from "./interfaces/IUniswapV3Oracle.sol";
import {TickRatio} from "./libraries/TickRatio.sol";

/// @title A pool's time-weighted average price as the second feed of a price source
/// @notice UNAUDITED. For tokens with one Chainlink feed only: a price source wants two independent sources. No owner, no
/// storage. Anything off reverts, which a price source takes for an absent feed.
/// @dev Not covered: whoever holds the pool away from the market for much of the window, against arbitrage, at his own cost;
/// the first feed's bound on deviation stops the swaps then. A pool of tokens that both move is as good as `quoteFeed`.
contract TwapFeed is ITwapFeed {
    uint8 public constant decimals = 18;
    uint256 private constant MIN_WINDOW = 30 minutes;
    uint256 private constant MAX_WINDOW = 1 days;
    uint256 private constant MAX_DECIMALS = 36;

    address public immutable pool;
    address public immutable token;
    address public immutable quoteFeed;
    uint32 public immutable window;
    uint128 public immutable minLiquidity;

    /// @dev Whether the pool's price is of this token in the other, not the other way round.
    bool private immutable _isToken0;
    /// @dev Units of 1e-18 USD for a whole token, of one unit of `quoteFeed` and one unit of the quote for a unit of the token.
    uint256 private immutable _multiplier;
    uint256 private immutable _divisor;

    constructor(TwapConfig memory config) {
        if (config.pool.code.length == 0) revert BadTwap("pool");
        (address token0, address token1) =
            (IUniswapV3Oracle(config.pool).token0(), IUniswapV3Oracle(config.pool).token1());
        if (config.token != token0 && config.token != token1) revert BadTwap("token");
        if (config.window < MIN_WINDOW || config.window > MAX_WINDOW) revert BadTwap("window");
        if (config.minLiquidity == 0) revert BadTwap("minLiquidity");
        _isToken0 = config.token == token0;
        (pool, token, quoteFeed) = (config.pool, config.token, config.quoteFeed);
        (window, minLiquidity) = (config.window, config.minLiquidity);
        (_multiplier, _divisor) = _scales(config.token, config.token == token0 ? token1 : token0, config.quoteFeed);
        // A pool that does not remember that long yet is found out now.
        _average(config.pool, config.window);
    }

    function _scales(address token_, address quote, address feed) private view returns (uint256, uint256) {
        uint256 up = 18 + _decimalsOf(token_);
        uint256 down = uint256(IAggregator(feed).decimals()) + _decimalsOf(quote);
        return up >= down ? (10 ** (up - down), uint256(1)) : (uint256(1), 10 ** (down - up));
    }

    function _decimalsOf(address token_) private view returns (uint256 found) {
        found = IERC20Decimals(token_).decimals();
        if (found > MAX_DECIMALS) revert BadTwap("token");
    }

    /// @inheritdoc IAggregator
    /// @dev The round is the quote's: the average is of this very block, so the older of both is the quote's answer.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        (roundId, answer, startedAt, updatedAt, answeredInRound) = IAggregator(quoteFeed).latestRoundData();
        if (answer > 0) answer = _priced(uint256(answer));
    }

    /// @dev At most one unit, and one part in 2^59, below the exact product.
    function _priced(uint256 quoteAnswer) private view returns (int256) {
        (int256 tick, uint256 liquidity) = consult();
        if (liquidity < minLiquidity) revert ThinPool(liquidity, minLiquidity);
        uint256 price = TickRatio.scaled(quoteAnswer * _multiplier, _isToken0 ? tick : -tick) / _divisor;
        // Safe to cast then; a price of zero is for the price source to refuse.
        if (price > uint256(type(int256).max)) revert TickRatio.TickOutOfRange(tick);
        return int256(price);
    }

    /// @inheritdoc ITwapFeed
    function consult() public view returns (int256 tick, uint256 liquidity) {
        return _average(pool, window);
    }

    function _average(address pool_, uint32 window_) private view returns (int256 tick, uint256 liquidity) {
        uint32[] memory agos = new uint32[](2);
        agos[0] = window_;
        (int56[] memory ticks, uint160[] memory inverses) = IUniswapV3Oracle(pool_).observe(agos);
        // Sums wrap, and so do their differences.
        unchecked {
            int256 passed = ticks[1] - ticks[0];
            int256 seconds_ = int256(uint256(window_));
            tick = passed / seconds_;
            if (passed < 0 && passed % seconds_ != 0) tick--;
            uint256 inverse = inverses[1] - inverses[0];
            liquidity = inverse == 0 ? type(uint256).max : (uint256(window_) << 128) / inverse;
        }
    }
}
