// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceSource} from "../src/interfaces/IPriceSource.sol";
import {SwapFixture} from "./SwapFixture.sol";

/// @title Errors that other suites raise by chance only: `tools/prove-errors` wants to see each of them every time
contract ErrorsTest is SwapFixture {
    function test_sources_a_tenth_apart_price_nothing() external {
        usdcFeeds[1].set(0.9e8);
        vm.expectRevert(abi.encodeWithSelector(IPriceSource.SourcesDeviate.selector, 0.9e18, 1e18, 50));
        IPriceSource(usdcSource).prices();
    }
}
