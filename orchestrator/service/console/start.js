/** The form that starts a run. */

import { ask } from "./api.js";
import { fill, h } from "./dom.js";
import { APPROVE } from "./timeline.js";

const PLACES = "ferryman.places";
const CHOICES = { ask: "Ask me", yes: "Go ahead", no: "Only look" };

/** Start a task; `started` is told the new run's id. */
export function startView(started) {
  const goal = h("textarea", { id: "goal", rows: 3, maxlength: 8000, required: true, placeholder: "Rename the screenshots on my Desktop after what they show." });
  const places = new Places();
  const plan = h("input", { type: "checkbox", id: "plan-only" });
  const said = h("p", { class: "refusal", role: "alert" });
  const send = h("button", { type: "submit", class: "primary" }, "Start");
  const key = crypto.randomUUID?.() ?? String(Math.random());
  let tries = 0;

  async function submit(event) {
    event.preventDefault();
    fill(said);
    if (!goal.value.trim()) return refuse("A run needs a goal.", goal);
    const { found, problem } = places.read();
    if (problem) return refuse(problem.text, problem.field);
    send.disabled = true;
    send.textContent = "Starting …";
    try {
      const approve = form.querySelector("input[name=approve]:checked").value;
      const wish = { goal: goal.value.trim(), approve, ...(Object.keys(found).length ? { places: found } : {}), ...(plan.checked ? { plan_only: true } : {}) };
      // The same key for the same wish: a request that is sent again starts nothing twice.
      const made = await ask("POST", "v1/runs", wish, { headers: { "idempotency-key": `${key}-${tries}` } });
      sessionStorage.setItem(PLACES, JSON.stringify(found));
      started(made.id);
    } catch (error) {
      if (error.status) tries += 1;
      refuse(`${error.message} ${error.hint ?? ""}`, send);
    } finally {
      send.disabled = false;
      send.textContent = "Start";
    }
  }

  function refuse(text, field) {
    fill(said, text);
    field.focus();
  }

  const form = h(
    "form",
    { class: "start", novalidate: true, on: { submit } },
    h("div", { class: "field" }, h("label", { for: "goal" }, "Goal"), goal),
    places.element,
    h(
      "fieldset",
      {},
      h("legend", {}, "Where something would be changed"),
      Object.entries(CHOICES).map(([value, word]) =>
        h("label", { class: "choice-row" }, h("input", { type: "radio", name: "approve", value, checked: value === "ask" }), h("span", {}, h("strong", {}, word), h("span", { class: "soft" }, `${APPROVE[value]}.`))),
      ),
    ),
    h("label", { class: "choice-row" }, plan, h("span", {}, h("strong", {}, "Plan first"), h("span", { class: "soft" }, "Rest once there is a plan, so that I can look at it."))),
    h("div", { class: "actions" }, send),
    said,
  );
  goal.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) form.requestSubmit();
  });
  return h("article", { class: "start-page" }, h("p", { class: "back" }, h("a", { href: "#/" }, "All runs")), h("h1", { tabindex: "-1" }, "What should be carried out?"), form);
}

/** Folders that the goal may speak of, by the name a person uses for them. */
class Places {
  #rows = h("div", { class: "places-rows" });
  #next = 1;

  constructor() {
    const add = h("button", { type: "button", class: "plain-button", on: { click: () => this.#add("", "").focus() } }, "Add a folder");
    this.element = h("fieldset", {}, h("legend", {}, "Folders the goal speaks of"), h("p", { class: "soft hint" }, "A name as you say it, and where it is. Without any, the service's own folders are meant."), this.#rows, add);
    for (const [name, path] of Object.entries(kept())) this.#add(name, path);
  }

  #add(name, path) {
    const at = this.#next++;
    const called = h("input", { id: `place-${at}`, value: name, placeholder: "Desktop", autocomplete: "off" });
    const where = h("input", { id: `place-path-${at}`, value: path, placeholder: "/home/me/Desktop", autocomplete: "off", spellcheck: "false", class: "mono" });
    const row = h(
      "div",
      { class: "place" },
      h("label", { class: "unseen", for: called.id }, "Name of the folder"),
      called,
      h("label", { class: "unseen", for: where.id }, "Path of the folder"),
      where,
      h("button", { type: "button", class: "plain-button", "aria-label": "Remove this folder", on: { click: () => row.remove() } }, "Remove"),
    );
    this.#rows.append(row);
    return called;
  }

  /** The folders as they are written, or what is wrong with them. */
  read() {
    const found = {};
    for (const row of this.#rows.children) {
      const [name, path] = row.querySelectorAll("input");
      if (!name.value.trim() && !path.value.trim()) continue;
      if (!name.value.trim()) return { problem: { text: "A folder needs a name.", field: name } };
      if (!path.value.trim()) return { problem: { text: `Where is ${name.value.trim()}?`, field: path } };
      found[name.value.trim()] = path.value.trim();
    }
    return { found };
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACES)) ?? {};
  } catch {
    return {};
  }
}
