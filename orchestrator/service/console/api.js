/** The native API: requests with the key, errors with their hint, a run's events without a gap. */

import { eventsOf } from "./sse.js";

const KEY = "ferryman.key";
const SILENCE_MS = 60_000;
const PAUSES_MS = [300, 1000, 2000, 4000, 8000, 15000];

/** What the service refused, in its own words. */
export class Refused extends Error {
  constructor(status, { message, code = "", hint = "" } = {}) {
    super(message || `The service answered ${status}.`);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** Nobody answered. */
export class Unreachable extends Error {
  constructor() {
    super("Ferryman does not answer.");
    this.hint = "Is the service running? The page tries again by itself.";
  }
}

let askForKey = async () => false;

/** Say how a person is asked for a key; the answer is whether there is a new one. */
export function whenKeyIsNeeded(ask) {
  askForKey = ask;
}

/** Keep a key until the tab is closed. */
export function keepKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** Whether a key is kept. */
export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

/** Ask the service; gives what the JSON body says. */
export async function ask(method, path, body, { signal, headers = {} } = {}) {
  const response = await send(method, path, { body, signal, headers });
  const text = await response.text().catch(() => "");
  return text ? JSON.parse(text) : {};
}

async function send(method, path, { body, signal, headers = {} }) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const response = await fetched(new URL(path, document.baseURI), {
      method,
      signal,
      cache: "no-store",
      headers: {
        accept: "application/json, text/event-stream",
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (response.ok) return response;
    const refused = new Refused(response.status, await saidBy(response));
    if (response.status !== 401 || !(await askForKey(refused, key !== null))) throw refused;
  }
}

async function fetched(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
}

async function saidBy(response) {
  try {
    const body = await response.json();
    return typeof body.error === "object" && body.error ? body.error : {};
  } catch {
    return {};
  }
}

/**
 * Follow a run until it is over or at rest.
 *
 * A connection that breaks is taken up again after the last entry that was seen, so that each
 * entry comes exactly once; `delta` gets {role, text} while a model writes. `line` is told "live", "rest",
 * or "lost" with a way to try again at once and what the service said, if anything.
 */
export async function follow(runId, { after, entry, delta, line, signal }) {
  let seen = after;
  for (let failed = 0; !signal.aborted; failed += 1) {
    const before = seen;
    let said = "";
    try {
      for await (const event of connection(runId, seen, signal, () => line("live"))) {
        if (event.event === "end") return line("rest");
        const data = parsed(event.data);
        if (event.event === "delta" && data) delta(data);
        if (!data?.seq || data.seq <= seen) continue;
        seen = data.seq;
        entry(data);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.status < 500 && error.status !== 429) throw error;
      if (error instanceof Refused) said = error.message;
    }
    if (seen > before) failed = 0;
    await pause(PAUSES_MS[Math.min(failed, PAUSES_MS.length - 1)], line, signal, said);
  }
}

async function* connection(runId, after, signal, open) {
  const attempt = new AbortController();
  const end = () => attempt.abort();
  signal.addEventListener("abort", end);
  let silence = setTimeout(end, SILENCE_MS);
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(end, SILENCE_MS);
  };
  try {
    const headers = { accept: "text/event-stream", "last-event-id": String(after) };
    const path = `v1/runs/${encodeURIComponent(runId)}/events?deltas=true`;
    const response = await send("GET", path, { signal: attempt.signal, headers });
    open();
    yield* eventsOf(response, heard);
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", end);
    end();
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Wait before the next try; a person, or the network that came back, can cut it short. */
function pause(ms, line, signal, said) {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer);
      window.removeEventListener("online", go);
      signal.removeEventListener("abort", go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    window.addEventListener("online", go);
    signal.addEventListener("abort", go);
    line("lost", go, said);
  });
}
