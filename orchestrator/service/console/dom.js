/**
 * Builds elements. Whatever a goal, a model or a tool has said is put in as text, never as markup:
 * there is no way through this module to make HTML of a string.
 */

const SVG = "http://www.w3.org/2000/svg";

/** Make an element; strings among the children become text. */
export function h(tag, props = {}, ...children) {
  return dressed(document.createElement(tag), props, children);
}

/** Make an element of a drawing. */
export function svg(tag, props = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), props, children);
}

function dressed(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") listen(element, value);
    else if (name === "style") paint(element, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

function listen(element, listeners) {
  for (const [event, listener] of Object.entries(listeners)) {
    element.addEventListener(event, listener);
  }
}

// Through the object model: a style attribute would need an exception in the content policy.
function paint(element, styles) {
  for (const [name, value] of Object.entries(styles)) element.style.setProperty(name, value);
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/** Replace what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/** Whether a button is at work. A disabled one would lose the focus, and with it a person's place. */
export function busy(button) {
  return button.getAttribute("aria-disabled") === "true";
}

/** Have a button be at work, or ready again. */
export function setBusy(button, now) {
  button.setAttribute("aria-disabled", String(now));
}

/** Words that only a screen reader says. */
export function unseen(text) {
  return h("span", { class: "unseen" }, text);
}

const opened = new Map();

/**
 * Something folded away whose content is only made when it is opened. What a person has opened or
 * closed stays so when the part of the page around it is made anew.
 */
export function fold(key, summary, content, { open = false, cls = "" } = {}) {
  const body = h("div", { class: "fold-body" });
  const element = h("details", { class: `fold ${cls}`, "data-fold": key }, h("summary", { "data-key": key }, summary), body);
  const make = () => {
    if (element.open && !body.hasChildNodes()) body.append(...flat([content()]));
  };
  element.open = opened.get(key) ?? open;
  make();
  element.addEventListener("toggle", () => {
    if (element.open !== (opened.get(key) ?? open)) opened.set(key, element.open);
    make();
  });
  return element;
}

/** Forget what was opened and closed. */
export function forgetFolds() {
  opened.clear();
}

/** Put a new element in an old one's place; the focus stays where a person had it. */
export function swap(old, made) {
  const held = old.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  old.replaceWith(made);
  if (held) made.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  return made;
}
