/* Asking the server for data, with the token that the console's address brought. */

const KEPT = "qldbkit-console-token";

/** What the server refused: a sentence, perhaps a hint, and the HTTP status (0 without answer). */
export class Refusal extends Error {
  constructor(status, { message, hint, position }) {
    const sentence = position ? `${message} (${position})` : message;
    super(sentence.charAt(0).toUpperCase() + sentence.slice(1));
    this.status = status;
    this.hint = hint;
  }
}

/** Take the token out of the address, where it would stay in the history. */
export function takeToken() {
  const found = tokenIn(location.hash);
  if (found === null) return;
  localStorage.setItem(KEPT, found);
  history.replaceState(null, "", `${location.pathname}#/`);
}

/** Keep the token of an address, or of a token by itself. */
export function keepToken(text) {
  localStorage.setItem(KEPT, tokenIn(text) ?? text.trim());
}

/** Data below the console's own path; names are escaped, parameters without a value left out. */
export function read(names, parameters = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) query.set(name, value);
  }
  const asked = query.size ? `?${query}` : "";
  return ask(`${path(names)}${asked}`, { signal });
}

/** Send a statement, or whatever else may change something. */
export function send(names, members) {
  return ask(path(names), {
    method: "POST",
    body: JSON.stringify(members),
    headers: { "content-type": "application/json" },
  });
}

function path(names) {
  return names.map(encodeURIComponent).join("/");
}

function tokenIn(text) {
  return /#token=([\w-]+)/.exec(text)?.[1] ?? null;
}

async function ask(address, { headers = {}, ...options }) {
  const token = localStorage.getItem(KEPT) ?? "";
  let response;
  try {
    response = await fetch(`data/${address}`, {
      ...options,
      headers: { ...headers, "x-console-token": token },
      credentials: "omit",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, {
      message: "the server does not answer",
      hint: "see whether it still runs, and try again",
    });
  }
  const answer = await response.json().catch(() => ({ message: "the answer is damaged" }));
  if (!response.ok) throw new Refusal(response.status, answer);
  return answer;
}
