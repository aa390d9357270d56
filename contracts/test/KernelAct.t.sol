// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {ActRule, Kind, Leg} from "../src/interfaces/KernelTypes.sol";
import {ActFixture} from "./ActFixture.sol";

/// @title Acts: money that changes its form at a rate known before, and each effect that undoes it
contract KernelActTest is ActFixture, IKernelEvents {
    /* WHAT GOES THROUGH */

    function test_an_act_moves_both_tokens_and_says_so() external {
        pays(2000e6);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit Acted(actLeaf(Kind.Act, supply), address(usdc), address(receipt), 2000e6, 2000e6, ENTRY);
        act(supply, 2000e6);
        assertEq(usdc.balanceOf(safe), TREASURY - 2000e6, "usdc");
        assertEq(receipt.balanceOf(safe), TREASURY + 2000e6, "receipt");
        assertEq(usdc.allowance(safe, address(venue)), 0, "allowance");
    }

    function test_an_act_fills_the_bucket_of_its_class_alone() external {
        pays(2000e6);
        act(supply, 2000e6);
        assertEq(left(address(usdc), ACTS), ACT_CAPACITY - 2000e6, "acts");
        assertEq(left(address(usdc), SWAPS), SWAP_CAPACITY, "swaps");
        assertEq(left(address(usdc), 0), CAPACITY, "payments");
        assertEq(left(address(receipt), EXITS), EXIT_CAPACITY, "exits");
        assertEq(left(address(2), 0), LOSS_CAPACITY, "losses");
    }

    function test_an_act_asks_no_price() external {
        usdcFeeds[0].kill();
        etherFeeds[0].kill();
        pays(2000e6);
        act(supply, 2000e6);
    }

    function test_supply_swap_and_payment_go_in_one_run() external {
        // In units of the receipt it is far too much, in wei next to nothing: each leg has a floor of its own.
        pays(2e18);
        Leg[] memory legs = new Leg[](3);
        legs[0] = actLeg(Kind.Act, supply, 1000e6);
        legs[1] = swapLeg(buyWeth, 2000e6, 1e18);
        legs[2] = payLeg(payAlice, 5e6);
        run(legs);
        assertEq(usdc.balanceOf(alice), 5e6, "alice");
        assertEq(weth.balanceOf(safe), 2e18, "weth");
    }

    function test_ether_is_wrapped_by_sending_it_along() external {
        ActRule memory wrap = actRule(address(0), address(weth), PAR, 2 ether);
        wrap.class = SWAPS;
        _adoptAct(Kind.Act, wrap);
        pays(1 ether);
        act(wrap, 1 ether);
        assertEq(safe.balance, 99 ether, "ether");
        assertEq(weth.balanceOf(safe), 1 ether, "weth");
    }

    /* FLOORS */

    function testFuzz_an_act_passes_exactly_if_its_floor_is_met(uint96 amount, uint16 slippageBps, uint256 give)
        external
    {
        amount = uint96(bound(amount, 1, MAX_ACT));
        ActRule memory rule = supply;
        rule.maxSlippageBps = slippageBps % 10_000;
        _adoptAct(Kind.Act, rule);
        uint256 floor = (uint256(amount) * (10_000 - rule.maxSlippageBps) + 9999) / 10_000;
        give = bound(give, 0, 2 * floor);
        pays(give);
        if (give >= floor) act(rule, amount);
        else actRefused(rule, amount, _tooLittle(address(receipt), give, floor));
    }

    function testFuzz_a_pinned_rate_is_rounded_against_the_agent(uint96 amount, uint128 rate) external {
        amount = uint96(bound(amount, 1, MAX_ACT));
        ActRule memory rule = supply;
        rule.minRate = rule.maxRate = bound(rate, 1, 1e30);
        _adoptAct(Kind.Act, rule);
        uint256 floor = (amount * rule.minRate + PAR - 1) / PAR;
        pays(floor - 1);
        actRefused(rule, amount, _tooLittle(address(receipt), floor - 1, floor));
        pays(floor);
        act(rule, amount);
    }

    function test_the_agent_may_ask_for_more_than_the_floor() external {
        pays(2000e6);
        Leg memory leg = actLeg(Kind.Act, supply, 2000e6);
        leg.minOut = 2000e6 + 1;
        leg.data = actData(supply, leg.amount, leg.minOut, DEADLINE);
        runRefused(one(leg), _tooLittle(address(receipt), 2000e6, 2000e6 + 1));
    }

    /* A VAULT'S WORD */

    function testFuzz_a_vault_s_word_counts_within_the_rule_s_range_alone(uint256 rate) external {
        rate = bound(rate, SHARES / 4, 2 * SHARES);
        vault.setRates(rate, 1e15);
        uint256 shares = 1000e6 * rate / PAR;
        uint256 said = shares * PAR / 1000e6;
        pays(shares);
        if (said < SHARES / 2 || said > SHARES) actRefused(deposit, 1000e6, _outOfRange(said, SHARES / 2, SHARES));
        else act(deposit, 1000e6);
    }

    function test_shares_must_come_as_the_vault_said_before_the_call() external {
        // In the call the vault says that they are worth twice as much, and pays half of them.
        vault.setRates(SHARES, 1e15);
        bytes memory halved = abi.encodeCall(vault.setRates, (SHARES / 2, 2e15));
        venue.instruct(10_000, 500e18, address(vault), halved);
        actRefused(deposit, 1000e6, _tooLittle(address(vault), 500e18, 1000e18));
        venue.instruct(10_000, 1000e18, address(vault), halved);
        act(deposit, 1000e6);
    }

    function test_shares_are_redeemed_at_what_the_vault_says_they_are_worth() external {
        vault.setRates(SHARES, 0.9e15);
        pays(900e6 - 1);
        actRefused(redeem, 1000e18, _tooLittle(address(usdc), 900e6 - 1, 900e6));
        pays(900e6);
        act(redeem, 1000e18);
        vault.setRates(SHARES, 0.4e15);
        pays(400e6);
        actRefused(redeem, 1000e18, _outOfRange(0.4e15, 0.5e15, 1e15));
    }

    /* CLAIMS */

    function test_a_claim_spends_nothing_and_takes_what_comes() external {
        pays(7e18);
        act(claim, 0);
        assertEq(reward.balanceOf(safe), 7e18, "reward");
        assertEq(receipt.balanceOf(safe), TREASURY, "receipt");
        pays(0);
        act(claim, 0);
    }

    function test_a_claim_that_takes_something_is_refused() external {
        // The venue still has an allowance, given in the owner lane, and helps itself.
        vm.prank(safe);
        receipt.approve(address(venue), 5);
        venue.instruct(10_000, 1e18, address(venue), abi.encodeCall(venue.drain, (receipt, safe, 5)));
        actRefused(claim, 0, abi.encodeWithSelector(IKernelErrors.SpentTooMuch.selector, address(receipt), 5, 0));
    }

    function test_only_claims_ask_for_nothing_and_claims_for_nothing_else() external {
        actRefused(supply, 0, abi.encodeWithSelector(IKernelErrors.AmountIsZero.selector));
        actRefused(claim, 1, abi.encodeWithSelector(IKernelErrors.AboveRuleMaximum.selector, 1, 0));
    }

    /* CAPS */

    function test_no_more_than_the_bucket_of_the_class() external {
        pays(MAX_ACT);
        act(supply, MAX_ACT);
        act(supply, MAX_ACT);
        bytes32 key = kernel.bucketKey(address(usdc), ACTS);
        bytes4 exceeded = IKernelErrors.BucketExceeded.selector;
        actRefused(supply, MAX_ACT, abi.encodeWithSelector(exceeded, key, MAX_ACT, ACT_CAPACITY - 8000e6));
    }

    function test_no_more_than_the_rule() external {
        bytes4 above = IKernelErrors.AboveRuleMaximum.selector;
        actRefused(supply, MAX_ACT + 1, abi.encodeWithSelector(above, MAX_ACT + 1, MAX_ACT));
    }

    function test_dust_may_be_spent_and_is_charged() external {
        ActRule memory rule = withdraw;
        rule.dust = 2;
        _adoptAct(Kind.Act, rule);
        pays(1000e6);
        act(rule, 1000e6);
        assertEq(left(address(receipt), ACTS), ACT_CAPACITY - 1000e6 - 2, "bucket");
    }

    function test_a_position_grows_no_larger_than_its_rule() external {
        ActRule memory rule = supply;
        rule.maxHolding = uint128(TREASURY + 1000e6);
        _adoptAct(Kind.Act, rule);
        pays(1000e6);
        act(rule, 1000e6);
        bytes4 selector = IKernelErrors.HoldingTooLarge.selector;
        uint256 holding = TREASURY + 2000e6;
        actRefused(rule, 1000e6, abi.encodeWithSelector(selector, address(receipt), holding, TREASURY + 1000e6));
    }

    /* STOPPED BY PEOPLE */

    function test_blocking_any_party_of_an_act_stops_it() external {
        ActRule memory rule = deposit;
        rule.spender = address(0x59E4DE4);
        _adoptAct(Kind.Act, rule);
        address[4] memory parties = [rule.target, rule.spender, rule.tokenIn, rule.vault];
        for (uint256 i = 0; i < 4; i++) {
            vm.prank(guardian);
            kernel.blockAddress(parties[i]);
            actRefused(rule, 1e6, abi.encodeWithSelector(IKernelErrors.AddressIsBlocked.selector, parties[i]));
            _deployKernel();
        }
    }

    function test_blocking_the_native_coin_stops_no_act_without_it() external {
        vm.prank(guardian);
        kernel.blockAddress(address(0));
        pays(1e18);
        act(claim, 0);
    }

    function test_a_revoked_act_stops() external {
        bytes32 leaf = actLeaf(Kind.Act, supply);
        vm.prank(safe);
        kernel.revoke(leaf);
        actRefused(supply, 1e6, abi.encodeWithSelector(IKernelErrors.RuleIsRevoked.selector, leaf));
    }

    function test_a_pause_ends_acts() external {
        pauseBy(guardian);
        actRefused(supply, 1e6, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
    }

    function _tooLittle(address token, uint256 received, uint256 floor) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.ReceivedTooLittle.selector, token, received, floor);
    }

    function _outOfRange(uint256 rate, uint256 low, uint256 high) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.RateOutOfRange.selector, rate, low, high);
    }
}
