// Live parts of the screen: events in, presses out. Every page also works as plain forms.
"use strict";

const SILENT_MS = 1900; // two heartbeats less a little: the curtain falls within two seconds
const LIVE_PICTURE_MS = 500;
const FULL_REFRESH_BEATS = 5; // ages and the like change without an event
const panel = document.getElementById("panel");
const said = document.getElementById("words")?.dataset;

// -- the panel is fetched when something changed, and never swapped under a finger

let fingerDown = false;
let swapWaits = null;
let swapped = null;
let busy = false;

function swap(html) {
  if (fingerDown) { swapWaits = html; return; }
  if (html === swapped) return;
  const focused = document.activeElement?.closest("#panel [value]")?.value;
  const live = panel.querySelector("[data-live-picture]")?.src;
  swapped = html;
  const halfDone = kept();
  panel.innerHTML = html;
  halfDone.forEach(putBack);
  if (live) panel.querySelector("[data-live-picture]")?.setAttribute("src", live);
  if (focused) panel.querySelector(`button[value="${CSS.escape(focused)}"]`)?.focus();
  followVehicle();
}

// What was chosen or typed in forms that outlive a swap, and where the cursor stands: by the form's `data-keep`.

function kept() {
  return [...panel.querySelectorAll("form[data-keep]")].map((form) => ({
    form: form.dataset.keep,
    fields: [...form.querySelectorAll("input:not([type=hidden])")]
      .filter((one) => one.checked !== one.defaultChecked || one.value !== one.defaultValue)
      .map(({ name, type, value, checked }) => ({ name, type, value, checked })),
    open: form.querySelector("details")?.open,
    at: reached(form).indexOf(document.activeElement),
    selected: [document.activeElement.selectionStart, document.activeElement.selectionEnd],
  }));
}

function reached(form) { return [...form.querySelectorAll("input:not([type=hidden]), button, summary")]; }

function field(form, { name, type, value }) {
  const pickable = type === "radio" || type === "checkbox";
  return form.querySelector(`input[name="${CSS.escape(name)}"]` + (pickable ? `[value="${CSS.escape(value)}"]` : ""));
}

function putBack({ form: key, fields, open, at, selected }) {
  const form = panel.querySelector(`form[data-keep="${CSS.escape(key)}"]`);
  if (!form) return;
  for (const one of fields) {
    const found = field(form, one);
    if (found && one.type === "text") found.value = one.value;
    else if (found) found.checked = one.checked;
  }
  if (open) form.querySelector("details")?.setAttribute("open", "");
  const held = reached(form)[at];
  held?.focus({ preventScroll: true });
  if (held?.type === "text") held.setSelectionRange(...selected);
}

async function refresh() {
  const answer = await fetch(`${panel.dataset.live}/panel`, { headers: { Accept: "text/html" }, redirect: "manual" });
  if (answer.status === 401 || answer.type === "opaqueredirect") location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  if (answer.ok) swap(await answer.text());
}

function lookAgain() { refresh().catch(() => {}); } // the heartbeat says when the daemon is silent

function fingerLifted() {
  setTimeout(() => { // after the click that belongs to this finger
    fingerDown = false;
    if (swapWaits !== null) { const html = swapWaits; swapWaits = null; swap(html); }
  }, 0);
}

addEventListener("pointerdown", () => { fingerDown = true; }, true);
for (const over of ["pointerup", "pointercancel"]) addEventListener(over, fingerLifted, true);
addEventListener("blur", fingerLifted); // the window's own: a finger that was down when the page lost the screen

// -- events, heartbeat, and the curtain

let lastWord = performance.now();
let beats = 0;
let seen = panel?.dataset.number; // the change that the page was made after

function heard() {
  lastWord = performance.now();
  document.getElementById("silent").hidden = true;
}

function listen() {
  const events = new EventSource(`${panel.dataset.live}/events`);
  events.addEventListener("change", (event) => {
    heard();
    if (event.data !== seen) lookAgain();
    seen = event.data;
  });
  events.addEventListener("beat", () => { heard(); if (++beats % FULL_REFRESH_BEATS === 0) lookAgain(); });
  events.onerror = () => {
    if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    setTimeout(listen, 1000);
    lookAgain();
  };
}

if (panel?.dataset.live) {
  listen();
  setInterval(() => {
    if (performance.now() - lastWord > SILENT_MS) document.getElementById("silent").hidden = false;
  }, 100);
}

// -- the live picture, only while somebody can see it

async function showLive() {
  const picture = panel?.querySelector("[data-live-picture]");
  if (!picture || document.hidden) return;
  const answer = await fetch(`${panel.dataset.live}/live.jpg`);
  const before = picture.src;
  if (answer.status === 200) picture.src = URL.createObjectURL(await answer.blob());
  else picture.removeAttribute("src");
  if (before.startsWith("blob:")) URL.revokeObjectURL(before);
}

(async function liveForEver() {
  await showLive().catch(() => {});
  setTimeout(liveForEver, LIVE_PICTURE_MS);
})();

// -- presses: once each, answered in words

let messageTimer = 0;

function say(text, stays_ms) {
  const message = document.getElementById("message");
  message.textContent = text;
  message.hidden = false;
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => { message.hidden = true; }, stays_ms);
}

async function press(form, button) {
  if (busy) return;
  busy = true;
  const values = new FormData(form);
  if (button?.name) values.set(button.name, button.value);
  document.body.classList.add("busy");
  say(said.saving, 60000);
  try {
    const answer = await fetch(form.action, { method: "POST", body: values, headers: { Accept: "application/json" } });
    if (answer.ok && "keep" in form.dataset) form.reset(); // what was sent is half done no more
    if (answer.ok) say(said.saved, 1500);
    else say((await answer.json()).detail, 6000);
  } catch {
    say(said.maybe, 10000);
  }
  form.closest("dialog")?.close();
  await refresh().catch(() => {}); // only then may a button be pressed again
  busy = false;
  document.body.classList.remove("busy");
}

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!said || event.target.closest("header")) return; // signing in and out are plain forms
  event.preventDefault();
  if (button?.dataset.ask) ask(button.dataset.ask);
  else if (!button?.dataset.holdMs) press(event.target, button);
});

// -- dialogs: reasons and the plate keypad

function shown() { return panel.querySelector(".look").dataset; }

function ask(id) {
  const dialog = document.getElementById(id);
  dialog.querySelector("[name=token]").value = shown().token;
  dialog.dataset.passage = shown().passage;
  const typed = dialog.querySelector("[name=text]");
  if (typed) typed.value = panel.querySelector(".read [data-plate]")?.dataset.plate ?? "";
  dialog.showModal();
}

function followVehicle() { // a dialog about a vehicle that has left closes; typing a plate goes on while the same vehicle stands there
  for (const dialog of document.querySelectorAll("dialog[open]")) {
    if (dialog.dataset.passage !== shown().passage) dialog.close();
    else if ("follows" in dialog.dataset) dialog.querySelector("[name=token]").value = shown().token;
  }
}

let typedInto = null;
document.addEventListener("focusin", (event) => { if (event.target.matches("input")) typedInto = event.target; });

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) { if (!event.target.closest(".menu")) document.querySelector(".menu[open]")?.removeAttribute("open"); return; }
  const form = button.closest("form");
  const field = form?.contains(typedInto) ? typedInto : form?.querySelector("input:not([type=hidden])");
  if ("close" in button.dataset) button.closest("dialog").close();
  else if (button.dataset.key) field.value += button.dataset.key;
  else if (button.dataset.fill) button.closest("fieldset").querySelector("input").value = button.dataset.fill;
  else if ("erase" in button.dataset) field.value = field.value.slice(0, -1);
  else if ("letters" in button.dataset) for (const keys of form.querySelectorAll(".keys")) keys.hidden = !keys.hidden;
});

// -- emergency: held for a second, by finger or by key

let holding = 0;

function hold(button) {
  if (holding || busy) return;
  button.classList.add("held");
  holding = setTimeout(() => { letGo(); press(button.form, button); }, Number(button.dataset.holdMs));
}

function letGo() {
  clearTimeout(holding);
  holding = 0;
  panel?.querySelector(".held")?.classList.remove("held");
}

const holdable = (event) => event.target.closest?.("[data-hold-ms]");
document.addEventListener("pointerdown", (event) => { const button = holdable(event); if (button) hold(button); });
document.addEventListener("keydown", (event) => { const button = holdable(event); if (button && [" ", "Enter"].includes(event.key) && !event.repeat) hold(button); });
for (const end of ["pointerup", "pointercancel", "keyup"]) addEventListener(end, letGo, true);
addEventListener("blur", letGo); // the window's own: a button's would end the hold that it begins
document.addEventListener("contextmenu", (event) => { if (holdable(event)) event.preventDefault(); });
