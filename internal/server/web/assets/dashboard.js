// The development dashboard: it reads itself again every two seconds.
import { $, announce, copy, note } from "./view.js";

async function read() {
  try {
    const res = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!res.ok) throw new Error(res.status);
    const list = new DOMParser().parseFromString(await res.text(), "text/html").getElementById("list");
    const focus = document.activeElement?.id; // it stays where it was, on what takes the old one's place, or goes to the heading
    if (list.innerHTML !== $("list").innerHTML && !$("ask").open) {
      $("list").replaceWith(list);
      if (focus) ($(focus) ?? $("needs") ?? $("latest")).focus({ preventScroll: true });
    }
    $("offline").hidden = true;
  } catch {
    $("offline").hidden = false;
  }
}

async function refresh() {
  await read();
  setTimeout(refresh, 2000);
}

// What happens, in the words that are asked before and told afterwards.
const acts = {
  accept: {
    title: (d) => `Count ${d.value} towards ${d.subject}?`,
    text: (d) => `The payment counts for what it was worth when it came. An invoice that this pays in full becomes paid, and goods may be sent. The money is sent to you on ${d.network}. You cannot take this back.`,
    yes: "Count it towards this invoice",
    done: (p) => (p.status === "underpaid" ? "Counted. Something is still due." : "Counted. Nothing is due any more.") + " The money is sent to you.",
  },
  sweep: {
    title: (d) => `Move ${d.value} to you?`,
    text: (d) => `The money is sent to you on ${d.network}. Nothing is counted: the invoice stays ${d.status}. Do this if you pay the customer back. You can still count it later.`,
    yes: "Move the money to me",
    done: (p) => (p.settlement_status === "settled" ? "The money has been sent to you already." : "The money is on its way to you.") + " The invoice stays as it is.",
  },
};

let act, at; // what is asked about, and whom the button belongs to
document.addEventListener("click", (e) => {
  const button = e.target.closest("[data-act]");
  if (!button) return;
  [act, at] = [button.dataset.act, button];
  const d = button.parentElement.dataset;
  $("ask-title").textContent = acts[act].title(d);
  $("ask-text").textContent = acts[act].text(d);
  $("ask-yes").textContent = acts[act].yes;
  $("ask-yes").disabled = false;
  $("ask").showModal();
});

$("ask-no").onclick = () => $("ask").close();
$("ask-yes").onclick = async () => {
  $("ask-yes").disabled = true; // it is asked for once
  const { path } = at.parentElement.dataset, { key } = document.body.dataset;
  let text, bad = true;
  try {
    const res = await fetch(path + act, { method: "POST", headers: key ? { "x-api-key": key } : {}, signal: AbortSignal.timeout(20000) });
    const body = await res.json();
    bad = !res.ok;
    text = res.ok ? acts[act].done(body) : (body.error?.message ?? body.error);
  } catch {
    text = "No answer came. It may have been done all the same: look again before you repeat it.";
  }
  $("ask").close();
  at.focus();
  $("result").classList.toggle("bad", bad);
  $("result").classList.toggle("good", !bad);
  note("result", text);
  announce(text);
  read();
};

for (const b of document.querySelectorAll("[data-copy]")) b.onclick = () => copy(b, b.dataset.copy);
setTimeout(refresh, 2000);
