// What the merchant asks before the payor chooses a token: checked here, kept by the server.
import { ask, draft } from "./link.js";
import { $, announce, note } from "./view.js";

const form = $("ask"), inputs = [...document.querySelectorAll("#ask input")];
let answered = form.hasAttribute("data-answered");
let open = !answered;
let busy = false;

// due tells whether the questions come before everything else.
export const due = () => open;

const atom = '[^\\s@.<>()[\\]\\\\,;:"]+';
const kinds = {
  email: [new RegExp(`^${atom}(\\.${atom})*@${atom}(\\.${atom})+$`), "This does not look like an email address. One looks like name@example.com."],
  number: [/^-?\d{1,70}(\.\d{1,70})?$/, "Please enter a number, such as 12 or 7.5."],
  url: [/^https?:\/\/\S+$/, "Please enter a web address, such as example.com."],
};

// fault says what is wrong with an answer, by the rules that the server has.
function fault(i) {
  const v = i.value.trim(), [rule, text] = kinds[i.dataset.kind] ?? [];
  if (i.validity.badInput) return "Please complete this, or clear it.";
  if (!v) return i.required ? "Please fill this in." : "";
  if ([...v].length > (i.dataset.id ? 1000 : 250)) return "This is too long. Please shorten it.";
  return rule && !rule.test(v) ? text : "";
}

function check(i) {
  const text = fault(i);
  i.ariaInvalid = text ? "true" : null;
  note("e" + i.id.slice(1), text);
  return text;
}

const respond = (answer) => ask("/api/v1/payments/submit-form", {
  responses: inputs.filter((i) => i.dataset.id).map((i) => ({ question_id: i.dataset.id, response: answer(i) })),
});

// close goes on to the payment with what the fields hold, or held before.
function close(done) {
  answered = true;
  open = false;
  draft(null);
  inputs.forEach(check);
  note("trouble", "");
  tell();
  done();
}

function tell() {
  const el = (tag, text) => Object.assign(document.createElement(tag), { textContent: text, dir: "auto" });
  $("said").querySelector("dl").replaceChildren(...inputs.flatMap((i) => [el("dt", i.labels[0].firstChild.textContent), el("dd", i.value || "No answer")]));
}

async function save(done, failed) {
  if (busy) return;
  for (const i of inputs) if (i.dataset.kind === "url" && /^[\w-]+(\.[\w-]+)+/.test(i.value.trim())) i.value = "https:/" + "/" + i.value.trim();
  const bad = inputs.filter(check)[0];
  if (bad) return bad.focus();
  busy = true;
  $("save").ariaBusy = "true";
  note("trouble", "");
  for (const i of inputs) i.value = i.value.trim();
  try {
    const mail = inputs.find((i) => !i.dataset.id);
    if (mail && mail.value !== mail.defaultValue) await ask("/api/v1/payments/customer-email", { email: mail.value });
    await respond((i) => i.value);
    for (const i of inputs) i.defaultValue = i.value;
    close(done);
  } catch (e) {
    note("trouble", e.status === 400 ? "Not all of this was accepted. Please look at it again." : e.message + " Your answers are still here.");
    failed();
  }
  busy = false;
  $("save").ariaBusy = "false";
}

// offer shows, on the views before a payment, what was answered.
export function offer(view) {
  $("said").hidden = !answered || !["choose", "loading", "pay", "unavailable"].includes(view);
}

// start calls done when the payor goes on, failed when his answers could not be kept,
// and amend when he wants to change them.
export function start(done, failed, amend) {
  draft()?.forEach((v, n) => {
    if (inputs[n]) inputs[n].value = v;
    open = true;
  });
  const skippable = () => {
    $("skip").hidden = !answered && inputs.some((i) => i.required && !i.defaultValue);
    $("skip").textContent = answered ? "Back" : "Skip";
  };
  skippable();
  tell();
  $("save").disabled = false; // without a script it would lead nowhere
  form.oninput = ({ target }) => {
    draft(inputs.map((i) => i.value));
    if (target.ariaInvalid) check(target);
  };
  form.onchange = ({ target }) => target.value && announce(check(target));
  form.onsubmit = (e) => {
    e.preventDefault();
    save(done, failed);
  };
  $("skip").onclick = () => {
    if (busy) return;
    if (!answered) respond(() => "").catch(() => {}); // nobody waits: at worst he is asked again
    form.reset();
    close(done);
  };
  $("amend").onclick = () => {
    open = true;
    skippable();
    amend();
  };
}
