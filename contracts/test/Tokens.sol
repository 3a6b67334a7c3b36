// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// What the odd tokens below have in common.
abstract contract Ledger {
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function _move(address to, uint256 amount) internal {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        emit Transfer(msg.sender, to, amount);
    }
}

/// Returns nothing, like USDT.
contract NoReturn is Ledger {
    function transfer(address to, uint256 amount) external {
        _move(to, amount);
    }
}

/// Refuses by returning false.
contract ReturnsFalse is Ledger {
    function transfer(address, uint256) external pure returns (bool) {
        return false;
    }
}

/// Says yes and does nothing.
contract Liar is Ledger {
    function transfer(address, uint256) external pure returns (bool) {
        return true;
    }
}

/// Moves the tokens and returns "true" followed by 10,000 bytes.
contract Verbose is Ledger {
    function transfer(address to, uint256 amount) external {
        _move(to, amount);
        assembly {
            mstore(0, 1)
            return(0, 10032)
        }
    }
}

/// Reverts with as much data as the gas allows.
contract Bomb is Ledger {
    function transfer(address, uint256) external pure {
        assembly {
            revert(0, 20000)
        }
    }
}

/// Burns all the gas when asked for a balance.
contract Furnace {
    function balanceOf(address) external pure returns (uint256) {
        while (true) {}
        return 1;
    }
}

/// An honest token whose transfer takes 200,000 gas more than others.
contract Heavy is Ledger {
    function transfer(address to, uint256 amount) external returns (bool) {
        uint256 until = gasleft() - 200_000;
        while (gasleft() > until) {}
        _move(to, amount);
        return true;
    }
}
