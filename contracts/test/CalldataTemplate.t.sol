// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {Leg, Template} from "../src/interfaces/KernelTypes.sol";
import {CalldataTemplate} from "../src/libraries/CalldataTemplate.sol";
import {Test} from "./Test.sol";

/// @title One hash pins calldata, but for the words that the leg's typed arguments fill: by the library alone
contract CalldataTemplateTest is Test {
    uint256 private constant SELECTOR = 4;
    uint256 private constant WORD = 32;
    bytes32 private constant LEAF = keccak256("leaf");

    function check(Template calldata template, Leg calldata leg) external pure {
        CalldataTemplate.check(template, leg, LEAF);
    }

    /* WHAT PASSES */

    /// @dev Any order of the words, any gaps between them and behind them, none to three of them.
    function testFuzz_calldata_of_the_template_passes(uint256 seed, uint8 order, uint8[4] calldata gaps) external view {
        for (uint256 present = 0; present < 8; present++) {
            (Template memory template, Leg memory leg) = _made(seed, order, gaps, present);
            this.check(template, leg);
        }
    }

    /* WHAT DOES NOT */

    function testFuzz_a_byte_that_no_word_holds_is_pinned(uint256 seed, uint8 order, uint8[4] calldata gaps, uint256 at)
        external
    {
        for (uint256 present = 0; present < 8; present++) {
            (Template memory template, Leg memory leg) = _made(seed, order, gaps, present);
            uint256 where = at % leg.data.length;
            if (_isDeclared(template, where)) continue;
            leg.data[where] ^= 0x01;
            _refuses(template, leg, _mismatch(template, leg));
        }
    }

    function testFuzz_a_word_is_its_typed_argument_or_refused(uint256 seed, uint8 order, uint8[4] calldata gaps)
        external
    {
        for (uint256 which = 0; which < 3; which++) {
            (Template memory template, Leg memory leg) = _made(seed, order, gaps, 7);
            uint256 expected = which == 0 ? leg.amount : which == 1 ? leg.minOut : leg.deadline;
            uint256 offset = _offset(template, which);
            leg.data[offset + seed % WORD] ^= 0x80;
            uint256 found = _wordAt(leg.data, offset);
            _refuses(
                template, leg, abi.encodeWithSelector(IKernelErrors.WordMismatch.selector, offset, found, expected)
            );
        }
    }

    function testFuzz_calldata_of_another_length_is_another(uint256 seed, uint8 order, uint8[4] calldata gaps)
        external
    {
        for (uint256 present = 0; present < 8; present++) {
            (Template memory template, Leg memory leg) = _made(seed, order, gaps, present);
            leg.data = bytes.concat(leg.data, hex"00");
            _refuses(template, leg, _mismatch(template, leg));
        }
    }

    /// @dev A byte short of its last word, the argument is not there, whatever it would have been.
    function test_calldata_that_ends_within_a_word_has_no_such_argument() external {
        for (uint256 which = 0; which < 3; which++) {
            (Template memory template, Leg memory leg) = _single(which);
            this.check(template, leg);
            leg.data = new bytes(SELECTOR + WORD - 1);
            uint256 expected = which == 0 ? leg.amount : which == 1 ? leg.minOut : leg.deadline;
            _refuses(template, leg, abi.encodeWithSelector(IKernelErrors.WordMismatch.selector, SELECTOR, 0, expected));
        }
    }

    /// @dev Words next to each other are apart; one byte nearer they touch, in any order of the three.
    function test_words_touch_neither_the_selector_nor_each_other() external {
        uint16[3][6] memory orders = [
            [uint16(0), 1, 2],
            [uint16(0), 2, 1],
            [uint16(1), 0, 2],
            [uint16(1), 2, 0],
            [uint16(2), 0, 1],
            [uint16(2), 1, 0]
        ];
        for (uint256 i = 0; i < orders.length; i++) {
            _isSound(orders[i], 4, 36, 68, true);
            _isSound(orders[i], 3, 36, 68, false);
            _isSound(orders[i], 4, 35, 68, false);
            _isSound(orders[i], 4, 36, 67, false);
            _isSound(orders[i], 4, 4, 68, false);
            _isSound(orders[i], 4, 36, 36, false);
        }
    }

    function test_no_word_reaches_into_the_selector() external {
        for (uint16 offset = 1; offset < SELECTOR; offset++) {
            for (uint256 which = 0; which < 3; which++) {
                (Template memory template, Leg memory leg) = _single(which);
                _set(template, which, offset);
                _refuses(template, leg, abi.encodeWithSelector(IKernelErrors.BadRule.selector, LEAF));
            }
        }
    }

    /// @dev So far out that only a word and nothing else fits below 2^16.
    function test_a_far_offset_holds_a_word() external view {
        uint16 far = uint16(2 ** 16 - WORD);
        for (uint256 which = 0; which < 3; which++) {
            (Template memory template, Leg memory leg) = _single(which);
            _set(template, which, far);
            leg.data = new bytes(far + WORD);
            template.hash = keccak256(leg.data);
            _write(leg.data, far, which == 0 ? leg.amount : which == 1 ? leg.minOut : leg.deadline);
            this.check(template, leg);
        }
    }

    /* MAKING */

    /// @dev A template with the words of the bits set in `present`, in one of six orders, and a leg that fits it.
    function _made(uint256 seed, uint256 order, uint8[4] calldata gaps, uint256 present)
        private
        pure
        returns (Template memory template, Leg memory leg)
    {
        (leg.amount, leg.minOut, leg.deadline) = (uint96(seed), uint256(keccak256(abi.encode(seed))), seed >> 8);
        uint256 end = SELECTOR;
        for (uint256 i = 0; i < 3; i++) {
            uint256 which = (order % 2 == 0 ? i : 2 - i) + order / 2 % 3;
            if (present & (1 << which % 3) == 0) continue;
            end += gaps[i];
            _set(template, which % 3, uint16(end));
            end += WORD;
        }
        leg.data = _filled(seed, end + gaps[3]);
        _fit(template, leg);
    }

    /// @dev One word right behind the selector, and nothing else.
    function _single(uint256 which) private pure returns (Template memory template, Leg memory leg) {
        (leg.amount, leg.minOut, leg.deadline) = (1, 2, 3);
        _set(template, which, uint16(SELECTOR));
        leg.data = _filled(which, SELECTOR + WORD);
        _fit(template, leg);
    }

    /// @dev The hash is of the calldata with zeros in its words; then the arguments go there.
    function _fit(Template memory template, Leg memory leg) private pure {
        for (uint256 which = 0; which < 3; which++) {
            if (_offset(template, which) != 0) _write(leg.data, _offset(template, which), 0);
        }
        template.hash = keccak256(leg.data);
        if (template.amountWord != 0) _write(leg.data, template.amountWord, leg.amount);
        if (template.minOutWord != 0) _write(leg.data, template.minOutWord, leg.minOut);
        if (template.deadlineWord != 0) _write(leg.data, template.deadlineWord, leg.deadline);
    }

    function _isSound(uint16[3] memory order, uint16 a, uint16 b, uint16 c, bool isSound) private {
        (Template memory template, Leg memory leg) = _single(0);
        _set(template, order[0], a);
        _set(template, order[1], b);
        _set(template, order[2], c);
        leg.data = _filled(a, 200);
        if (isSound) _fit(template, leg);
        if (isSound) this.check(template, leg);
        else _refuses(template, leg, abi.encodeWithSelector(IKernelErrors.BadRule.selector, LEAF));
    }

    function _filled(uint256 seed, uint256 length) private pure returns (bytes memory made) {
        made = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            made[i] = keccak256(abi.encode(seed, i))[0];
        }
    }

    function _write(bytes memory data, uint256 offset, uint256 value) private pure {
        for (uint256 i = 0; i < WORD; i++) {
            data[offset + i] = bytes32(value)[i];
        }
    }

    /* READING */

    function _set(Template memory template, uint256 which, uint16 offset) private pure {
        if (which == 0) template.amountWord = offset;
        else if (which == 1) template.minOutWord = offset;
        else template.deadlineWord = offset;
    }

    function _offset(Template memory template, uint256 which) private pure returns (uint256) {
        return which == 0 ? template.amountWord : which == 1 ? template.minOutWord : template.deadlineWord;
    }

    function _isDeclared(Template memory template, uint256 at) private pure returns (bool) {
        for (uint256 which = 0; which < 3; which++) {
            uint256 offset = _offset(template, which);
            if (offset != 0 && at >= offset && at < offset + WORD) return true;
        }
        return false;
    }

    function _wordAt(bytes memory data, uint256 offset) private pure returns (uint256 found) {
        for (uint256 i = 0; i < WORD; i++) {
            found = found << 8 | uint8(data[offset + i]);
        }
    }

    function _mismatch(Template memory template, Leg memory leg) private pure returns (bytes memory) {
        bytes memory blanked = bytes.concat(leg.data);
        for (uint256 which = 0; which < 3; which++) {
            if (_offset(template, which) != 0) _write(blanked, _offset(template, which), 0);
        }
        return abi.encodeWithSelector(IKernelErrors.TemplateMismatch.selector, keccak256(blanked), template.hash);
    }

    function _refuses(Template memory template, Leg memory leg, bytes memory reason) private {
        vm.expectRevert(reason);
        this.check(template, leg);
    }
}
