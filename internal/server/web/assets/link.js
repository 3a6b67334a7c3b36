// The payor's link: its two secrets, the requests they open, and the doorbell.
const query = new URLSearchParams(location.search);
let keys = query.get("session") && { session: query.get("session"), signature: query.get("signature") ?? "" };

// open takes the secrets out of the address bar and keeps them in this entry of the
// tab's history, where a reload finds them. False means the page cannot go on here.
export function open() {
  if (keys) {
    history.replaceState({ keys }, "", location.pathname);
    return true;
  }
  keys = history.state?.keys;
  if (keys) location.replace(location.pathname + "?" + new URLSearchParams(keys));
  return false;
}

// Refusal is an answer that is not the one asked for; status 0 means no answer came.
export class Refusal extends Error {
  constructor(status, text, wait) {
    super(text || "Something went wrong. Please try again.");
    this.status = status;
    this.wait = wait;
  }
}

export async function ask(path, body) {
  let res;
  try {
    res = await fetch(path, {
      method: body ? "POST" : "GET",
      headers: { "x-session-token": keys.session, "x-signature": keys.signature, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(15000),
    });
  } catch {
    throw new Refusal(0, "We could not reach the payment server. Please try again.");
  }
  const data = await res.json().catch(() => null);
  if (data?.quote_status || (res.ok && data)) return data;
  throw new Refusal(res.status, data?.error, Number(res.headers.get("retry-after")) || 0);
}

// draft keeps what was typed for as long as the tab lives; null forgets it. Without
// an argument it returns what was kept.
export function draft(values) {
  const name = "draft " + keys.session;
  try {
    if (values) sessionStorage.setItem(name, JSON.stringify(values));
    else if (values === null) sessionStorage.removeItem(name);
    else return JSON.parse(sessionStorage.getItem(name));
  } catch {} // a browser that keeps nothing
}

let socket, tries = 0;
export const listening = () => socket?.readyState === 1;

// listen calls ring at every frame and whenever the line comes back.
export function listen(connection, ring) {
  hangUp();
  if (!connection?.ws_url) return;
  const url = new URL(connection.ws_url, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("token", connection.token ?? "");
  const s = (socket = new WebSocket(url));
  s.onopen = () => {
    tries = 0;
    ring();
  };
  s.onmessage = ring;
  s.onclose = () => {
    if (s !== socket) return;
    setTimeout(() => s === socket && listen(connection, ring), Math.min(30000, 1000 * 2 ** tries++));
  };
}

export function hangUp() {
  const s = socket;
  socket = null;
  s?.close();
}
