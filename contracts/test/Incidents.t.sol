// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IPriceSource, PriceConfig} from "../src/interfaces/IPriceSource.sol";
import {ActRule, Kind, Leg, PayRule, SwapRule} from "../src/interfaces/KernelTypes.sol";
import {ActFixture} from "./ActFixture.sol";
import {ScriptedVenue} from "./mocks/ScriptedVenue.sol";
import {Token} from "./mocks/Token.sol";

/// @title A token whose transfer fails with revert data that reads like a success
contract TrueRevertingToken is Token {
    constructor() Token("Reverting", "REV", 6) {}

    function transfer(address, uint256) public pure override returns (bool) {
        bytes memory yes = abi.encode(true);
        assembly {
            revert(add(yes, 0x20), mload(yes))
        }
    }
}

/// @title What has emptied other treasuries, tried on this one
/// @notice Each test names the incident. What happens off chain (simulations that fail open, states rebuilt from logs) is
/// tried in the Python tests.
contract IncidentsTest is ActFixture {
    /// @notice Zodiac's ERC-1271 check, June 2026: `success` was not read, so revert data counted as an approval.
    function test_revert_data_that_reads_true_is_no_success() external {
        TrueRevertingToken token = new TrueRevertingToken();
        token.mint(safe, TREASURY);
        PayRule memory rule = PayRule(address(token), alice, MAX_PAYMENT, 0, 0);
        leaves.push(payLeaf(rule));
        usdc = token;
        _deployKernel();
        bytes memory reason =
            abi.encodeWithSelector(IKernelErrors.CallFailed.selector, address(token), abi.encode(true));
        payRefused(rule, 1, reason);
        assertEq(kernel.paid(address(token)), 0, "nothing was paid");
    }

    /// @notice Calendar caps, measured on two audited modules: twice the cap passes across midnight, or a month's end.
    function testFuzz_no_moment_lets_two_caps_through(uint256 second) external {
        wait_(bound(second, 0, 400 days));
        uint256 before = usdc.balanceOf(safe);
        _payAll();
        wait_(1);
        _payAll();
        uint256 leaked = uint256(CAPACITY) / DRAIN + 1;
        assertLe(before - usdc.balanceOf(safe), CAPACITY + leaked, "a second is worth what leaks in it");
    }

    /// @notice Batch checks that read the state before the first leg runs: each leg fits alone, all of them do not.
    function test_legs_that_fit_alone_do_not_fit_together() external {
        Leg[] memory legs = new Leg[](6);
        for (uint256 i = 0; i < 6; i++) {
            legs[i] = payLeg(payAlice, MAX_PAYMENT);
        }
        bytes memory reason = abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, usdcKey(), MAX_PAYMENT, 0);
        runRefused(legs, reason);
        assertEq(usdc.balanceOf(safe), TREASURY, "all or nothing");
    }

    /// @notice `approve` left behind after a swap, drained weeks later.
    function test_what_a_swap_did_not_use_cannot_be_drained_later() external {
        venue.instruct(5000, 0.5e18, address(0), "");
        swap(buyWeth, 2000e6, 0);
        wait_(30 days);
        vm.expectRevert();
        venue.drain(usdc, safe, 1);
    }

    /// @notice Unlimited approvals: the venue fetches more than the leg said while the allowance stands.
    function test_a_venue_is_approved_for_the_amount_and_no_unit_more() external {
        venue.instruct(10_000, 1e18, address(venue), abi.encodeCall(ScriptedVenue.drain, (usdc, safe, 1)));
        swap(buyWeth, 2000e6, 0);
        assertTrue(!venue.succeeded(), "one unit more is refused");
        assertEq(usdc.balanceOf(safe), TREASURY - 2000e6, "the amount alone");
    }

    /// @notice A policy that priced `amount = "all"` (the largest integer) at an estimated 0 USD and let it pass.
    function test_the_largest_integer_is_an_amount_like_any_other() external {
        uint256 all = type(uint256).max;
        payRefused(payAlice, all, abi.encodeWithSelector(IKernelErrors.AboveRuleMaximum.selector, all, MAX_PAYMENT));
        uint96 most = type(uint96).max;
        actRefused(withdraw, most, abi.encodeWithSelector(IKernelErrors.AboveRuleMaximum.selector, most, MAX_ACT));
        Leg memory leg = actLeg(Kind.Act, withdraw, 1e6);
        leg.data = actData(withdraw, all, 0, DEADLINE);
        bytes4 mismatch = IKernelErrors.WordMismatch.selector;
        runRefused(one(leg), abi.encodeWithSelector(mismatch, AMOUNT_WORD, all, 1e6));
    }

    /// @notice A policy engine's state file was corrupt and its caps began anew. Here they are storage, and a new key, a new
    /// policy or a pause resets none.
    function test_neither_new_key_nor_new_policy_nor_pause_hands_out_fresh_caps() external {
        _payAll();
        pauseBy(guardian);
        bytes memory rekey = abi.encodeCall(IKernelBreaker.rekey, (address(0x2A6E27), bytes32(0), new address[](0)));
        announce(rekey);
        wait_(REKEY_DELAY);
        make(safe, rekey);
        bytes memory policy = policyCall(kernel.root());
        announce(policy);
        wait_(CONFIG_DELAY);
        make(safe, policy);
        uint256 leaked = uint256(CAPACITY) * (REKEY_DELAY + CONFIG_DELAY) / DRAIN;
        assertEq(kernel.available(usdcKey()), leaked, "what time gave back, and no more");
    }

    /// @notice Lobstar Wilde, February 2026: decimals wrong by three orders of magnitude, about 440,000 USD sent. A price
    /// source reads them from the token and refuses to be born with others.
    function testFuzz_decimals_that_are_not_the_tokens_price_nothing(uint8 decimals) external {
        vm.assume(decimals != 6);
        PriceConfig memory made = config(address(usdc), decimals, usdcFeeds);
        (bool success,) = address(this).call(abi.encodeCall(this.deploySource, (made)));
        assertTrue(!success, "refused");
        assertEq(IPriceSource(this.deploySource(config(address(usdc), 6, usdcFeeds))).token(), address(usdc), "its own");
    }

    /// @notice A retry without an idempotency key: the same salary sent twice.
    function test_the_same_salary_is_not_paid_twice() external {
        run(one(orderLeg(salary)));
        bytes4 notDue = IKernelErrors.OrderNotDue.selector;
        bytes memory reason = abi.encodeWithSelector(notDue, block.timestamp, block.timestamp + COOLDOWN);
        runRefused(one(orderLeg(salary)), reason);
        Leg[] memory twice = new Leg[](2);
        (twice[0], twice[1]) = (orderLeg(rent), orderLeg(rent));
        wait_(1 days);
        vm.expectRevert();
        vm.prank(agent);
        kernel.run(twice, ENTRY);
    }

    /// @notice Nested `execTransaction`, and modules that go round guards: no leg has the Safe call itself or the Kernel,
    /// whatever the calldata, although the rule is in the policy.
    function test_a_rule_that_reaches_back_into_the_safe_is_no_rule() external {
        address[2] memory obeying = [safe, address(venue)];
        for (uint256 i = 0; i < 2; i++) {
            SwapRule memory rule = buyWeth;
            rule.target = obeying[i];
            if (i == 1) rule.spender = safe;
            _adopt(rule);
            swapRefused(rule, 1e6, 0, abi.encodeWithSelector(IKernelErrors.BadRule.selector, swapLeaf(rule)));
        }
    }

    /// @notice Rounding for the caller: half of a dust amount lost rounds to no loss at all, again and again.
    function testFuzz_half_of_nothing_much_is_a_loss_too(uint96 amount) external {
        amount = uint96(bound(amount, 1, 1000));
        ActRule memory rule = supply;
        rule.maxSlippageBps = 1;
        _adoptAct(Kind.Act, rule);
        venue.instruct(10_000, amount - 1, address(0), "");
        bytes4 tooLittle = IKernelErrors.ReceivedTooLittle.selector;
        actRefused(rule, amount, abi.encodeWithSelector(tooLittle, address(receipt), amount - 1, amount));
        (, uint256 high) = IPriceSource(wethSource).valueE8(1);
        assertEq(high, 1, "one wei spent is worth something");
    }

    /* SHORTHAND */

    function deploySource(PriceConfig calldata made) external returns (address) {
        return newSource(made);
    }

    function _payAll() private {
        uint256 free = kernel.available(usdcKey());
        while (free != 0) {
            uint256 amount = free < MAX_PAYMENT ? free : MAX_PAYMENT;
            pay(payAlice, amount);
            free = kernel.available(usdcKey());
        }
    }
}
