// The page's one loop: read the state, show what it means, act when the payor does.
import { ask, hangUp, listen, listening, open } from "./link.js";
import { $, announce, astray, buttons, clock, copy, fill, lines, money, note, ring, rows, show, spell, title } from "./view.js";
import { discover, pay } from "./wallet.js";

const form = $("ask") && (await import("./form.js")); // few merchants ask anything
let state = JSON.parse($("state").textContent);
let quote = null; // the answer of POST /pay/address that is on show
let sent = ""; // a payment handed to a wallet here that the chain has not shown yet
let dismissed = false; // the payor went back to the list although a pair is known
let busy = false; // an address is being fetched
let asking = false; // a wallet has been asked to pay
let retryAt = 0; // there is no price: when to ask again
let leaveAt = 0; // when to go back to the shop
let skew = 0; // server's clock minus ours, seconds
let poll, fails = 0, syncing = false, again = false;

const now = () => Date.now() / 1000 + skew;
const radios = [...document.querySelectorAll("input[data-network]")];
const places = Object.fromEntries(radios.map((r) => [r.dataset.network, r.dataset.place]));
const coin = (r) => r.closest(".pick")?.querySelector("[name=coin]"); // where the token is chosen first
const chosen = () => radios.find((r) => r.checked && (coin(r)?.checked ?? true));
const name = (r) => r.dataset.symbol + (coin(r) ? " on " + r.dataset.place : "");
function choose(r) {
  r.checked = true;
  if (coin(r)) coin(r).checked = true;
  fill({ choice: name(r) });
}
const pending = () => state.payments.filter((p) => p.status === "pending").at(-1);
const counted = (p) => (p.required_confirmations > 1 ? p.required_confirmations : 0); // one is there or not: nothing to count
const closed = () => ["paid", "expired", "canceled", "invalid", ""].includes(state.status);
const bound = () => state.status === "underpaid" && state.locked;

function section() {
  if (["invalid", "canceled", "paid"].includes(state.status)) return state.status;
  if (pending()) return "track";
  if (state.status === "expired") return "expired";
  if (sent) return "track";
  if (form?.due()) return "ask";
  if (retryAt) return "unavailable";
  if (quote) return "pay";
  return state.locked && !dismissed ? "loading" : "choose";
}

const tab = { ask: "Pay", choose: "Pay", loading: "Pay", pay: "Pay", track: "Confirming", paid: "Paid", expired: "Expired", canceled: "Canceled", invalid: "Link not valid", unavailable: "Pay" };
const labels = { paid: "Paid", expired: "Amount", canceled: "Amount" };

function render(asked) {
  const view = section(), p = pending(), under = state.status === "underpaid";
  const due = money(under ? state.amount_remaining_usd : state.amount_usd);
  fill({ due, label: labels[view] ?? (under ? "Left to pay" : "Amount due"), total: money(state.amount_usd), received: money(state.amount_paid_usd) });
  $("sums").hidden = !under;
  $("owed").hidden = !under;
  $("change").hidden = !!bound();
  $("other").hidden = !!bound();
  rows(state.payments, places);
  astray(state.payments);
  if (p) {
    ring(p.confirmations, counted(p));
    fill({
      "track-title": p.confirmations > 1 ? "Confirming your payment" : "Payment seen",
      "track-say": "The network is confirming it now." + (p.expected_network_name ? "" : " You may close this page; the payment goes on without it."),
    });
  } else if (sent) {
    ring(0, 0);
    fill({ "track-title": "Payment sent", "track-say": "Waiting for the network to show it. This usually takes less than a minute." });
  }
  $("go")?.setAttribute("aria-busy", busy);
  $("details").hidden = !!p;
  form?.offer(view);
  if (view === "paid") fill({ "paid-at": state.paid_at ? " on " + new Date(state.paid_at * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "" });
  const count = p && counted(p) ? ` ${Math.min(p.confirmations, counted(p))}/${counted(p)}` : "";
  title(tab[view] + (view === "track" ? count : tab[view] === "Pay" ? " " + due : ""));
  const spoken = { track: p ? `Payment of ${p.token_amount} ${p.token_symbol} seen. Confirming.` : "Payment sent. Waiting for the network.", unavailable: "There is no price right now. We will try again." }[view];
  if (show(view, asked)) announce(spoken ?? $("v-" + view).querySelector("h2").textContent + (view === "pay" && under ? `. ${due} left to pay.` : ""));
  tick();
}

// sync reads the state and decides when to read it next; at most one read at a time.
async function sync() {
  again = syncing;
  if (syncing) return;
  syncing = true;
  clearTimeout(poll);
  try {
    const before = state;
    state = await ask("/pay/state");
    skew = state.server_time - Date.now() / 1000;
    fails = 0;
    $("offline").hidden = true;
    moved(before);
  } catch (e) {
    fails++;
    if (e.status === 401 || e.status === 404) state.status = "invalid";
    else if (e.status === 410) state.status = "expired";
    else if (e.status !== 429) $("offline").hidden = false;
  }
  syncing = false;
  render();
  if (closed() && !pending() && !(sent && state.status === "expired")) return hangUp();
  const pause = fails ? Math.min(15000, 1000 * 2 ** fails) : pending() ? 1000 : listening() ? 15000 : 3000;
  poll = setTimeout(sync, again ? 0 : pause);
}

// moved reacts to what is new since the state before.
function moved(before) {
  if (state.payments.some((p) => p.tx_hash === sent) || state.amount_paid_usd !== before.amount_paid_usd) sent = "";
  if (state.amount_remaining_usd !== before.amount_remaining_usd) {
    quote = null; // it asks for the wrong sum now
    dismissed = false;
  }
  if (state.status === "paid" && before.status !== "paid" && $("return")) leaveAt = now() + 10;
  if (bound()) resume();
}

// resume goes straight to the pair the invoice is bound to, or was last to be paid in.
function resume() {
  if (closed() || !state.locked || dismissed || quote || busy || retryAt || pending() || sent || form?.due()) return;
  const r = radios.find((r) => r.value === state.locked.token_id && r.dataset.network === state.locked.network);
  if (r) choose(r);
  price(r ?? { value: state.locked.token_id, dataset: { network: state.locked.network } });
}

// price asks for an address and a price of the pair. What is on show stays until then.
async function price(pair = chosen(), asked) {
  if (busy || !pair) return;
  busy = true;
  note("wrong", "");
  render(asked);
  const old = quote;
  let answer, fault;
  try {
    answer = await ask("/pay/address", { network: pair.dataset.network, tokenId: Number(pair.value) });
  } catch (e) {
    fault = e;
  }
  busy = false;
  if (answer && (!answer.quote_status || answer.quote_status === "available") && answer.temp_address) {
    quote = answer;
    quote.since = now();
    retryAt = 0;
    draw(pair);
    listen(answer.ws_connection, sync);
    if (old && old.estimated_token_amount !== quote.estimated_token_amount) announce(`The price was refreshed. Send ${quote.estimated_token_amount} ${pair.dataset.symbol ?? ""}`);
  } else if (answer?.retryable === false || (fault && fault.status >= 400 && fault.status < 500 && ![408, 410, 429].includes(fault.status))) {
    quote = null;
    retryAt = 0;
    dismissed = true;
    note("wrong", (fault ?? answer).message);
  } else {
    quote = null;
    retryAt = now() + (answer?.retry_after_seconds || fault?.wait || 10);
    fill({ symbol: pair.dataset.symbol ?? "this token" });
    if (fault?.status === 410) sync();
  }
  render(asked);
}

function draw(pair) {
  const symbol = pair.dataset.symbol ?? "", place = quote.network_name || places[quote.network] || quote.network;
  fill({ symbol, place, amount: quote.estimated_token_amount });
  $("amount").closest(".field").classList.toggle("long", quote.estimated_token_amount.length > 12);
  spell(quote.temp_address);
  const coin = pair.parentElement?.querySelector("svg")?.cloneNode(true);
  $("coin").replaceChildren(...(coin ? [coin] : []));
  $("qr").src = "data:image/svg+xml," + encodeURIComponent(quote.qr_svg ?? "");
  $("qr").alt = `QR code to pay ${quote.estimated_token_amount} ${symbol} on ${place}`;
  $("open").hidden = !quote.uri;
  $("open").href = quote.uri ?? "";
  $("wallets").hidden = quote.family !== "evm"; // what browsers' wallets are asked in
  $("sim").hidden = !quote.simulated;
  lines(quote.hints ?? [], quote.links ?? []);
}

// tick moves the clocks and does what is due. It speaks to no one.
function tick() {
  const t = now();
  const left = state.expires_at - t;
  $("until").hidden = closed() || !state.expires_at;
  fill({ until: clock(left) });
  $("until").classList.toggle("soon", left < 120);
  if (left <= 0 && left > -2 && !closed()) sync();
  if (quote) {
    const rest = quote.quote_valid_until - t;
    fill({ hold: clock(rest) });
    $("bar").style.transform = `scaleX(${Math.max(0, Math.min(1, rest / (quote.quote_valid_until - quote.since)))})`;
    if (rest <= 0 && !document.hidden && !busy && section() === "pay") price(pairOf(quote));
  }
  if (retryAt) {
    fill({ retry: clock(retryAt - t) });
    if (t >= retryAt && !busy) price();
  }
  if (leaveAt) {
    $("auto").hidden = false;
    fill({ auto: clock(leaveAt - t) });
    if (t >= leaveAt) {
      leaveAt = 0;
      location.assign($("return").href);
    }
  }
}

const pairOf = (q) => radios.find((r) => r.value === String(q.supported_token_id) && r.dataset.network === q.network) ?? chosen();

// hand lets a wallet pay; the button waits with it.
async function hand(button, work) {
  if (asking) return;
  asking = true;
  note("fault", "");
  const label = button.lastChild, text = label.textContent;
  button.ariaBusy = "true"; // not disabled: that would lose the keyboard's place
  label.textContent = "Continue in your wallet…";
  try {
    sent = await work();
    sync();
  } catch (e) {
    note("fault", e.message);
  }
  asking = false;
  button.ariaBusy = "false";
  label.textContent = text;
  render();
}

function back() {
  quote = null;
  retryAt = 0;
  dismissed = true;
  hangUp();
  render(true);
  chosen()?.focus();
}

function start() {
  $("late").remove();
  if (!open()) {
    if (!history.state?.keys) show("invalid");
    return;
  }
  if (state.server_time) skew = state.server_time - Date.now() / 1000;
  if ($("go")) $("go").disabled = false; // without a script the form would lead nowhere
  form?.start(() => (render(true), resume()), sync, () => render(true));
  $("form")?.addEventListener("change", () => choose(chosen()));
  if (chosen()) choose(chosen()); // a reload may have kept another one
  if ($("find")) import("./find.js").then((m) => m.find(radios, chosen, choose));
  $("form")?.addEventListener("submit", (e) => {
    e.preventDefault();
    price(chosen(), true);
  });
  for (const b of document.querySelectorAll("[data-copy]")) b.onclick = () => copy(b, b.dataset.copy);
  $("change").onclick = back;
  $("other").onclick = back;
  $("again").onclick = () => price(undefined, true);
  $("details").onclick = () => {
    sent = "";
    render(true);
  };
  if ($("test")) $("test").onclick = () => hand($("test"), async () => (await ask("/pay/test-wallet", { network: quote.network, tokenId: quote.supported_token_id })).tx_hash);
  if ($("stay")) $("stay").onclick = () => {
    leaveAt = 0;
    $("auto").hidden = true;
    $("return").focus();
  };
  discover((all) => buttons(all, (w, b) => hand(b, () => pay(w, () => quote))));
  addEventListener("online", sync);
  addEventListener("offline", () => ($("offline").hidden = false));
  document.addEventListener("visibilitychange", () => document.hidden || closed() || sync());
  setInterval(tick, 1000);
  render();
  resume();
  if (!closed() || pending()) poll = setTimeout(sync, 1000);
}

start();
