// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IWatch, Watched, WatchBirth} from "../src/interfaces/IWatch.sol";
import {SwapFixture} from "./SwapFixture.sol";
import {Token} from "./mocks/Token.sol";

/// @title The treasury with a watch that stops it five percent below its mark
/// @dev 1,000,000 of the stablecoin at 0.9999 and 100 ether at 2,000: 1,199,900 dollars.
abstract contract WatchFixture is SwapFixture {
    uint16 internal constant DRAWDOWN_BPS = 500;
    uint32 internal constant CONFIRM = 20;
    uint32 internal constant EXPIRY = 300;
    uint256 internal constant START_BLOCK = 1_000_000;
    uint256 internal constant MARK = 1_199_900e8;

    IWatch internal watch;
    Token internal own;

    function setUp() public virtual override {
        super.setUp();
        vm.roll(START_BLOCK);
        own = new Token("Own", "DAO", 18);
        own.mint(safe, 1e27);
        watch = newWatch(watchBirth());
        vm.prank(safe);
        kernel.addGuardian(address(watch));
    }

    /// @dev From the artifact: what is tested is byte for byte what ships.
    function newWatch(WatchBirth memory birth) internal returns (IWatch) {
        return IWatch(vm.deployCode("Watch.sol:Watch", abi.encode(birth)));
    }

    function watchBirth() internal view returns (WatchBirth memory) {
        return WatchBirth(address(kernel), watchedTokens(), address(own), DRAWDOWN_BPS, CONFIRM, EXPIRY, address(0));
    }

    function watchedTokens() internal view returns (Watched[] memory tokens) {
        bool isSorted = address(usdc) < address(weth);
        Watched memory dollar = Watched(address(usdc), usdcSource);
        Watched memory wrapped = Watched(address(weth), wethSource);
        tokens = new Watched[](3);
        tokens[0] = Watched(address(0), etherSource);
        (tokens[1], tokens[2]) = isSorted ? (dollar, wrapped) : (wrapped, dollar);
    }

    /* WHAT HAPPENS */

    function trip() internal {
        vm.prank(stranger);
        watch.trip();
    }

    function tripRefused(bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(stranger);
        watch.trip();
    }

    function mine(uint256 blocks) internal {
        vm.roll(vm.getBlockNumber() + blocks);
    }

    function etherAt(int256 dollars) internal {
        etherFeeds[0].set(dollars * 1e8);
        etherFeeds[1].set(dollars * 1e18);
    }

    /// @dev Thirty-five percent: 70,000 of 1,199,900 dollars.
    function etherFalls() internal {
        etherAt(1300);
    }

    function noDrawdown(uint256 wealthE8) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IWatch.NoDrawdown.selector, wealthE8, watch.floorE8());
    }

    function ownersPay(uint256 units) internal {
        vm.prank(safe);
        usdc.transfer(bob, units);
    }
}
