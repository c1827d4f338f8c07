/** The dialog that asks for a key when the service wants one. */

import { keepKey } from "./api.js";
import { fill, h } from "./dom.js";

let open = null;

/** Ask for a key; the promise says whether one was given. Only one dialog is ever open. */
export function askForKey(refused, hadOne) {
  open ??= shown(refused, hadOne).finally(() => (open = null));
  return open;
}

function shown(refused, hadOne) {
  const field = h("input", { id: "key", type: "password", autocomplete: "off", required: true, spellcheck: "false", class: "mono" });
  const said = h("p", { class: "refusal", role: "alert" });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "key-title" }, "This service asks for a key"),
    h("p", { class: "soft" }, "Keys are made with ", h("code", {}, "ferryman keys add"), ". It is kept in this tab only, and forgotten when you close it."),
    h("div", { class: "field" }, h("label", { for: "key" }, "Key"), field),
    said,
    h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Use this key"), h("button", { type: "button", class: "secondary", on: { click: () => dialog.close() } }, "Not now")),
  );
  const dialog = h("dialog", { "aria-labelledby": "key-title" }, form);
  document.body.append(dialog);
  if (hadOne) fill(said, refused.message);
  return new Promise((resolve) => {
    let given = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      keepKey(field.value.trim());
      given = field.value.trim() !== "";
      if (given) dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(given);
    });
    dialog.showModal();
    field.focus();
  });
}
