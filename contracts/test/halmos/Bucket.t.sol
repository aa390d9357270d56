// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Birth, Bucket, BucketSetting, PayRule} from "../../src/interfaces/KernelTypes.sol";
import {AnySafe, svm} from "./AnySafe.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @title What one payment and what time do to a bucket; the sum over a window follows by induction
/// @dev A Kernel born with any bucket pays at any later time. With level = capacity - free, in units:
/// taken = level after - level before <= capacity - level before, and level before >= level earlier - capacity * T / drain.
/// Summed over the payments of a window the levels cancel: taken <= capacity + capacity * T / drain.
contract BucketProof is ProofFixture {
    uint32 private constant CLASS = 7;
    /// @dev Only what passes since then is read.
    uint256 private constant BORN = 1_800_000_000;
    address private payee;
    uint256 private elapsed;

    function setUp() public override {
        safe = new AnySafe();
        payee = svm.createAddress("payee");
        vm.warp(BORN);
        Birth memory birth = _birth();
        birth.root = svm.createBytes32("root");
        birth.buckets = new BucketSetting[](2);
        birth.buckets[0] = BucketSetting(address(1), 0, 1e6, 0, 1 days);
        birth.buckets[1] = _anyBucket();
        kernel = _deployed(birth);
        elapsed = svm.createUint(31, "seconds");
        vm.warp(BORN + elapsed);
    }

    function _anyBucket() private returns (BucketSetting memory setting) {
        setting.token = address(safe);
        setting.class = CLASS;
        setting.capacity = uint96(svm.createUint(96, "capacity"));
        setting.level = uint96(svm.createUint(96, "level"));
        setting.drain = uint32(svm.createUint(32, "drain"));
    }

    function check_a_payment_takes_at_most_what_is_free_and_fills_the_bucket_by_it(uint256 amount) external {
        uint256 free = kernel.available(_key());
        if (!_pays(amount)) return;
        Bucket memory made = _bucket();
        assert(amount <= free && free <= made.capacity && made.updated == block.timestamp);
        unchecked {
            // Modulo 2^96, which the line above rules out.
            assert(made.level == uint96(made.capacity - free + amount));
        }
    }

    function check_time_frees_no_more_than_the_rate() external view {
        Bucket memory found = _bucket();
        vm.assume(found.drain != 0);
        unchecked {
            uint256 leaked = elapsed * found.capacity / found.drain;
            assert(found.level <= found.capacity - kernel.available(_key()) + leaked);
        }
    }

    function check_no_payment_changes_the_limits(uint256 amount) external {
        Bucket memory found = _bucket();
        _pays(amount);
        Bucket memory made = _bucket();
        assert(made.capacity == found.capacity && made.drain == found.drain);
    }

    function check_a_closed_bucket_pays_nothing(uint256 amount) external {
        vm.assume(_bucket().capacity == 0);
        assert(!_pays(amount));
    }

    function _bucket() private view returns (Bucket memory) {
        return kernel.bucket(_key());
    }

    function _key() private view returns (bytes32) {
        return kernel.bucketKey(address(safe), CLASS);
    }

    /// @dev The Safe is the token too: it answers anything.
    function _pays(uint256 amount) private returns (bool success) {
        PayRule memory rule = PayRule(address(safe), payee, type(uint96).max, CLASS, 0);
        vm.prank(agent);
        try kernel.pay(rule, amount, new bytes32[](0), 0) {
            success = true;
        } catch {}
    }
}
