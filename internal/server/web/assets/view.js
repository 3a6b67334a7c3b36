// Everything that touches the document: sections, texts, rows, clocks, copying.
export const $ = (id) => document.getElementById(id);
const { before, after, merchant } = document.body.dataset;
export const money = (amount) => before + amount + after;

// fill writes texts into all elements that carry their names.
export function fill(texts) {
  for (const [name, text] of Object.entries(texts))
    for (const el of document.querySelectorAll(`[data-f="${name}"]`)) if (el.textContent !== text) el.textContent = text;
}

// show swaps the visible section. The reader's focus moves along only if it would
// otherwise be lost or the payor asked for the change.
let shown = document.querySelector(".view:not([hidden])")?.id.slice(2);
export function show(view, asked) {
  if (view === shown) return false;
  const old = $("v-" + shown), now = $("v-" + view);
  const lost = old?.contains(document.activeElement);
  if (old) old.hidden = true;
  now.hidden = false;
  shown = view;
  if (asked || lost) now.querySelector("h2").focus({ preventScroll: !asked });
  return true;
}

export function title(text) {
  document.title = merchant ? `${text} · ${merchant}` : text;
}

// announce speaks to screen readers; the same words twice are heard twice.
export function announce(text) {
  const live = $("live");
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = text));
}

// clock writes seconds as 4:59, 1:04:59 or 3 days.
export function clock(seconds) {
  const s = Math.max(0, Math.ceil(seconds)), two = (n) => String(n).padStart(2, "0");
  if (s >= 172800) return `${Math.floor(s / 86400)} days`;
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

const el = (tag, text, props) => Object.assign(document.createElement(tag), { textContent: text }, props);

// spell shows an address in groups of four that copy as one word. What it begins with
// says nothing by itself, so the first group goes on; the last takes what is left over.
export function spell(address) {
  const [head] = address.match(/^(0x|addr(_test)?1)?.{0,4}/);
  const parts = [head, ...(address.slice(head.length).match(/.{4}(?=.{4})|.+/g) ?? [])];
  $("address").replaceChildren(...parts.map((p) => el("span", p)));
}

// lines lists what the payor must know, and the wallets that open from here.
export function lines(hints, links) {
  $("hints").replaceChildren(...hints.map((text) => el("li", text)));
  const safe = links.filter((l) => l.url.startsWith("https://"));
  $("links").replaceChildren(...safe.map((l) => el("a", `Open in ${l.name}`, { className: "btn", href: l.url, target: "_blank", rel: "noopener noreferrer" })));
}

export function note(id, text) {
  $(id).textContent = text;
  $(id).hidden = !text;
}

export async function copy(button, id) {
  try {
    await navigator.clipboard.writeText($(id).textContent);
  } catch { // no clipboard without https: copy the selection instead
    getSelection().selectAllChildren($(id));
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  button.classList.add("done");
  announce(id[0].toUpperCase() + id.slice(1) + " copied");
  clearTimeout(button.timer);
  button.timer = setTimeout(() => {
    button.textContent = "Copy";
    button.classList.remove("done");
  }, 2000);
}

const words = { pending: "Confirming", confirmed: "Confirmed", underpaid: "Received in part", manual_retry: "Being looked at by the shop" };

// rows lists what the chain has shown, with the place name each network goes by.
let drawn;
export function rows(payments, places) {
  const key = JSON.stringify(payments);
  if (key === drawn) return;
  drawn = key;
  for (const list of document.querySelectorAll("[data-rows]"))
    list.replaceChildren(...payments.map((p) => {
      const li = el("li", ""), hash = p.tx_hash ?? "";
      const short = hash.length > 16 ? `${hash.slice(0, 8)}…${hash.slice(-6)}` : hash;
      const link = p.explorer_url?.startsWith("https://");
      li.append(
        el("b", `${p.token_amount} ${p.token_symbol}`), el("b", money(p.amount_usd)),
        el("span", `${words[p.status] ?? p.status} on ${places[p.network] ?? (p.network_name || p.network)}`),
        link ? el("a", short, { href: p.explorer_url, target: "_blank", rel: "noopener noreferrer", title: "Open in the explorer" }) : el("code", short, { title: hash }),
      );
      return li;
    }));
}

// astray says what came on another network than it was asked for. Said once, it is not said again.
export function astray(payments) {
  const text = payments.filter((p) => p.expected_network_name).map((p) => `${p.token_amount} ${p.token_symbol} came on ${p.network_name} instead of ${p.expected_network_name}.`).join(" ");
  const all = text && `${text} ${merchant || "The shop"} has been told and decides about it. Please ask there before you pay again.`;
  if ($("astray").textContent !== all) note("astray", all);
}

// ring shows n of m confirmations; without m it only turns.
export function ring(n, m) {
  const bar = $("progress");
  bar.classList.toggle("idle", !m);
  n = Math.min(n, m);
  $("arc").style.strokeDashoffset = m ? 100 - Math.round((n / m) * 100) : 75;
  if (m) {
    bar.ariaValueMax = m;
    bar.ariaValueNow = n;
    bar.ariaValueText = `${n} of ${m} confirmations`;
  }
  fill({ count: m ? String(n) : "", of: m ? `of ${m}` : "" });
}

// buttons draws one button per wallet, with its own picture where it brought one.
export function buttons(wallets, press) {
  $("wallets").replaceChildren(...wallets.map((w) => {
    const b = Object.assign(document.createElement("button"), { type: "button", className: "btn main" });
    if (w.icon) b.append(Object.assign(new Image(24, 24), { src: w.icon, alt: "" }));
    b.append(`Pay with ${w.name}`);
    b.onclick = () => press(w, b);
    return b;
  }));
}
