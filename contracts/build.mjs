// Compiles the contracts to artifacts.json, or to the file named on the command line.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const files = ["Forwarder.sol", "Factory.sol", "TestDollar.sol", "test/Batch.sol", "test/Tokens.sol", "test/Receivers.sol"];

const input = {
  language: "Solidity",
  sources: Object.fromEntries(files.map((f) => [f, { content: readFileSync(join(here, f), "utf8") }])),
  settings: {
    // The newest instruction set that no EVM chain lacks: shanghai's PUSH0 would save some ten gas and shut out chains
    // that have not followed yet, and one address everywhere needs one byte code everywhere.
    evmVersion: "paris",
    viaIR: true,
    optimizer: { enabled: true, runs: 1000000 },
    // Without a metadata hash the byte code depends on nothing but the code.
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: {
      "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"] },
    },
  },
};

const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const e of output.errors ?? []) console.error(e.formattedMessage);
if ((output.errors ?? []).some((e) => e.severity === "error" || e.type === "Warning")) process.exit(1);

const artifacts = {};
for (const file of files) {
  for (const [name, c] of Object.entries(output.contracts[file]).sort()) {
    if (c.evm.bytecode.object === "") continue; // abstract
    const refs = Object.values(c.evm.deployedBytecode.immutableReferences ?? {}).flat().map((r) => r.start);
    artifacts[name] = {
      abi: c.abi,
      bytecode: "0x" + c.evm.bytecode.object,
      runtime: "0x" + c.evm.deployedBytecode.object,
      immutables: refs.sort((a, b) => a - b), // where the runtime holds zeros for a 32-byte immutable
    };
  }
}
writeFileSync(process.argv[2] ?? join(here, "artifacts.json"), JSON.stringify(artifacts, null, 1) + "\n");
