// Fetches the board again every two seconds while it is looked at; says so when the centre does not answer.
const EVERY_MS = 2000;
const board = document.getElementById("board");
const lost = document.getElementById("lost");
const clock = document.getElementById("clock");
const language = document.documentElement.lang;
let shown = "";

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(`/board?lang=${language}`, { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    if (html !== shown) replace(html);
    shown = html;
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

function replace(html) {
  const open = [...board.querySelectorAll("details[open]")].map((one) => one.id);
  board.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
}

function tick() {
  clock.textContent = new Date().toLocaleTimeString("vi-VN", { timeZone: "Asia/Ho_Chi_Minh", hour12: false });
}

async function again() {
  await refresh();
  setTimeout(again, EVERY_MS);
}

document.addEventListener("visibilitychange", refresh);
setInterval(tick, 1000);
tick();
again();
