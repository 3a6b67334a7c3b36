// The development dashboard: it reads itself again every two seconds.
import { $, copy } from "./view.js";

async function refresh() {
  try {
    const res = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!res.ok) throw new Error(res.status);
    const list = new DOMParser().parseFromString(await res.text(), "text/html").getElementById("list");
    if (list.innerHTML !== $("list").innerHTML) $("list").replaceWith(list);
    $("offline").hidden = true;
  } catch {
    $("offline").hidden = false;
  }
  setTimeout(refresh, 2000);
}

for (const b of document.querySelectorAll("[data-copy]")) b.onclick = () => copy(b, b.dataset.copy);
setTimeout(refresh, 2000);
