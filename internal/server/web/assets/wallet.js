// Wallets in the browser: EIP-6963 discovery, and one payment through one of them.
const found = new Map();

// discover calls changed with all wallets whenever another one announces itself.
export function discover(changed) {
  addEventListener("eip6963:announceProvider", ({ detail }) => {
    const { info, provider } = detail ?? {};
    if (!info?.uuid || typeof provider?.request !== "function" || found.has(info.uuid) || found.size > 11) return;
    const icon = /^data:image\//.test(info.icon) ? info.icon : "";
    found.set(info.uuid, { name: String(info.name || "wallet").slice(0, 40), icon, provider });
    changed([...found.values()]);
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
}

const word = (hex) => hex.replace(/^0x/, "").toLowerCase().padStart(64, "0");
const isAddress = (s) => /^0x[0-9a-f]{40}$/i.test(s);

// transfer is what eth_sendTransaction needs to pay quote from an account.
export function transfer(quote, from) {
  const units = BigInt(quote.base_units), to = quote.temp_address, token = quote.token_address;
  if (!isAddress(from) || !isAddress(to) || (token && !isAddress(token)) || units <= 0n) throw new Error("This payment cannot be made from the browser.");
  if (!token) return { from, to, value: "0x" + units.toString(16) };
  return { from, to: token, value: "0x0", data: "0xa9059cbb" + word(to) + word(units.toString(16)) };
}

// pay asks the wallet for an account, the right chain and the payment, in this order.
// current is called last, so that what is signed is what the page shows then.
export async function pay({ name, provider }, current) {
  const call = (method, params) => provider.request({ method, params });
  const first = current();
  const chainId = "0x" + BigInt(first.chain_id).toString(16);
  try {
    const [from] = await call("eth_requestAccounts");
    if (BigInt(await call("eth_chainId")) !== BigInt(chainId)) await call("wallet_switchEthereumChain", [{ chainId }]);
    const quote = current();
    if (quote?.chain_id !== first.chain_id) throw new Error("The payment changed meanwhile. Please try again.");
    return await call("eth_sendTransaction", [transfer(quote, from)]);
  } catch (e) {
    throw new Error(explain(e, name, first));
  }
}

function explain(e, name, quote) {
  const code = e?.data?.originalError?.code ?? e?.code;
  if (code === 4001) return `You declined in ${name}. Nothing was sent.`;
  if (code === 4902) return `${name} does not know the network ${quote.network_name} (chain ${quote.chain_id}). Add it there, or scan the code instead.`;
  if (code === -32002) return `${name} is already waiting for your answer. Please open it.`;
  return `${name} could not send the payment: ${String(e?.message ?? e).slice(0, 160)}`;
}
