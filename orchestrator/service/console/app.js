/** The console: the list of runs on one side, one run or the form that starts one on the other. */

import { whenKeyIsNeeded } from "./api.js";
import { fill, forgetFolds, h } from "./dom.js";
import { askForKey } from "./key.js";
import { RunList } from "./list.js";
import { RunView } from "./run.js";
import { startView } from "./start.js";

const main = document.getElementById("main");
const rail = document.getElementById("rail");
const line = document.getElementById("line");
const live = document.getElementById("live");

let view = null;
let refused = false;

whenKeyIsNeeded(async (error, hadOne) => {
  // Somebody who said "not now" is not asked again every three seconds.
  if (refused) return false;
  refused = !(await askForKey(error, hadOne));
  if (refused) showLocked();
  return !refused;
});

const list = new RunList({
  heads: (heads) => heads.forEach((head) => head.id === view?.id && view.heard(head)),
  line: (state) => showLine(state),
});
rail.append(list.element);

/** Say something to a screen reader, once. */
function announce(text) {
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = text));
}

let lineState = "";

/** Say that the connection is lost, or that it is back; silence means that all is well. */
function showLine(state, again, said = "") {
  const before = lineState;
  lineState = state;
  if (state !== "lost") {
    fill(line);
    if (before === "lost") announce("The connection is back.");
    return;
  }
  // What a run has said of it, with its button, is not taken away by the list.
  if (before === "lost" && !again) return;
  const told = said ? `The service cannot show this: ${said}` : "The connection is lost. Nothing is missed: it goes on where it was.";
  fill(line, h("span", {}, told), again ? h("button", { type: "button", class: "plain-button", on: { click: again } }, "Try now") : null);
  if (before !== "lost") announce("The connection is lost. Trying again.");
}

function showLocked() {
  const again = () => {
    refused = false;
    list.refresh();
    route();
  };
  view?.close?.();
  view = null;
  fill(main, h("article", { class: "start-page" }, h("h1", { tabindex: "-1" }, "A key is needed"), h("p", {}, "This service shows its runs only to those who have a key for it."), h("div", { class: "actions" }, h("button", { type: "button", class: "primary", on: { click: again } }, "Give a key"))));
}

function route() {
  if (refused) return showLocked();
  const [, where = "", id = ""] = location.hash.split("/");
  const runId = where === "runs" ? unescaped(id) : "";
  if (runId && view?.id === runId) return;
  view?.close?.();
  forgetFolds();
  view = runId ? new RunView(runId, { announce, line: showLine, changed: () => list.refresh() }) : null;
  document.body.dataset.view = runId ? "run" : where === "new" ? "new" : "list";
  fill(main, view ? view.element : startView((made) => (location.hash = `#/runs/${encodeURIComponent(made)}`)));
  if (!view) document.title = "Ferryman";
  list.mark(runId);
  window.scrollTo(0, 0);
  if (where === "new") main.querySelector("#goal").focus();
}

function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// The address belongs to the run: skipping to it must not change the one for the other.
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => {
  route();
  list.refresh();
});
route();
