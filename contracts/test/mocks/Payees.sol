// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Calls `door` with `payload` when it is paid, and keeps the selector of what came back
contract ReenteringPayee {
    address public door;
    bytes public payload;
    bool public entered;
    bytes4 public answer;

    function setDoor(address door_, bytes calldata payload_) external {
        door = door_;
        payload = payload_;
    }

    receive() external payable {
        bytes memory returned;
        (entered, returned) = door.call(payload);
        answer = bytes4(returned);
    }
}

/// @title Burns all the gas that it is given
contract GasBurningPayee {
    receive() external payable {
        for (uint256 i = 0;; ++i) {}
    }
}

/// @title Refuses at length: everybody on the way copies the reason, and pays for that
contract LongWindedPayee {
    uint256 private constant REASON_BYTES = 100_000;

    receive() external payable {
        revert(string(new bytes(REASON_BYTES)));
    }
}
