// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker, IKernelConfig} from "../../src/interfaces/IKernel.sol";
import {Bucket, BucketSetting, Kind, Leg, OrderRule, PayRule} from "../../src/interfaces/KernelTypes.sol";
import {IBuiltKernel} from "../Fixture.sol";
import {Test} from "../Test.sol";
import {Token} from "../mocks/Token.sol";

/// @title A thief with the agent's key who knows the policy, while time passes and guardians react
/// @dev Measures what left the Safe by balances. `attempts` counts calls by the present agent while the Kernel is live.
contract HostileAgent is Test {
    struct Outflow {
        uint256 time;
        uint256 units;
    }

    IBuiltKernel internal immutable kernel;
    address internal immutable safe;
    address internal immutable guardian;
    Token internal immutable usdc;

    uint96 private immutable birthCapacity;
    uint32 private immutable birthDrain;

    PayRule[] private payments;
    bytes32[][] private paymentProofs;
    OrderRule[] private orders;
    bytes32[][] private orderProofs;
    address[] private burnedKeys;

    address public agent;
    uint256 public attempts;
    uint256 public accepted;
    /// @notice Calls that went through although the Kernel was paused or the key burned. Must stay zero.
    uint256 public breaches;
    mapping(address token => Outflow[]) internal outflows;
    mapping(uint256 order => Outflow[]) private orderOutflows;

    constructor(
        IBuiltKernel kernel_,
        address safe_,
        address guardian_,
        address agent_,
        Token usdc_,
        PayRule[] memory payments_,
        bytes32[][] memory paymentProofs_,
        OrderRule[] memory orders_,
        bytes32[][] memory orderProofs_
    ) {
        (kernel, safe, guardian, agent, usdc) = (kernel_, safe_, guardian_, agent_, usdc_);
        Bucket memory bucket = kernel_.bucket(kernel_.bucketKey(address(usdc_), 0));
        (birthCapacity, birthDrain) = (bucket.capacity, bucket.drain);
        (paymentProofs, orderProofs) = (paymentProofs_, orderProofs_);
        for (uint256 i = 0; i < payments_.length; i++) {
            payments.push(payments_[i]);
        }
        for (uint256 i = 0; i < orders_.length; i++) {
            orders.push(orders_[i]);
        }
    }

    /* THE THIEF */

    /// @notice As much as goes, to any payee.
    function takeAll(uint256 which) external {
        which = which % payments.length;
        PayRule memory rule = payments[which];
        uint256 left = kernel.available(kernel.bucketKey(rule.token, rule.class));
        _pay(which, left < rule.maxAmount ? left : rule.maxAmount);
    }

    /// @notice Small or absurd amounts.
    function takeSome(uint256 which, uint256 amount) external {
        which = which % payments.length;
        _pay(which, amount % 4 == 0 ? amount : amount % (payments[which].maxAmount / 8 + 1));
    }

    /// @notice Two payments of a sixteenth of what is left each, and an order where one is due, in one run.
    function takeByRun(uint256 which) external {
        which = which % orders.length;
        Leg[] memory legs = new Leg[](_isDue(which) ? 3 : 2);
        for (uint256 i = 0; i < 2; i++) {
            PayRule memory rule = payments[i + 1];
            uint256 left = kernel.available(kernel.bucketKey(rule.token, rule.class));
            legs[i] = Leg(Kind.Pay, abi.encode(rule), paymentProofs[i + 1], uint96(left / 16), 0, 0, "");
        }
        if (legs.length == 3) legs[2] = _orderLeg(which);
        _run(legs, which);
    }

    /// @notice An order; one that is not due only one time in eight.
    function takeSalary(uint256 which) external {
        uint256 order = which % orders.length;
        if (!_isDue(order) && which % 8 > 1) return;
        Leg[] memory legs = new Leg[](1);
        legs[0] = _orderLeg(order);
        _run(legs, order);
    }

    function useBurnedKey(uint256 which, uint256 key) external {
        if (burnedKeys.length == 0) return;
        _awaitLive(which);
        which = which % payments.length;
        vm.prank(burnedKeys[key % burnedKeys.length]);
        try kernel.pay(payments[which], 1, paymentProofs[which], 0) {
            breaches++;
        } catch {}
    }

    /* TIME AND PEOPLE */

    function letTimePass(uint256 duration) external {
        vm.warp(vm.getBlockTimestamp() + duration % 12 days);
    }

    function letHoursPass(uint256 duration) external {
        vm.warp(vm.getBlockTimestamp() + duration % 12 hours);
    }

    function lower(uint256 share) external {
        Bucket memory bucket = kernel.bucket(kernel.bucketKey(address(usdc), 0));
        // From fifteen sixteenths to all of it, so that a long campaign still has something to steal.
        uint96 lowered = uint96(uint256(bucket.capacity) * (15 + share % 2) / 16);
        vm.prank(safe);
        kernel.lowerBucket(BucketSetting(address(usdc), 0, lowered, 0, bucket.drain));
    }

    /// @notice The Safe closes the bucket and, later, sets it to what it was at birth.
    function closeAndRestore(uint256 seed) external {
        if (seed % 4 != 0) return;
        vm.prank(safe);
        kernel.lowerBucket(BucketSetting(address(usdc), 0, 0, 0, 0));
        _restore();
    }

    function restore(uint256 seed) external {
        if (seed % 4 == 0) _restore();
    }

    function _restore() private {
        BucketSetting[] memory settings = new BucketSetting[](1);
        settings[0] = BucketSetting(address(usdc), 0, birthCapacity, 0, birthDrain);
        bytes32 root = kernel.root();
        bytes memory call = abi.encodeCall(IKernelConfig.setPolicy, (root, bytes32(0), settings));
        vm.prank(safe);
        kernel.announce(call);
        vm.warp(vm.getBlockTimestamp() + kernel.configDelay());
        vm.prank(safe);
        kernel.setPolicy(root, 0, settings);
    }

    /// @notice The breaker, what the thief tries meanwhile, and the way back with a new key.
    function pauseAndRekey(uint256 which) external {
        if (which % 4 != 0) return;
        vm.prank(guardian);
        kernel.pause();
        _rekey(which);
    }

    /// @dev The thief may have run into a limit that pauses: it goes on once humans have given the agent a new key.
    function _awaitLive(uint256 which) internal {
        if (kernel.paused()) _rekey(which);
    }

    function _rekey(uint256 which) private {
        _tryWhilePaused(which);
        address newAgent = address(uint160(uint256(keccak256(abi.encode(agent)))));
        bytes memory call = abi.encodeCall(IKernelBreaker.rekey, (newAgent, bytes32(0), new address[](0)));
        vm.prank(safe);
        kernel.announce(call);
        vm.warp(vm.getBlockTimestamp() + kernel.rekeyDelay());
        _tryWhilePaused(which);
        vm.prank(safe);
        kernel.rekey(newAgent, 0, new address[](0));
        burnedKeys.push(agent);
        agent = newAgent;
    }

    /* READINGS */

    /// @return exceeded Whether a window that ends now passed more than capacity + capacity * T / drain units.
    function exceeds(address token, uint256 capacity, uint256 drain) external view returns (bool) {
        return _exceeds(outflows[token], capacity, drain);
    }

    function _exceeds(Outflow[] storage all, uint256 capacity, uint256 drain) internal view returns (bool exceeded) {
        uint256 sum = 0;
        for (uint256 i = all.length; i > 0; i--) {
            sum += all[i - 1].units;
            uint256 length = vm.getBlockTimestamp() - all[i - 1].time;
            if (sum * drain > capacity * (drain + length)) return true;
        }
    }

    /// @return exceeded Whether a window that ends now saw more than floor(T / cooldown) + 1 payments of an order.
    function overpays() external view returns (bool exceeded) {
        for (uint256 order = 0; order < orders.length; order++) {
            Outflow[] storage all = orderOutflows[order];
            for (uint256 i = all.length; i > 0; i--) {
                uint256 length = all[all.length - 1].time - all[i - 1].time;
                if (all.length - i + 1 > length / orders[order].cooldown + 1) return true;
            }
        }
    }

    function total(address token) external view returns (uint256 sum) {
        Outflow[] storage all = outflows[token];
        for (uint256 i = 0; i < all.length; i++) {
            sum += all[i].units;
        }
    }

    function orderTotal() external view returns (uint256 sum) {
        for (uint256 order = 0; order < orders.length; order++) {
            sum += orderOutflows[order].length * orders[order].amount;
        }
    }

    /* CALLS */

    function _pay(uint256 which, uint256 amount) private {
        _awaitLive(which);
        PayRule memory rule = payments[which];
        uint256 before = _held(rule.token);
        attempts++;
        vm.prank(agent);
        try kernel.pay(rule, amount, paymentProofs[which], 0) {
            accepted++;
            outflows[rule.token].push(Outflow(vm.getBlockTimestamp(), before - _held(rule.token)));
        } catch {}
    }

    function _isDue(uint256 order) private view returns (bool) {
        OrderRule memory rule = orders[order];
        uint256 time = vm.getBlockTimestamp();
        if (time < rule.notBefore || (rule.notAfter != 0 && time > rule.notAfter)) return false;
        uint256 count = orderOutflows[order].length;
        return count == 0 || time >= orderOutflows[order][count - 1].time + rule.cooldown;
    }

    function _orderLeg(uint256 which) private view returns (Leg memory) {
        OrderRule memory rule = orders[which];
        return Leg(Kind.Order, abi.encode(rule), orderProofs[which], rule.amount, 0, 0, "");
    }

    /// @dev At most one order, the last leg; what else left the Safe came out of the buckets.
    function _run(Leg[] memory legs, uint256 order) private {
        _awaitLive(order);
        uint256 units = _held(address(usdc));
        uint256 native = _held(address(0));
        uint256 time = vm.getBlockTimestamp();
        attempts++;
        vm.prank(agent);
        try kernel.run(legs, 0) {
            accepted++;
            uint256 ordered = legs[legs.length - 1].kind == Kind.Order ? orders[order].amount : 0;
            if (ordered != 0) orderOutflows[order].push(Outflow(time, ordered));
            outflows[address(usdc)].push(Outflow(time, units - _held(address(usdc)) - ordered));
            outflows[address(0)].push(Outflow(time, native - _held(address(0))));
        } catch {}
    }

    function _tryWhilePaused(uint256 which) internal virtual {
        which = which % payments.length;
        vm.prank(agent);
        try kernel.pay(payments[which], 1, paymentProofs[which], 0) {
            breaches++;
        } catch {}
    }

    function _held(address token) internal view returns (uint256) {
        return token == address(0) ? safe.balance : usdc.balanceOf(safe);
    }
}
