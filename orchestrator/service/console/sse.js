/** Server-sent events over fetch, which unlike EventSource can carry a key. */

/** Reads a stream of server-sent events piece by piece, wherever it was cut. */
export class EventReader {
  #rest = "";
  #fields = {};
  #lines = [];

  /** Take in a piece; give the events that are complete, as {id, event, data}. */
  feed(piece) {
    const text = this.#rest + piece;
    // A lone \r at the end may be half of \r\n.
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + text.slice(whole.length);
    return lines.map((line) => this.#line(line)).filter(Boolean);
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#lines.push(value);
    else this.#fields[name] = value;
    return null;
  }

  #dispatch() {
    const { id = "", event = "message" } = this.#fields;
    const data = this.#lines.join("\n");
    const something = this.#lines.length > 0 || event !== "message";
    this.#fields = {};
    this.#lines = [];
    return something ? { id, event, data } : null;
  }
}

/** Give the events of a response as they come; throws when the connection breaks. */
export async function* eventsOf(response, heard = () => {}) {
  const reader = response.body.getReader();
  const words = new TextDecoder();
  const events = new EventReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      yield* events.feed(words.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
