// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {ActRule, Kind, Leg, Template} from "../src/interfaces/KernelTypes.sol";
import {ActFixture} from "./ActFixture.sol";

/// @title Rules of acts and exits that contradict themselves, and calldata that is not the rule's
contract KernelActRulesTest is ActFixture {
    /* RATES */

    function test_a_pinned_rate_is_one_rate() external {
        ActRule memory rule = supply;
        rule.maxRate = rule.minRate + 1;
        _adoptBad(rule, 1e6);
    }

    function test_a_range_is_not_upside_down() external {
        ActRule memory rule = deposit;
        rule.maxRate = rule.minRate - 1;
        _adoptBad(rule, 1e6);
    }

    function test_what_takes_something_has_a_floor() external {
        ActRule memory rule = supply;
        (rule.minRate, rule.maxRate) = (0, 0);
        _adoptBad(rule, 1e6);
        rule = deposit;
        rule.minRate = 0;
        _adoptBad(rule, 1e6);
    }

    function test_a_claim_has_neither_rate_nor_vault() external {
        ActRule memory rule = claim;
        (rule.minRate, rule.maxRate) = (1, 1);
        _adoptBad(rule, 0);
        rule = claim;
        rule.maxRate = 1;
        _adoptBad(rule, 0);
        rule = claim;
        rule.vault = rule.tokenIn;
        _adoptBad(rule, 0);
    }

    function test_only_the_shares_themselves_are_asked_for_their_rate() external {
        ActRule memory rule = supply;
        rule.vault = address(vault);
        _adoptBad(rule, 1e6);
    }

    /* WHAT SWAPS ARE REFUSED FOR TOO */

    function testFuzz_a_rule_that_allows_everything_to_be_lost_is_refused(uint16 slippageBps) external {
        ActRule memory rule = supply;
        rule.maxSlippageBps = uint16(bound(slippageBps, 10_000, type(uint16).max));
        _adoptBad(rule, 1e6);
    }

    function test_an_act_turns_a_token_into_another() external {
        ActRule memory rule = supply;
        rule.tokenOut = rule.tokenIn;
        _adoptBad(rule, 1e6);
    }

    function test_contracts_that_obey_the_safe_are_neither_target_nor_spender() external {
        address permit2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
        address[3] memory parties = [safe, permit2, address(0)];
        for (uint256 i = 0; i < parties.length; i++) {
            ActRule memory rule = supply;
            rule.target = parties[i];
            _adoptBad(rule, 1e6);
            rule = supply;
            rule.spender = parties[i];
            if (parties[i] != address(0)) _adoptBad(rule, 1e6);
        }
    }

    function test_ether_needs_no_spender() external {
        ActRule memory rule = actRule(address(0), address(weth), PAR, 1 ether);
        rule.spender = address(venue);
        _adoptBad(rule, 1e6);
    }

    function test_words_touch_neither_selector_nor_each_other() external {
        ActRule memory rule = supply;
        rule.template = Template(rule.template.hash, AMOUNT_WORD, AMOUNT_WORD + 31, 0);
        _adoptBad(rule, 1e6);
        rule.template = Template(rule.template.hash, AMOUNT_WORD, 0, AMOUNT_WORD);
        _adoptBad(rule, 1e6);
        rule.template = Template(rule.template.hash, 3, 0, 0);
        _adoptBad(rule, 1e6);
    }

    function test_a_rule_with_a_delay_waits_for_announced_runs() external {
        ActRule memory rule = supply;
        rule.delay = 60;
        _adoptAct(Kind.Act, rule);
        bytes32 leaf = actLeaf(Kind.Act, rule);
        actRefused(rule, 1e6, abi.encodeWithSelector(IKernelErrors.RuleDelayed.selector, leaf, 60));
    }

    function test_a_bad_exit_is_refused_as_a_bad_act_is() external {
        ActRule memory rule = leave;
        (rule.minRate, rule.maxRate) = (0, 0);
        _adoptAct(Kind.Exit, rule);
        pauseBy(guardian);
        bytes memory reason = abi.encodeWithSelector(IKernelErrors.BadRule.selector, actLeaf(Kind.Exit, rule));
        exitRefused(actLeg(Kind.Exit, rule, 1e6), guardian, reason);
    }

    /* LEAVES AND CALLDATA */

    function test_an_act_s_rule_is_no_exit_s_and_the_other_way_round() external {
        Leg memory leg = actLeg(Kind.Exit, leave, 1e6);
        leg.kind = Kind.Act;
        bytes32 asAct = actLeaf(Kind.Act, leave);
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, asAct));
        pauseBy(guardian);
        leg = actLeg(Kind.Act, withdraw, 1e6);
        leg.kind = Kind.Exit;
        bytes32 asExit = actLeaf(Kind.Exit, withdraw);
        exitRefused(leg, guardian, abi.encodeWithSelector(IKernelErrors.NotInPolicy.selector, asExit));
    }

    function testFuzz_every_byte_of_the_calldata_is_the_rule_s_or_an_argument(uint256 at, bytes1 flip) external {
        vm.assume(flip != 0);
        pays(2000e6);
        Leg memory leg = actLeg(Kind.Act, supply, 2000e6);
        at = bound(at, 0, leg.data.length - 1);
        leg.data[at] ^= flip;
        vm.expectRevert();
        vm.prank(agent);
        kernel.run(one(leg), ENTRY);
        leg.data[at] ^= flip;
        run(one(leg));
    }

    function test_acts_call_no_function_that_promises_tokens() external {
        ActRule memory rule = supply;
        Leg memory leg = actLeg(Kind.Act, rule, 1e6);
        leg.data = abi.encodeCall(usdc.approve, (stranger, 1));
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.SelectorForbidden.selector, usdc.approve.selector));
    }

    function test_a_late_act_is_refused() external {
        Leg memory leg = actLeg(Kind.Act, supply, 2000e6);
        leg.deadline = vm.getBlockTimestamp() - 1;
        leg.data = actData(supply, leg.amount, 0, leg.deadline);
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.DeadlinePassed.selector, leg.deadline));
    }

    function _adoptBad(ActRule memory rule, uint96 amount) private {
        _adoptAct(Kind.Act, rule);
        actRefused(rule, amount, abi.encodeWithSelector(IKernelErrors.BadRule.selector, actLeaf(Kind.Act, rule)));
    }
}
