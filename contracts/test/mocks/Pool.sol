// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A Uniswap V3 pool's record that is whatever a test says: two cumulative pairs
contract Pool {
    address public immutable token0;
    address public immutable token1;
    int56[2] private _ticks;
    uint160[2] private _inverses;
    bool public isYoung;

    constructor(address token0_, address token1_) {
        (token0, token1) = (token0_, token1_);
    }

    function set(int56[2] memory ticks, uint160[2] memory inverses) external {
        (_ticks, _inverses) = (ticks, inverses);
    }

    /// @notice Its record is shorter than what is asked for.
    function forget() external {
        isYoung = true;
    }

    function observe(uint32[] calldata agos) external view returns (int56[] memory ticks, uint160[] memory inverses) {
        require(!isYoung, "OLD");
        require(agos.length == 2 && agos[0] != 0 && agos[1] == 0, "then and now");
        ticks = new int56[](2);
        inverses = new uint160[](2);
        (ticks[0], ticks[1]) = (_ticks[0], _ticks[1]);
        (inverses[0], inverses[1]) = (_inverses[0], _inverses[1]);
    }
}
