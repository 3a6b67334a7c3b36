// Finding one of many ways to pay by a part of its name, such as "usdc sol".
import { $, announce } from "./view.js";

// find hides the tokens that no way with all the words has, and chooses one that is left.
export function find(radios, chosen, choose) {
  const names = new Map(radios.map((r) => [r, [r.dataset.symbol, r.dataset.place, r.dataset.network].join(" ").toLowerCase()]));
  $("find").addEventListener("input", () => {
    const words = $("find").value.toLowerCase().split(/\s+/);
    const left = radios.filter((r) => words.every((w) => names.get(r).includes(w)));
    const picks = new Set(left.map((r) => r.closest(".pick")));
    for (const p of document.querySelectorAll(".pick")) p.hidden = !picks.has(p);
    $("none").hidden = left.length > 0;
    $("go").disabled = !left.length;
    if (left.length && !left.includes(chosen())) choose(left[0]);
    announce(left.length ? `${picks.size} ${picks.size > 1 ? "tokens" : "token"}, ${chosen().dataset.symbol} on ${chosen().dataset.place} chosen` : $("none").textContent);
  });
}
