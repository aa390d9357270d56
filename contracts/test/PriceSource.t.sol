// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceSource, PriceConfig} from "../src/interfaces/IPriceSource.sol";
import {Test} from "./Test.sol";
import {Feed} from "./mocks/Feed.sol";
import {Token} from "./mocks/Token.sol";

/// @title A price source answers between its two feeds, against the agent, or not at all
contract PriceSourceTest is Test {
    uint32 private constant AGE = 1 hours;
    uint32 private constant OTHER_AGE = 1 days;
    uint16 private constant DEVIATION_BPS = 100;

    Token private token;
    Feed private first;
    Feed private second;
    IPriceSource private source;

    function setUp() external {
        vm.warp(1_800_000_000);
        token = new Token("USD Coin", "USDC", 6);
        first = new Feed(8, 1e8);
        second = new Feed(18, 1.005e18);
        source = _new(_config());
    }

    /* VALUES */

    function test_the_value_lies_between_the_lower_source_and_the_higher() external view {
        (uint256 low, uint256 high) = source.valueE8(1000e6);
        assertEq(low, 1000e8, "low");
        assertEq(high, 1005e8, "high");
    }

    function testFuzz_rounding_is_down_for_what_comes_and_up_for_what_goes(uint128 units, uint96 answer, uint8 decimals)
        external
    {
        decimals = uint8(bound(decimals, 0, 27));
        // Four times as much for as many units is no number of 256 bits any more, and reverts.
        answer = uint96(bound(answer, 1e4, type(uint96).max / 4));
        token = new Token("Any", "ANY", decimals);
        (first, second) = (new Feed(8, int256(uint256(answer))), new Feed(8, int256(uint256(answer))));
        (uint256 low, uint256 high) = _new(_config()).valueE8(units);
        uint256 exact = uint256(units) * answer;
        assertLe(low * 10 ** decimals, exact, "low is not above");
        assertLe(exact, high * 10 ** decimals, "high is not below");
        assertLe(high - low, 1, "and both are as near as they can be");
    }

    function testFuzz_the_order_of_the_feeds_does_not_matter(uint64 one, uint64 other, uint96 units) external {
        one = uint64(bound(one, 1e8, 1.01e8));
        other = uint64(bound(other, 1e8, 1.01e8));
        (first, second) = (new Feed(8, int256(uint256(one))), new Feed(8, int256(uint256(other))));
        (uint256 low, uint256 high) = _new(_config()).valueE8(units);
        (first, second) = (second, first);
        (uint256 otherLow, uint256 otherHigh) = _new(_config()).valueE8(units);
        assertEq(low, otherLow, "low");
        assertEq(high, otherHigh, "high");
    }

    function test_ether_is_priced_as_token_zero() external {
        PriceConfig memory config = _config();
        (config.token, config.decimals) = (address(0), 18);
        (uint256 low,) = _new(config).valueE8(2 ether);
        assertEq(low, 2e8, "low");
    }

    /* FEEDS */

    function testFuzz_an_answer_that_is_not_positive_is_none(int256 answer, bool which) external {
        answer = answer > 0 ? -answer : answer;
        _feed(which).set(answer);
        _unusable(_feed(which), "not positive");
    }

    function test_nothing_is_worth_nothing() external {
        first.set(0);
        _unusable(first, "not positive");
    }

    function test_a_feed_that_reverts_is_absent() external {
        first.kill();
        _unusable(first, "absent");
    }

    function test_a_feed_without_code_or_with_short_answers_is_absent() external {
        vm.etch(address(second), "");
        _unusable(second, "absent");
        // PUSH1 64, PUSH0, RETURN: two words instead of five.
        vm.etch(address(second), hex"60405ff3");
        _unusable(second, "absent");
    }

    function test_a_round_that_is_not_complete_is_none() external {
        first.setRound(Feed.Round(5, 1e8, block.timestamp, 0, 5));
        _unusable(first, "incomplete");
        first.setRound(Feed.Round(5, 1e8, block.timestamp, block.timestamp, 4));
        _unusable(first, "incomplete");
    }

    function testFuzz_the_future_is_not_known(uint64 ahead, bool which) external {
        vm.assume(ahead != 0);
        _feed(which).setRound(Feed.Round(5, 1e8, 0, block.timestamp + ahead, 5));
        _unusable(_feed(which), "future");
    }

    function test_each_feed_has_its_own_age_and_its_last_second_counts() external {
        vm.warp(block.timestamp + AGE);
        source.valueE8(1);
        vm.warp(vm.getBlockTimestamp() + 1);
        _unusable(first, "stale");
        first.set(1e8);
        vm.warp(vm.getBlockTimestamp() + OTHER_AGE - AGE - 1);
        first.set(1e8);
        source.valueE8(1);
        vm.warp(vm.getBlockTimestamp() + 1);
        _unusable(second, "stale");
    }

    function testFuzz_sources_may_differ_by_the_bound_and_no_more(uint64 low, uint64 high) external {
        low = uint64(bound(low, 1, type(uint32).max));
        high = uint64(bound(high, low, uint256(low) * 103 / 100 + 1));
        first.set(int256(uint256(low)));
        second.set(int256(uint256(high)) * 1e10);
        bool isAllowed = uint256(high - low) * 10_000 <= uint256(low) * DEVIATION_BPS;
        if (!isAllowed) {
            bytes4 selector = IPriceSource.SourcesDeviate.selector;
            vm.expectRevert(abi.encodeWithSelector(selector, uint256(low) * 1e10, uint256(high) * 1e10, DEVIATION_BPS));
        }
        source.valueE8(1);
    }

    /* THE SEQUENCER */

    function test_prices_count_an_hour_after_the_sequencer_is_back() external {
        Feed sequencer = _withSequencer();
        sequencer.setRound(Feed.Round(1, 0, block.timestamp, block.timestamp, 1));
        _down(block.timestamp);
        vm.warp(block.timestamp + 1 hours - 1);
        first.set(1e8);
        _down(1_800_000_000);
        vm.warp(1_800_000_000 + 1 hours);
        source.valueE8(1);
        vm.warp(1_800_000_000 + 1 hours + 1);
        first.set(1e8);
        source.valueE8(1);
    }

    function test_a_sequencer_that_is_down_or_was_never_seen_stops_everything() external {
        Feed sequencer = _withSequencer();
        sequencer.setRound(Feed.Round(1, 1, block.timestamp - 1 days, block.timestamp, 1));
        _down(0);
        sequencer.setRound(Feed.Round(1, -1, block.timestamp - 1 days, block.timestamp, 1));
        _down(0);
        sequencer.setRound(Feed.Round(1, 0, 0, block.timestamp, 1));
        _down(0);
        sequencer.setRound(Feed.Round(1, 0, block.timestamp + 1 days, block.timestamp, 1));
        _down(block.timestamp + 1 days);
        sequencer.kill();
        _unusable(sequencer, "absent");
    }

    /* CONFIGURATION */

    function test_decimals_are_those_of_the_token() external {
        PriceConfig memory config = _config();
        config.decimals = 18;
        _refused(config, "decimals");
        (config.token, config.decimals) = (address(0), 6);
        _refused(config, "decimals");
    }

    function test_one_feed_is_not_two_sources() external {
        PriceConfig memory config = _config();
        config.feeds[1] = config.feeds[0];
        _refused(config, "feeds");
    }

    function test_bounds_bound_something() external {
        PriceConfig memory config = _config();
        config.maxAges[0] = 0;
        _refused(config, "maxAges");
        config.maxAges = [AGE, 7 days + 1];
        _refused(config, "maxAges");
        config = _config();
        config.maxDeviationBps = 10_000;
        _refused(config, "maxDeviationBps");
        config.maxDeviationBps = 0;
        _refused(config, "maxDeviationBps");
        config = _config();
        config.sequencer = address(0xDEAD);
        _refused(config, "sequencer");
    }

    /* STEPS */

    function _config() private view returns (PriceConfig memory) {
        address[2] memory feeds = [address(first), address(second)];
        return PriceConfig(address(token), token.decimals(), feeds, [AGE, OTHER_AGE], DEVIATION_BPS, address(0));
    }

    function _new(PriceConfig memory config) private returns (IPriceSource) {
        return IPriceSource(vm.deployCode("PriceSource.sol:PriceSource", abi.encode(config)));
    }

    function _withSequencer() private returns (Feed sequencer) {
        sequencer = new Feed(0, 0);
        PriceConfig memory config = _config();
        config.sequencer = address(sequencer);
        source = _new(config);
    }

    function _feed(bool which) private view returns (Feed) {
        return which ? first : second;
    }

    function _unusable(Feed feed, bytes32 why) private {
        vm.expectRevert(abi.encodeWithSelector(IPriceSource.FeedUnusable.selector, address(feed), why));
        source.valueE8(1);
    }

    function _down(uint256 upSince) private {
        vm.expectRevert(abi.encodeWithSelector(IPriceSource.SequencerDown.selector, upSince));
        source.valueE8(1);
    }

    function _refused(PriceConfig memory config, bytes32 field) private {
        bytes memory reason = abi.encodeWithSelector(IPriceSource.BadConfig.selector, field);
        assertUnborn("PriceSource.sol:PriceSource", abi.encode(config), reason);
    }
}
