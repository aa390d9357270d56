// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MerkleLog} from "../src/libraries/MerkleLog.sol";
import {Rfc9162} from "./Rfc9162.sol";
import {Test} from "./Test.sol";

/// @title The library, with its paths in calldata
contract Verifier {
    function extends(bytes32 oldRoot, uint256 old, bytes32 root, uint256 size, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return MerkleLog.extends(oldRoot, old, root, size, path);
    }

    function includes(bytes32 root, uint256 size, uint256 index, bytes32 leaf, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return MerkleLog.includes(root, size, index, leaf, path);
    }

    function leafHash(bytes calldata entry) external pure returns (bytes32) {
        return MerkleLog.leafHash(entry);
    }
}

contract MerkleLogTest is Test {
    uint256 private constant MOST = 64;
    uint256 private constant OTHER = 1;

    Verifier private verifier = new Verifier();

    /* THE TESTS' OWN TREE */

    function test_the_recursive_definition_gives_the_root_of_rfc_6962s_eight_leaves() public pure {
        bytes[8] memory entries = [
            bytes(""),
            hex"00",
            hex"10",
            hex"2021",
            hex"3031",
            hex"40414243",
            hex"5051525354555657",
            hex"606162636465666768696a6b6c6d6e6f"
        ];
        bytes32[] memory log = new bytes32[](8);
        for (uint256 i = 0; i < 8; i++) {
            log[i] = Rfc9162.leaf(entries[i]);
        }
        bytes32 root = 0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328;
        assertEq(Rfc9162.root(log, 8), root, "of eight");
        root = 0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c;
        assertEq(Rfc9162.root(log, 7), root, "of seven");
    }

    function test_the_empty_tree_has_the_hash_of_nothing() public pure {
        assertEq(MerkleLog.EMPTY_ROOT, sha256(""), "empty root");
    }

    function testFuzz_an_entry_is_hashed_behind_a_zero_byte(bytes calldata entry) public view {
        assertEq(verifier.leafHash(entry), sha256(bytes.concat(hex"00", entry)), "leaf");
    }

    /* CONSISTENCY */

    function test_every_pair_of_sizes_up_to_64_is_proven_consistent() public view {
        for (uint256 old = 0; old <= MOST; old++) {
            this.checkExtensions(old);
        }
    }

    /// @dev A call of its own for each size keeps memory small.
    function checkExtensions(uint256 old) external view {
        bytes32[] memory log = Rfc9162.leaves(MOST, 0);
        bytes32 oldRoot = Rfc9162.root(log, old);
        for (uint256 size = old; size <= MOST; size++) {
            bytes32[] memory path = Rfc9162.consistency(log, old, size);
            assertTrue(verifier.extends(oldRoot, old, Rfc9162.root(log, size), size, path), "consistent");
        }
    }

    function test_a_log_rewritten_anywhere_before_the_old_size_extends_nothing() public view {
        for (uint256 old = 1; old <= 33; old++) {
            this.checkRewritten(old, 1);
            this.checkRewritten(old, 17);
        }
    }

    /// @dev Each old entry in turn is another; the rewritten log brings its own, true proof.
    function checkRewritten(uint256 old, uint256 more) external view {
        bytes32[] memory log = Rfc9162.leaves(old + more, 0);
        bytes32 oldRoot = Rfc9162.root(log, old);
        for (uint256 i = 0; i < old; i++) {
            bytes32 kept = log[i];
            log[i] = bytes32(OTHER);
            bytes32[] memory path = Rfc9162.consistency(log, old, old + more);
            bytes32 root = Rfc9162.root(log, old + more);
            assertTrue(!verifier.extends(oldRoot, old, root, old + more, path), "another history");
            log[i] = kept;
        }
    }

    function test_every_single_flipped_bit_of_a_consistency_proof_is_refused() public view {
        this.checkFlips(37, 61);
        this.checkFlips(32, 33);
        this.checkFlips(31, 64);
        this.checkFlips(1, 2);
    }

    function checkFlips(uint256 old, uint256 size) external view {
        bytes32[] memory log = Rfc9162.leaves(size, 0);
        (bytes32 oldRoot, bytes32 root) = (Rfc9162.root(log, old), Rfc9162.root(log, size));
        bytes32[] memory path = Rfc9162.consistency(log, old, size);
        assertTrue(path.length != 0 && verifier.extends(oldRoot, old, root, size, path), "as made");
        for (uint256 i = 0; i < path.length * 256; i++) {
            bytes32 bit = bytes32(1 << i % 256);
            path[i / 256] ^= bit;
            assertTrue(!verifier.extends(oldRoot, old, root, size, path), "a flipped bit");
            path[i / 256] ^= bit;
        }
    }

    function testFuzz_a_proof_is_for_its_own_roots_sizes_and_length(uint256 old, uint256 size, uint256 other)
        public
        view
    {
        size = bound(size, 2, 200);
        old = bound(old, 1, size - 1);
        bytes32[] memory log = Rfc9162.leaves(size, 0);
        (bytes32 oldRoot, bytes32 root) = (Rfc9162.root(log, old), Rfc9162.root(log, size));
        bytes32[] memory path = Rfc9162.consistency(log, old, size);
        assertTrue(verifier.extends(oldRoot, old, root, size, path), "as made");
        assertTrue(!verifier.extends(bytes32(other), old, root, size, path), "another old root");
        assertTrue(!verifier.extends(oldRoot, old, bytes32(other), size, path), "another root");
        assertTrue(!verifier.extends(root, size, oldRoot, old, path), "shrinking");
        assertTrue(!verifier.extends(oldRoot, old, root, size, Rfc9162.append(path, 0)), "longer");
        assertTrue(!verifier.extends(oldRoot, old, root, size, _without(path, other % path.length)), "shorter");
        assertTrue(!verifier.extends(oldRoot, old, root, size, new bytes32[](0)), "none");
    }

    function test_only_equal_trees_of_equal_size_extend_each_other_and_need_no_proof() public view {
        bytes32[] memory log = Rfc9162.leaves(5, 0);
        bytes32 root = Rfc9162.root(log, 5);
        assertTrue(verifier.extends(root, 5, root, 5, new bytes32[](0)), "the same");
        assertTrue(!verifier.extends(root, 5, root, 5, log), "with a proof");
        assertTrue(!verifier.extends(root, 5, bytes32(OTHER), 5, new bytes32[](0)), "another root");
        assertTrue(!verifier.extends(MerkleLog.EMPTY_ROOT, 0, bytes32(OTHER), 0, new bytes32[](0)), "empty");
    }

    /* INCLUSION */

    function test_every_entry_of_every_size_up_to_64_is_proven_included() public view {
        for (uint256 size = 1; size <= MOST; size++) {
            this.checkInclusions(size);
        }
    }

    function checkInclusions(uint256 size) external view {
        bytes32[] memory log = Rfc9162.leaves(size, 0);
        bytes32 root = Rfc9162.root(log, size);
        for (uint256 index = 0; index < size; index++) {
            bytes32[] memory path = Rfc9162.inclusion(log, index, size);
            assertTrue(verifier.includes(root, size, index, log[index], path), "included");
            assertTrue(!verifier.includes(root, size, (index + 1) % size, log[index], path) || size == 1, "elsewhere");
        }
    }

    function testFuzz_an_inclusion_proof_is_for_its_own_leaf_place_and_length(
        uint256 size,
        uint256 index,
        uint256 bit,
        bytes32 other
    ) public view {
        size = bound(size, 2, 200);
        index = bound(index, 0, size - 1);
        bytes32[] memory log = Rfc9162.leaves(size, 0);
        bytes32 root = Rfc9162.root(log, size);
        bytes32[] memory path = Rfc9162.inclusion(log, index, size);
        assertTrue(verifier.includes(root, size, index, log[index], path), "as made");
        assertTrue(!verifier.includes(root, size, index, other, path), "another leaf");
        assertTrue(!verifier.includes(other, size, index, log[index], path), "another root");
        assertTrue(!verifier.includes(root, size, size, log[index], path), "beyond the tree");
        assertTrue(!verifier.includes(root, size, index, log[index], Rfc9162.append(path, other)), "longer");
        assertTrue(!verifier.includes(root, size, index, log[index], _without(path, bit % path.length)), "shorter");
        path[bit / 256 % path.length] ^= bytes32(1 << bit % 256);
        assertTrue(!verifier.includes(root, size, index, log[index], path), "a flipped bit");
    }

    function _without(bytes32[] memory path, uint256 index) private pure returns (bytes32[] memory shorter) {
        shorter = new bytes32[](path.length - 1);
        for (uint256 i = 0; i < shorter.length; i++) {
            shorter[i] = path[i < index ? i : i + 1];
        }
    }
}
