/** The list of runs: newest first, filtered, refreshed while somebody looks at it. */

import { Unreachable, ask } from "./api.js";
import { h, swap, unseen } from "./dom.js";
import { moment, when } from "./format.js";
import { glyph, runWord } from "./words.js";

const EVERY_MS = 3000;
const PAGE = 50;
const GROUPS = {
  all: ["All", null],
  wanted: ["Needs you", ["waiting_approval", "needs_input", "planned"]],
  active: ["Running", ["running", "waiting_tools"]],
  done: ["Completed", ["completed"]],
  other: ["Not completed", ["incomplete", "stopped", "failed", "cancelled"]],
};

/** The runs of the tenant; `hooks` are `heads(list)` and `line(state)`. */
export class RunList {
  #heads = [];
  #more = false;
  #pages = 1;
  #group = "all";
  #words = "";
  #current = "";
  #state = "loading";
  #error = null;
  #asking = false;
  #hooks;

  constructor(hooks) {
    this.#hooks = hooks;
    const search = h("input", { type: "search", id: "find", placeholder: "Find in goals", autocomplete: "off", on: { input: (event) => this.#filter({ words: event.target.value }) } });
    const group = h("select", { id: "group", on: { change: (event) => this.#filter({ group: event.target.value }) } }, Object.entries(GROUPS).map(([value, [word]]) => h("option", { value }, word)));
    this.items = h("div", { class: "run-list" });
    this.element = h(
      "div",
      {},
      h("div", { class: "filters" }, h("label", { class: "unseen", for: "find" }, "Find in goals"), search, h("label", { class: "unseen", for: "group" }, "Show"), group),
      this.items,
    );
    setInterval(() => document.hidden || this.refresh(), EVERY_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    this.#draw();
    this.refresh();
  }

  /** Mark the run that is shown. */
  mark(id) {
    this.#current = id;
    this.#draw();
  }

  /** Ask for the newest runs again. */
  async refresh() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      await this.#read();
      this.#hooks.line("live");
    } catch (error) {
      this.#error = error;
      this.#state = this.#heads.length ? "stale" : "broken";
      if (error instanceof Unreachable) this.#hooks.line("lost");
    } finally {
      this.#asking = false;
      this.#draw();
    }
  }

  async #read() {
    const found = [];
    let before = "";
    for (let page = 0; page < this.#pages; page += 1) {
      const query = new URLSearchParams({ limit: PAGE, ...(before ? { before } : {}) });
      const { data, has_more: more } = await ask("GET", `v1/runs?${query}`);
      found.push(...data);
      this.#more = more;
      if (!more || !data.length) break;
      before = data.at(-1).id;
    }
    this.#heads = found;
    this.#state = "shown";
    this.#error = null;
    this.#hooks.heads(found);
  }

  #filter({ words = this.#words, group = this.#group }) {
    this.#words = words;
    this.#group = group;
    this.#draw();
  }

  #shown() {
    const statuses = GROUPS[this.#group][1];
    const words = this.#words.trim().toLowerCase();
    return this.#heads.filter((head) => (!statuses || statuses.includes(head.status)) && head.goal.toLowerCase().includes(words));
  }

  #draw() {
    const shown = this.#shown();
    const made = h("div", { class: "run-list" }, this.#said(shown), shown.length ? h("ul", {}, shown.map((head) => this.#row(head))) : null, this.#older());
    const key = JSON.stringify([shown.map((head) => [head.id, head.status, when(head.created)]), this.#current, this.#state, this.#more]);
    if (this.items.dataset.state === key) return;
    made.dataset.state = key;
    this.items = swap(this.items, made);
  }

  #said(shown) {
    if (this.#state === "loading") return h("div", { class: "bones", "aria-hidden": "true" }, [1, 2, 3].map(() => h("span", {})));
    if (this.#state === "broken") return h("p", { class: "empty" }, this.#error.message, " ", this.#error.hint ?? "");
    if (!this.#heads.length) return h("p", { class: "empty" }, "No runs yet. Whatever is started here, on the command line or over the API is listed in this place.");
    return shown.length ? null : h("p", { class: "empty" }, "No run fits the filter.");
  }

  #row(head) {
    const { id } = head;
    const [tone, word] = runWord(head.status);
    return h(
      "li",
      {},
      h(
        "a",
        { href: `#/runs/${encodeURIComponent(id)}`, class: `run-row tone-${tone}`, "data-key": `run-${id}`, "aria-current": id === this.#current ? "page" : null },
        glyph(tone),
        h("span", { class: "goal" }, head.goal),
        h("span", { class: "meta" }, h("span", { class: "word" }, word), unseen(", "), h("time", { datetime: head.created, title: moment(head.created) }, when(head.created))),
      ),
    );
  }

  #older() {
    if (!this.#more) return null;
    return h("button", { type: "button", class: "plain-button", "data-key": "older", on: { click: () => this.#oneMore() } }, "Show older runs");
  }

  #oneMore() {
    this.#pages += 1;
    this.refresh();
  }
}
