// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../interfaces/IKernelErrors.sol";
import {Leg, Template} from "../interfaces/KernelTypes.sol";

/// @title Calldata pinned by one hash, but for the words that equal the leg's typed arguments
library CalldataTemplate {
    uint256 private constant SELECTOR = 4;
    uint256 private constant WORD = 32;
    bytes32 private constant ZEROS = 0;
    /// @dev Offsets are uint16: words that do not occur stand behind all that do, and apart from each other.
    uint256 private constant ABSENT = 2 ** 16;

    /// @notice Reverts unless the template is sound, the leg's calldata is its own, and each declared word its typed argument.
    /// @dev Sound: no declared word touches the selector or another word, or a word counted twice could hide bytes.
    function check(Template memory template, Leg calldata leg, bytes32 leaf) internal pure {
        bytes calldata data = leg.data;
        (uint256 a, uint256 b, uint256 c) = _ascending(template);
        // Safe: ascending. Differences here and sums below are of numbers of 18 bits.
        unchecked {
            if (a < SELECTOR || b - a < WORD || c - b < WORD) revert IKernelErrors.BadRule(leaf);
        }
        _checkWord(data, template.amountWord, leg.amount);
        _checkWord(data, template.minOutWord, leg.minOut);
        _checkWord(data, template.deadlineWord, leg.deadline);
        bytes32 found = keccak256(_blanked(data, a, b, c));
        if (found != template.hash) revert IKernelErrors.TemplateMismatch(found, template.hash);
    }

    function _checkWord(bytes calldata data, uint256 offset, uint256 expected) private pure {
        if (offset == 0) return;
        // Calldata that ends before the word does has no such argument.
        unchecked {
            if (data.length < offset + WORD) revert IKernelErrors.WordMismatch(offset, 0, expected);
        }
        uint256 found = uint256(bytes32(data[offset:]));
        if (found != expected) revert IKernelErrors.WordMismatch(offset, found, expected);
    }

    /// @dev The calldata with its declared words zeroed: the pieces between them. Slices are in range: the words lie apart,
    /// and `_checkWord` has seen each whole. In one go for each count of words, since every copy is paid for.
    function _blanked(bytes calldata data, uint256 a, uint256 b, uint256 c) private pure returns (bytes memory) {
        if (a >= ABSENT) return data;
        unchecked {
            bytes calldata head = data[:a];
            if (b >= ABSENT) return bytes.concat(head, ZEROS, data[a + WORD:]);
            bytes calldata middle = data[a + WORD:b];
            if (c >= ABSENT) return bytes.concat(head, ZEROS, middle, ZEROS, data[b + WORD:]);
            return bytes.concat(head, ZEROS, middle, ZEROS, data[b + WORD:c], ZEROS, data[c + WORD:]);
        }
    }

    function _ascending(Template memory template) private pure returns (uint256 a, uint256 b, uint256 c) {
        a = template.amountWord == 0 ? ABSENT : template.amountWord;
        b = template.minOutWord == 0 ? 2 * ABSENT : template.minOutWord;
        c = template.deadlineWord == 0 ? 3 * ABSENT : template.deadlineWord;
        if (a > b) (a, b) = (b, a);
        if (b > c) (b, c) = (c, b);
        if (a > b) (a, b) = (b, a);
    }
}
