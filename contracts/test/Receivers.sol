// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Factory} from "../Factory.sol";

/// A receiver that burns all the gas it is given.
contract GasBurner {
    receive() external payable {
        while (true) {}
    }
}

/// A receiver that answers coin by sweeping again, and needs about as much gas as a contract wallet.
contract Reenter {
    Factory private immutable FACTORY;
    Factory.Item private again;

    constructor(Factory factory) {
        FACTORY = factory;
    }

    function arm(bytes32 salt) external {
        again = Factory.Item(address(this), salt, address(0));
    }

    receive() external payable {
        Factory.Item[] memory items = new Factory.Item[](1);
        items[0] = again;
        FACTORY.sweep(items);
    }
}

/// Pays with the 2300 gas that Solidity's transfer() leaves to the recipient.
contract Stingy {
    function pay(address payable to) external payable {
        (bool ok,) = to.call{value: msg.value, gas: 0}(""); // the 2300 come with the value
        require(ok);
    }
}
