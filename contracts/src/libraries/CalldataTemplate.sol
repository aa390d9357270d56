// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../interfaces/IKernelErrors.sol";
import {Leg, Template} from "../interfaces/KernelTypes.sol";

/// @title Calldata pinned by one hash, but for the words that equal the leg's typed arguments
library CalldataTemplate {
    uint256 private constant SELECTOR = 4;
    uint256 private constant WORD = 32;

    /// @notice Whether no declared word touches the selector or another word: a word counted twice could hide bytes.
    function isSound(Template memory template) internal pure returns (bool) {
        (uint256 a, uint256 b, uint256 c) = (template.amountWord, template.minOutWord, template.deadlineWord);
        bool areArguments = _isArgument(a) && _isArgument(b) && _isArgument(c);
        return areArguments && _areApart(a, b) && _areApart(b, c) && _areApart(a, c);
    }

    /// @notice Reverts unless the leg's calldata is the template's and each declared word its typed argument.
    /// @dev Expects a sound template.
    function check(Template memory template, Leg calldata leg) internal pure {
        bytes calldata data = leg.data;
        _checkWord(data, template.amountWord, leg.amount);
        _checkWord(data, template.minOutWord, leg.minOut);
        _checkWord(data, template.deadlineWord, leg.deadline);
        bytes32 found = keccak256(_blanked(template, data));
        if (found != template.hash) revert IKernelErrors.TemplateMismatch(found, template.hash);
    }

    function _isArgument(uint256 offset) private pure returns (bool) {
        return offset == 0 || offset >= SELECTOR;
    }

    function _areApart(uint256 a, uint256 b) private pure returns (bool) {
        return a == 0 || b == 0 || (a < b ? b - a : a - b) >= WORD;
    }

    function _checkWord(bytes calldata data, uint256 offset, uint256 expected) private pure {
        if (offset == 0) return;
        // Calldata that ends before the word does has no such argument.
        if (data.length < offset + WORD) revert IKernelErrors.WordMismatch(offset, 0, expected);
        uint256 found = uint256(bytes32(data[offset:offset + WORD]));
        if (found != expected) revert IKernelErrors.WordMismatch(offset, found, expected);
    }

    /// @dev The calldata with its declared words zeroed: the pieces between them, in ascending order. Slices are in range:
    /// sound words lie apart, and `_checkWord` has seen each whole.
    function _blanked(Template memory template, bytes calldata data) private pure returns (bytes memory) {
        uint256 end = data.length;
        (uint256 a, uint256 b, uint256 c) = _ascending(template, end);
        bytes memory head = bytes.concat(data[:a], _zeros(a, end), data[_after(a, end):b], _zeros(b, end));
        return bytes.concat(head, data[_after(b, end):c], _zeros(c, end), data[_after(c, end):]);
    }

    /// @dev The words' offsets; one that does not occur lies at the end of the calldata.
    function _ascending(Template memory template, uint256 end) private pure returns (uint256 a, uint256 b, uint256 c) {
        a = template.amountWord == 0 ? end : template.amountWord;
        b = template.minOutWord == 0 ? end : template.minOutWord;
        c = template.deadlineWord == 0 ? end : template.deadlineWord;
        if (a > b) (a, b) = (b, a);
        if (b > c) (b, c) = (c, b);
        if (a > b) (a, b) = (b, a);
    }

    function _zeros(uint256 word, uint256 end) private pure returns (bytes memory) {
        return new bytes(word < end ? WORD : 0);
    }

    function _after(uint256 word, uint256 end) private pure returns (uint256) {
        return word < end ? word + WORD : end;
    }
}
