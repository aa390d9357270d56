// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceSource, PriceConfig} from "../src/interfaces/IPriceSource.sol";
import {ITwapFeed, TwapConfig} from "../src/interfaces/ITwapFeed.sol";
import {TickRatio} from "../src/libraries/TickRatio.sol";
import {Test} from "./Test.sol";
import {Feed} from "./mocks/Feed.sol";
import {Pool} from "./mocks/Pool.sol";
import {Token} from "./mocks/Token.sol";

contract TickRatioCaller {
    function scaled(uint256 amount, int256 tick) external pure returns (uint256) {
        return TickRatio.scaled(amount, tick);
    }
}

/// @title A pool's average price in a feed's clothes, or a revert; prices of the real pool are tested from Python
contract TwapFeedTest is Test {
    uint32 private constant WINDOW = 1 hours;
    uint128 private constant LEAST = 1e12;

    Token private token;
    Token private quote;
    Pool private pool;
    Feed private dollars;
    ITwapFeed private twap;
    TickRatioCaller private ratio;

    function setUp() external {
        vm.warp(1_800_000_000);
        (token, quote) = (new Token("Hall", "HALL", 18), new Token("USD Coin", "USDC", 6));
        pool = new Pool(address(token), address(quote));
        dollars = new Feed(8, 1e8);
        ratio = new TickRatioCaller();
        _tick(0);
        twap = _new(_config());
    }

    /* THE PRICE */

    function test_a_tick_of_nought_is_one_unit_for_one() external view {
        // One unit of 18 decimals for one of 6: a whole token is a million million dollars.
        assertEq(_answer(), 1e18 * 1e12, "answer");
    }

    function test_the_average_is_rounded_down_on_both_sides_of_nought() external {
        pool.set([int56(0), int56(uint56(WINDOW)) * 7 + 1], _deep());
        (int256 tick,) = twap.consult();
        assertEq(uint256(tick), 7, "above");
        pool.set([int56(0), -int56(uint56(WINDOW)) * 7 - 1], _deep());
        (tick,) = twap.consult();
        assertEq(uint256(-tick), 8, "below");
        pool.set([int56(0), -int56(uint56(WINDOW)) * 7], _deep());
        (tick,) = twap.consult();
        assertEq(uint256(-tick), 7, "exactly");
    }

    function testFuzz_sums_may_wrap(int56 before, int24 tick) external {
        tick = int24(int256(bound(uint256(int256(tick) + 2 ** 23), 2 ** 23 - 400_000, 2 ** 23 + 400_000)) - 2 ** 23);
        unchecked {
            pool.set([before, before + int56(tick) * int56(uint56(WINDOW))], [type(uint160).max, uint160(1e6)]);
        }
        (int256 found, uint256 liquidity) = twap.consult();
        assertEq(uint256(found + 1e6), uint256(int256(tick) + 1e6), "tick");
        assertEq(liquidity, (uint256(WINDOW) << 128) / (1e6 + 1), "liquidity");
    }

    function testFuzz_the_other_side_of_the_pool_has_the_inverse_price(int24 tick) external {
        tick = int24(int256(bound(uint256(int256(tick) + 2 ** 23), 2 ** 23 - 100_000, 2 ** 23 + 100_000)) - 2 ** 23);
        quote = new Token("Dai", "DAI", 18);
        pool = new Pool(address(token), address(quote));
        _tick(tick);
        TwapConfig memory config = _config();
        (, int256 answer,,,) = _new(config).latestRoundData();
        config.token = address(quote);
        (, int256 inverse,,,) = _new(config).latestRoundData();
        uint256 product = uint256(answer) * uint256(inverse);
        assertLe(product, 1e36, "never above one");
        // The smaller of both has fourteen digits.
        assertLe(1e36 - product, 1e23, "and as near as they tell");
    }

    function test_decimals_are_taken_away_where_the_quote_has_more_than_the_token() external {
        (token, quote) = (new Token("USD Coin", "USDC", 6), new Token("Dai", "DAI", 18));
        pool = new Pool(address(token), address(quote));
        // 1e12 units of DAI for a unit of USDC: e^(ln(1e12) / ln 1.0001), rounded down, so at most a tick below a dollar.
        _tick(276_324);
        (, int256 answer,,,) = _new(_config()).latestRoundData();
        assertLe(uint256(answer), 1e18, "not above");
        assertLe(1e18 - uint256(answer), 1e14, "a tick");
    }

    function test_a_price_that_no_feed_could_say_is_none() external {
        _tick(443_636);
        dollars.set(4e35);
        vm.expectRevert(abi.encodeWithSelector(TickRatio.TickOutOfRange.selector, int256(443_636)));
        twap.latestRoundData();
    }

    function testFuzz_a_higher_tick_is_never_a_lower_price(uint96 amount, int24 tick) external view {
        int256 at = int256(bound(uint256(int256(tick) + 2 ** 23), 0, 2 * 443_635)) - 443_636;
        assertLe(ratio.scaled(amount, at), ratio.scaled(amount, at + 1), "monotonic");
    }

    function test_what_is_no_market_has_no_price() external {
        vm.expectRevert(abi.encodeWithSelector(TickRatio.TickOutOfRange.selector, int256(443_637)));
        ratio.scaled(1, 443_637);
        vm.expectRevert(abi.encodeWithSelector(TickRatio.TickOutOfRange.selector, int256(-443_637)));
        ratio.scaled(1, -443_637);
        assertLe(ratio.scaled(1, 443_636), 2 ** 64, "the largest");
        assertEq(ratio.scaled(2 ** 64, -443_636), 1, "the smallest");
    }

    /* THE ROUND IS THE QUOTE'S */

    function test_time_and_round_are_those_of_the_quotes_answer() external {
        dollars.setRound(Feed.Round(9, 1e8, 5, block.timestamp - 7, 8));
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = twap.latestRoundData();
        assertEq(uint256(answer), 1e30, "answer");
        assertEq(id, 9, "round");
        assertEq(startedAt, 5, "started");
        assertEq(updatedAt, block.timestamp - 7, "updated");
        assertEq(answeredIn, 8, "answered in");
    }

    function testFuzz_an_answer_of_the_quote_that_is_not_positive_passes_through(int256 answer) external {
        answer = answer > 0 ? -answer : answer;
        dollars.set(answer);
        (, int256 found,,,) = twap.latestRoundData();
        assertTrue(found == answer, "as it is");
    }

    /* WHAT IS NO PRICE */

    function test_a_thin_pool_is_refused_from_one_unit_below() external {
        uint256 inverse = (uint256(WINDOW) << 128) / LEAST;
        pool.set([int56(0), 0], [uint160(0), uint160(inverse)]);
        twap.latestRoundData();
        pool.set([int56(0), 0], [uint160(0), uint160((uint256(WINDOW) << 128) / (LEAST - 1))]);
        vm.expectRevert(abi.encodeWithSelector(ITwapFeed.ThinPool.selector, uint256(LEAST - 1), uint256(LEAST)));
        twap.latestRoundData();
    }

    function test_a_price_source_takes_each_failure_for_an_absent_feed() external {
        // About 2,000 dollars: e^(ln(2000 * 1e6 / 1e18) / ln 1.0001).
        _tick(-200_311);
        Feed first = new Feed(8, 2000e8);
        IPriceSource source = _source(first);
        (uint256 low, uint256 high) = source.prices();
        assertTrue(low != high && (high - low) * 10_000 <= low, "within a tick of each other");
        pool.forget();
        vm.expectRevert(abi.encodeWithSelector(IPriceSource.FeedUnusable.selector, address(twap), bytes32("absent")));
        source.prices();
    }

    function test_a_price_source_refuses_a_pool_that_somebody_moved() external {
        _tick(-200_311);
        Feed first = new Feed(8, 2000e8);
        IPriceSource source = _source(first);
        source.prices();
        _tick(-200_311 + 201);
        vm.expectRevert();
        source.prices();
    }

    function test_a_stale_quote_is_a_stale_price() external {
        _tick(-200_311);
        Feed first = new Feed(8, 2000e8);
        IPriceSource source = _source(first);
        vm.warp(block.timestamp + 1 hours + 1);
        first.set(2000e8);
        vm.expectRevert(abi.encodeWithSelector(IPriceSource.FeedUnusable.selector, address(twap), bytes32("stale")));
        source.prices();
    }

    /* BIRTH */

    function test_it_is_what_it_was_born_as() external view {
        assertEq(twap.pool(), address(pool), "pool");
        assertEq(twap.token(), address(token), "token");
        assertEq(twap.quoteFeed(), address(dollars), "quote feed");
        assertEq(twap.window(), WINDOW, "window");
        assertEq(twap.minLiquidity(), LEAST, "least liquidity");
        assertEq(twap.decimals(), 18, "decimals");
    }

    function test_a_configuration_that_contradicts_itself_is_refused() external {
        TwapConfig memory config = _config();
        config.pool = address(0xdead);
        _refused(config, "pool");
        config = _config();
        config.token = address(dollars);
        _refused(config, "token");
        config = _config();
        config.window = 30 minutes - 1;
        _refused(config, "window");
        config.window = 1 days + 1;
        _refused(config, "window");
        config = _config();
        config.minLiquidity = 0;
        _refused(config, "minLiquidity");
    }

    function test_a_pool_without_so_long_a_record_is_found_out_at_birth() external {
        pool.forget();
        bytes memory reason = abi.encodeWithSignature("Error(string)", "OLD");
        assertUnborn("TwapFeed.sol:TwapFeed", abi.encode(_config()), reason);
    }

    /* PARTS */

    function _config() private view returns (TwapConfig memory) {
        return TwapConfig(address(pool), address(token), address(dollars), WINDOW, LEAST);
    }

    function _new(TwapConfig memory config) private returns (ITwapFeed) {
        return ITwapFeed(vm.deployCode("TwapFeed.sol:TwapFeed", abi.encode(config)));
    }

    function _refused(TwapConfig memory config, bytes32 field) private {
        bytes memory reason = abi.encodeWithSelector(ITwapFeed.BadTwap.selector, field);
        assertUnborn("TwapFeed.sol:TwapFeed", abi.encode(config), reason);
    }

    function _source(Feed first) private returns (IPriceSource) {
        PriceConfig memory config = PriceConfig({
            token: address(token),
            decimals: 18,
            feeds: [address(first), address(twap)],
            maxAges: [uint32(1 hours), uint32(1 hours)],
            maxDeviationBps: 200,
            sequencer: address(0)
        });
        return IPriceSource(vm.deployCode("PriceSource.sol:PriceSource", abi.encode(config)));
    }

    function _tick(int24 tick) private {
        pool.set([int56(0), int56(tick) * int56(uint56(WINDOW))], _deep());
    }

    /// @dev An inverse so small that the pool is deep.
    function _deep() private pure returns (uint160[2] memory) {
        return [uint160(0), uint160(1e6)];
    }

    function _answer() private view returns (uint256) {
        (, int256 answer,,,) = twap.latestRoundData();
        return uint256(answer);
    }
}
