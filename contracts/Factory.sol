// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Forwarder} from "./Forwarder.sol";

/// Deposit addresses without keys. An address is fixed by (receiver, salt) alone and may be paid before anything is
/// deployed there; its only exit is the receiver, which is why anybody may call sweep. Without owner, storage or
/// upgrade: every effect is a transfer out of a deposit to its own receiver, so there is nothing to win by reentering.
contract Factory {
    struct Item {
        address receiver;
        bytes32 salt;
        address token; // 0: the native coin
    }

    /// `amount` is what left the deposit. A token that keeps a fee for itself hands the receiver less than that.
    event Swept(address indexed deposit, address indexed token, address indexed receiver, uint256 amount);
    /// `reason` is what the token or the receiver reverted with or returned, cut at 256 bytes; empty if it ran out of gas.
    event Failed(address indexed deposit, address indexed token, bytes reason);

    /// The call left too little gas to give an item its full allowance. The whole batch reverts then, so that a
    /// stingy caller can neither produce Failed for a healthy item nor fool a gas estimate.
    error GasTooLow();
    /// The token has no code, or does not answer balanceOf with a number within READ_GAS.
    error NotAToken();
    /// The token claims to have paid but the deposit holds as much as before.
    error NothingMoved();

    // The most gas one item can burn is COIN_GAS, or TOKEN_GAS + 2 * READ_GAS. A Safe takes about 10k gas to accept
    // coin, USDC and USDT about 65k for a first transfer; rebasing and lending tokens stay below 200k. Where accounts
    // and storage that did not exist are priced by EIP-8037, the first costs 184k more and a word of the other 98k.
    uint256 private constant COIN_GAS = 300_000;
    uint256 private constant TOKEN_GAS = 600_000;
    uint256 private constant READ_GAS = 100_000;

    /// The code that every deposit delegates to.
    address public immutable FORWARDER = address(new Forwarder());

    /// Moves the entire balance of every item to its receiver, deploying the deposit first if it has no code. An empty
    /// deposit is passed over in silence; a failing item emits Failed and hurts no other.
    function sweep(Item[] calldata items) external {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        for (uint256 i; i < items.length; ++i) {
            _sweep(items[i].receiver, items[i].salt, items[i].token);
            // Nothing outlives its item, and memory would cost more with every one of them.
            assembly ("memory-safe") {
                mstore(0x40, free)
            }
        }
    }

    /// The deposit address of a receiver and a salt, deployed or not.
    function addressOf(address receiver, bytes32 salt) public view returns (address deposit) {
        (uint256 code, uint256 size) = _initCode(receiver);
        assembly ("memory-safe") {
            let free := mload(0x40)
            let hash := keccak256(code, size)
            mstore(free, or(shl(248, 0xff), shl(88, address())))
            mstore(add(free, 21), salt)
            mstore(add(free, 53), hash)
            deposit := and(keccak256(free, 85), 0xffffffffffffffffffffffffffffffffffffffff)
        }
    }

    function _sweep(address receiver, bytes32 salt, address token) private {
        address deposit = addressOf(receiver, salt);
        (bool ok, uint256 amount) = _balance(token, deposit);
        if (!ok) {
            emit Failed(deposit, token, abi.encodePacked(NotAToken.selector));
            return;
        }
        if (amount == 0) return;
        if (deposit.code.length == 0) _deploy(receiver, salt);

        bytes memory reason;
        (ok, reason) = _forward(deposit, token, amount);
        if (!ok) {
            emit Failed(deposit, token, reason);
            return;
        }
        if (token != address(0)) {
            uint256 left;
            (ok, left) = _balance(token, deposit);
            if (!ok || left >= amount) {
                emit Failed(deposit, token, abi.encodePacked(NothingMoved.selector));
                return;
            }
            amount -= left;
        }
        emit Swept(deposit, token, receiver, amount);
    }

    function _balance(address token, address deposit) private view returns (bool ok, uint256 amount) {
        if (token == address(0)) return (true, deposit.balance);
        _afford(READ_GAS);
        assembly ("memory-safe") {
            mstore(0, 0x70a0823100000000000000000000000000000000000000000000000000000000) // balanceOf(address)
            mstore(4, deposit)
            ok := and(staticcall(READ_GAS, token, 0, 36, 0, 32), 1)
            ok := and(ok, gt(returndatasize(), 31))
            if ok { amount := mload(0) }
        }
    }

    function _forward(address deposit, address token, uint256 amount) private returns (bool ok, bytes memory reason) {
        uint256 allowance = token == address(0) ? COIN_GAS : TOKEN_GAS;
        _afford(allowance);
        bytes memory data = abi.encodeCall(Forwarder.sweep, (token, amount));
        assembly ("memory-safe") {
            ok := call(allowance, deposit, 0, add(data, 32), mload(data), 0, 0)
            if iszero(ok) {
                let size := returndatasize() // at most 256, which the forwarder sees to
                reason := mload(0x40)
                mstore(reason, size)
                returndatacopy(add(reason, 32), 0, size)
                mstore(0x40, add(reason, and(add(size, 63), not(31))))
            }
        }
    }

    /// A call passes on at most 63/64 of the gas that is left after its own price (2,600 for a cold account).
    function _afford(uint256 allowance) private view {
        if (gasleft() < allowance + allowance / 63 + 5_000) revert GasTooLow();
    }

    function _deploy(address receiver, bytes32 salt) private {
        (uint256 code, uint256 size) = _initCode(receiver);
        address deposit;
        assembly ("memory-safe") {
            deposit := create2(0, code, size, salt)
        }
        // The code is fixed and the address is free, so only gas can be wanting.
        if (deposit == address(0)) revert GasTooLow();
    }

    /// Writes a deposit's init code to free memory. It returns the 71 bytes
    ///   36600557005b                   no call data: stop, which accepts the coin
    ///   363d3d373d3d3d363d73 FORWARDER 5af43d82803e903d91603157fd5bf3   the proxy of ERC-1167, jump moved by 6
    ///   receiver                       read by the forwarder, never executed
    function _initCode(address receiver) private view returns (uint256 code, uint256 size) {
        address forwarder = FORWARDER;
        assembly ("memory-safe") {
            code := mload(0x40)
            size := 81
            mstore(code, 0x3d604780600a3d3981f336600557005b363d3d373d3d3d363d73000000000000)
            mstore(add(code, 26), shl(96, forwarder))
            mstore(add(code, 46), 0x5af43d82803e903d91603157fd5bf30000000000000000000000000000000000)
            mstore(add(code, 61), shl(96, receiver))
            mstore(0x40, add(code, 96))
        }
    }
}
