// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DebtMeter} from "../src/DebtMeter.sol";
import {IERC20} from "../src/interfaces/IERC20.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {ActRule, Kind, Leg, Template} from "../src/interfaces/KernelTypes.sol";
import {ActFixture} from "./ActFixture.sol";
import {Borrowed, StatedDebt} from "./mocks/Borrowed.sol";

/// @title Repayments: what a debt falls by is what was received, to the unit that an index rounds off
contract DebtMeterTest is ActFixture {
    uint256 private constant OWED = 4000e6;
    uint256 private constant RAY = 1e27;
    uint16 private constant LOSS_BPS = 1;
    uint256 private constant AMOUNT_AT = 4 + 32;

    Borrowed private pool;
    DebtMeter private meter;
    ActRule private repay;

    function setUp() public override {
        super.setUp();
        pool = new Borrowed(usdc);
        meter = new DebtMeter(address(pool.debt()));
        pool.lend(safe, OWED);
        repay = _repayRule();
        leaves.push(actLeaf(Kind.Exit, repay));
        _adoptAct(Kind.Act, repay);
    }

    /* THE METER */

    function testFuzz_the_meter_is_the_debt_from_its_other_side(address account, uint128 owed) external {
        StatedDebt stated = new StatedDebt();
        DebtMeter told = new DebtMeter(address(stated));
        stated.state(owed);
        assertEq(told.balanceOf(account) + owed, told.CEILING(), "sum");
        assertEq(told.CEILING(), type(uint128).max, "ceiling");
        stated.state(told.CEILING());
        assertEq(told.balanceOf(account), 0, "the most that can be measured");
    }

    function testFuzz_a_debt_beyond_measure_stops_the_leg(uint256 owed) external {
        owed = bound(owed, uint256(type(uint128).max) + 1, type(uint256).max - 1);
        StatedDebt stated = new StatedDebt();
        DebtMeter told = new DebtMeter(address(stated));
        stated.state(owed);
        vm.expectRevert(abi.encodeWithSelector(DebtMeter.DebtTooLarge.selector, owed));
        told.balanceOf(safe);
    }

    function test_a_meter_of_what_is_no_token_is_not_born() external {
        bytes memory reason = abi.encodeWithSelector(DebtMeter.NoDebtToken.selector, alice);
        assertUnborn("DebtMeter.sol:DebtMeter", abi.encode(alice), reason);
        assertUnborn("DebtMeter.sol:DebtMeter", abi.encode(address(pool)), "");
    }

    /* WHAT GOES THROUGH */

    function test_a_repayment_takes_the_token_and_burns_the_debt() external {
        _repay(1000e6);
        assertEq(pool.debt().balanceOf(safe), OWED - 1000e6, "debt");
        assertEq(usdc.balanceOf(safe), TREASURY - 1000e6, "usdc");
        assertEq(usdc.allowance(safe, address(pool)), 0, "allowance");
        assertEq(left(address(usdc), ACTS), ACT_CAPACITY - 1000e6, "bucket");
    }

    /// @dev Half up, twice, and once when the pool scales: below an index of two at most one unit is off. A rule allows
    /// one in ten thousand, so nothing of ten thousand units and more is refused for it.
    function testFuzz_no_index_refuses_what_is_paid_in_full(uint256 index, uint256 owed, uint96 amount) external {
        pool.debt().setIndex(bound(index, RAY, 2 * RAY - 1));
        pool.lend(safe, bound(owed, 1, 1e24));
        amount = uint96(bound(amount, 10_000, MAX_ACT));
        uint256 before = pool.debt().balanceOf(safe);
        _repay(amount);
        uint256 fell = before - pool.debt().balanceOf(safe);
        assertLe(fell, amount + 1, "most");
        assertLe(amount, fell + 1, "least");
    }

    function test_the_whole_debt_can_be_repaid_with_a_little_more_than_it_is() external {
        pool.debt().setIndex(RAY + RAY / 7);
        uint256 owed = pool.debt().balanceOf(safe);
        // The interest of hours: less than the rule's one in ten thousand.
        repay.maxAmount = uint96(2 * owed);
        _adoptAct(Kind.Act, repay);
        _repay(uint96(owed + owed / 10_001));
        assertEq(pool.debt().balanceOf(safe), 0, "debt");
        assertEq(usdc.balanceOf(safe), TREASURY - owed, "usdc");
        assertEq(usdc.allowance(safe, address(pool)), 0, "allowance");
    }

    function test_guardians_repay_while_the_kernel_is_paused() external {
        pauseBy(guardian);
        Leg[] memory legs = one(_leg(Kind.Exit, repay, 1000e6));
        vm.prank(guardian);
        kernel.run(legs, 0);
        assertEq(pool.debt().balanceOf(safe), OWED - 1000e6, "debt");
    }

    /* WHAT DOES NOT */

    function test_more_than_the_debt_is_refused() external {
        repay.maxAmount = uint96(2 * OWED);
        _adoptAct(Kind.Act, repay);
        uint96 amount = uint96(OWED * 10_002 / 10_000);
        _refused(repay, amount, _tooLittle(OWED, _floor(amount)));
    }

    function testFuzz_a_pool_that_burns_less_than_it_takes_is_refused(uint256 burnBps, uint96 amount) external {
        amount = uint96(bound(amount, 10_000, OWED));
        pool.setBurn(bound(burnBps, 1, 9998));
        uint256 fell = amount * pool.burnBps() / 10_000;
        _refused(repay, amount, _tooLittle(fell, _floor(amount)));
    }

    /// @dev What the debt grows by between both readings is not received. Aave's own views count interest to the second.
    function test_interest_that_is_booked_in_the_call_counts_against_it() external {
        pool.setBooked(RAY + RAY / 1000);
        _refused(repay, 1000e6, _tooLittle(1000e6 - OWED / 1000, _floor(1000e6)));
    }

    /// @dev Who lists a debt token trusts it as any listed token: what it takes with its word is the bucket, and no more.
    function test_a_debt_token_that_lies_takes_the_bucket_and_no_more() external {
        StatedDebt liar = new StatedDebt();
        liar.state(2 ** 100);
        (repay.target, repay.spender) = (address(liar), address(liar));
        repay.tokenOut = address(new DebtMeter(address(liar)));
        repay.maxAmount = ACT_CAPACITY;
        _adoptAct(Kind.Act, repay);
        uint256 before = usdc.balanceOf(safe);
        _repay(ACT_CAPACITY);
        assertEq(before - usdc.balanceOf(safe), ACT_CAPACITY, "taken");
        bytes32 key = kernel.bucketKey(address(usdc), ACTS);
        _refused(repay, 1, abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, key, 1, 0));
    }

    function test_another_s_debt_and_another_kind_of_debt_are_no_rule_s() external {
        pool.lend(alice, OWED);
        Leg memory leg = _leg(Kind.Act, repay, 1000e6);
        bytes[3] memory others = [
            abi.encodeCall(Borrowed.repay, (address(usdc), 1000e6, 2, alice)),
            abi.encodeCall(Borrowed.repay, (address(usdc), 1000e6, 1, safe)),
            abi.encodeCall(Borrowed.repay, (address(weth), 1000e6, 2, safe))
        ];
        for (uint256 i = 0; i < others.length; i++) {
            leg.data = others[i];
            bytes32 found = keccak256(_blank(others[i]));
            runRefused(
                one(leg), abi.encodeWithSelector(IKernelErrors.TemplateMismatch.selector, found, repay.template.hash)
            );
        }
    }

    /// @dev Who writes a template for another's debt pays it and receives nothing.
    function test_a_rule_for_another_s_debt_brings_nothing() external {
        pool.lend(alice, OWED);
        ActRule memory rule = repay;
        bytes memory blank = abi.encodeCall(Borrowed.repay, (address(usdc), 0, 2, alice));
        rule.template.hash = keccak256(blank);
        _adoptAct(Kind.Act, rule);
        Leg memory leg = _leg(Kind.Act, rule, 1000e6);
        leg.data = abi.encodeCall(Borrowed.repay, (address(usdc), 1000e6, 2, alice));
        runRefused(one(leg), _tooLittle(0, _floor(1000e6)));
    }

    function test_a_holding_below_the_ceiling_keeps_that_much_debt() external {
        repay.maxHolding = uint128(meter.CEILING() - OWED + 1000e6);
        _adoptAct(Kind.Act, repay);
        _repay(1000e6);
        uint256 after_ = uint256(repay.maxHolding) + 10_000;
        bytes memory reason = abi.encodeWithSelector(
            IKernelErrors.HoldingTooLarge.selector, address(meter), after_, uint256(repay.maxHolding)
        );
        _refused(repay, 10_000, reason);
    }

    function test_a_blocked_meter_stops_repayments() external {
        vm.prank(guardian);
        kernel.blockAddress(address(meter));
        _refused(repay, 1000e6, abi.encodeWithSelector(IKernelErrors.AddressIsBlocked.selector, address(meter)));
    }

    /// @dev A meter has nothing to give: it knows no allowance, and no policy opens a bucket of it.
    function test_a_meter_is_never_what_goes_out() external {
        (bool isAnswered,) = address(meter).staticcall(abi.encodeCall(IERC20.allowance, (safe, address(pool))));
        assertTrue(!isAnswered, "allowance");
        ActRule memory rule = repay;
        (rule.tokenIn, rule.tokenOut) = (address(meter), address(usdc));
        _adoptAct(Kind.Act, rule);
        bytes32 key = kernel.bucketKey(address(meter), ACTS);
        _refused(rule, 1000e6, abi.encodeWithSelector(IKernelErrors.BucketExceeded.selector, key, 1000e6, 0));
    }

    /* RULES AND LEGS */

    function _repayRule() private view returns (ActRule memory rule) {
        rule = actRule(address(usdc), address(meter), PAR, MAX_ACT);
        (rule.target, rule.spender, rule.maxSlippageBps) = (address(pool), address(pool), LOSS_BPS);
        bytes memory blank = abi.encodeCall(Borrowed.repay, (address(usdc), 0, 2, safe));
        rule.template = Template(keccak256(blank), uint16(AMOUNT_AT), 0, 0);
    }

    function _leg(Kind kind, ActRule memory rule, uint96 amount) private view returns (Leg memory leg) {
        leg = actLeg(kind, rule, amount);
        leg.data = abi.encodeCall(Borrowed.repay, (address(usdc), amount, 2, safe));
    }

    /// @dev The calldata with its amount at zero; a copy, the leg keeps its own.
    function _blank(bytes memory data) private pure returns (bytes memory blank) {
        blank = bytes.concat(data);
        for (uint256 at = AMOUNT_AT; at < AMOUNT_AT + 32; at++) {
            blank[at] = 0;
        }
    }

    function _repay(uint96 amount) private {
        run(one(_leg(Kind.Act, repay, amount)));
    }

    function _refused(ActRule memory rule, uint96 amount, bytes memory reason) private {
        runRefused(one(_leg(Kind.Act, rule, amount)), reason);
    }

    function _floor(uint256 amount) private pure returns (uint256) {
        return (amount * (10_000 - LOSS_BPS) + 9999) / 10_000;
    }

    function _tooLittle(uint256 received, uint256 least) private view returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.ReceivedTooLittle.selector, address(meter), received, least);
    }
}
