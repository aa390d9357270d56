// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuard} from "../src/interfaces/IOwnerGuard.sol";
import {IMultiSend, OwnerGuardFixture, SafeTx} from "./OwnerGuardFixture.sol";
import {BatchReader} from "./mocks/BatchReader.sol";

/// @title Batches packed so that the guard might read something else than MultiSendCallOnly does
abstract contract OwnerGuardBatchTest is OwnerGuardFixture {
    address private module = address(0x30D01E);

    function test_a_target_of_zero_is_judged_as_the_safe() external {
        execRefused(batch(packed(address(0), enabling(module))), notAnnounced(enabling(module)));
        announce(enabling(module));
        pass(DELAY);
        bool isTakenForTheSafe = keccak256(bytes(version())) == keccak256(bytes(V1_5_0));
        (bool success,) = attempt(batch(packed(address(0), enabling(module))));
        assertTrue(success == isTakenForTheSafe, "1.5.0 calls the Safe, 1.4.1 nobody");
        assertTrue(safe.isModuleEnabled(module) == isTakenForTheSafe, "module");
    }

    function test_a_delegatecall_inside_a_batch_is_refused() external {
        for (uint256 operation = 1; operation < 256; operation += 127) {
            bytes memory inner = abi.encodePacked(uint8(operation), module, uint256(0), uint256(0));
            execRefused(batch(inner), _bad(0));
            execRefused(batch(bytes.concat(packed(stranger, hex"0102"), inner)), _bad(87));
        }
    }

    function test_bytes_after_the_last_call_are_refused() external {
        for (uint256 extra = 1; extra < 90; extra++) {
            if (extra == 85) continue;
            execRefused(batch(bytes.concat(packed(stranger, ""), new bytes(extra))), _bad(extra < 85 ? 85 : 170));
        }
    }

    function test_a_call_that_is_cut_short_is_refused() external {
        bytes memory whole = packed(address(token), paying(1).data);
        for (uint256 length = 1; length < whole.length; length++) {
            bytes memory short = new bytes(length);
            for (uint256 i = 0; i < length; i++) {
                short[i] = whole[i];
            }
            execRefused(batch(short), _bad(0));
        }
    }

    /// @dev The second call lies in the first one's data for a reader that takes the length for less, beyond it for one
    /// that takes it for more.
    function testFuzz_no_length_hides_a_change(uint256 length, uint8 kind, uint8 extra) external {
        bytes memory hidden = packed(address(safe), enabling(module));
        uint256[4] memory lengths = [length, length % 300, hidden.length, type(uint256).max - length % 400];
        bytes memory first = abi.encodePacked(uint8(0), stranger, uint256(0), lengths[kind % 4]);
        SafeTx memory each = batch(bytes.concat(first, hidden, new bytes(extra % 64)));
        attempt(each);
        attempt(batch(bytes.concat(packed(stranger, hidden), first, hidden)));
        assertTrue(!safe.isModuleEnabled(module), "module");
    }

    function test_calldata_in_another_encoding_is_refused() external {
        bytes memory standard = batch(packed(stranger, hex"01")).data;
        exec(delegated(address(multiSend), standard));
        bytes memory inner = packed(stranger, hex"01");
        bytes4 selector = IMultiSend.multiSend.selector;
        bytes memory padding = new bytes(10);
        bytes[7] memory others = [
            bytes(""),
            abi.encodePacked(selector),
            abi.encodePacked(bytes4("send"), uint256(32), inner.length, inner, padding),
            // The bytes lie a word later; a word follows; the padding is missing; the length is more than there is.
            abi.encodePacked(selector, uint256(64), uint256(0), inner.length, inner, padding),
            abi.encodePacked(selector, uint256(32), inner.length, inner, padding, uint256(0)),
            abi.encodePacked(selector, uint256(32), inner.length, inner),
            abi.encodePacked(selector, uint256(32), type(uint256).max, inner, padding)
        ];
        for (uint256 i = 0; i < others.length; i++) {
            execRefused(delegated(address(multiSend), others[i]), _bad(0));
        }
    }

    /// @dev Any bytes at any place of a good batch: what the guard lets through is called exactly as the guard read it.
    function testFuzz_what_is_let_through_is_called_as_it_was_read(
        uint16[3] calldata lengths,
        uint256[4] calldata places,
        bytes4 values,
        uint8 dirt
    ) external {
        BatchReader reader = new BatchReader();
        bytes memory transactions = "";
        for (uint256 i = 0; i < 3; i++) {
            transactions = bytes.concat(transactions, packed(address(reader), new bytes(lengths[i] % 100)));
        }
        bytes memory data = batch(transactions).data;
        for (uint256 i = 0; i < dirt % 5; i++) {
            data[places[i] % data.length] = values[i];
        }
        try reader.read(data) returns (bytes32 seen, uint256 count) {
            (bool success, bytes memory returned) = attempt(delegated(address(multiSend), data));
            // A spoiled value is more ether than there is: then nothing was called.
            if (!success || !abi.decode(returned, (bool))) return;
            assertEq(reader.called(), seen, "the same calls");
            assertEq(reader.calls(), count, "as many");
        } catch {
            // A length that was spoiled can make zeros an address, which is the Safe's own: that is refused sooner.
            (bool success,) = attempt(delegated(address(multiSend), data));
            assertTrue(!success, "what cannot be read is not let through");
        }
    }

    function _bad(uint256 position) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOwnerGuard.BadBatch.selector, position);
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardBatchOn141Test is OwnerGuardBatchTest {
    function version() internal pure override returns (string memory) {
        return V1_4_1;
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardBatchOn150Test is OwnerGuardBatchTest {
    function version() internal pure override returns (string memory) {
        return V1_5_0;
    }
}
