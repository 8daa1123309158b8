// What the administrator does from a page: buttons with `data-post` send a request under her token, which is kept in memory only.
const words = document.getElementById("board").dataset;
const answer = document.getElementById("answer");
let token = "";

async function post(button) {
  token = token || (prompt(words.token) ?? "").trim();
  const asksReason = "asksReason" in button.dataset;
  const reason = token && asksReason ? prompt(words.reason) : "";
  if (!token || reason === null) return;
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const body = asksReason ? JSON.stringify({ reason }) : undefined;
  button.disabled = true;
  try {
    const got = await fetch(button.dataset.post, { method: "POST", headers, body });
    if (got.status === 401) token = "";
    const why = got.ok ? words.done : `${words.failed} ${(await got.json()).detail ?? got.statusText}`;
    say(why, got.ok);
  } catch (error) {
    say(`${words.failed} ${error.message}`, false);
  }
  button.disabled = false;
}

function say(text, good) {
  answer.textContent = text;
  answer.className = good ? "answer good" : "answer bad";
  answer.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-post]");
  if (button) post(button);
});
