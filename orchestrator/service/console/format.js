/** Numbers, times and names as a person reads them. */

const grouped = new Intl.NumberFormat("en");
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "medium" });

/** 12345 as 12,345. */
export function count(number) {
  return grouped.format(number);
}

/** A number of things: 1 call, 2 calls. */
export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}

/** 0 to 1 as a percentage without decimals; nothing where there is no whole. */
export function share(part, whole) {
  return whole > 0 ? `${Math.round((100 * part) / whole)}%` : "–";
}

/** Seconds as 0.4 s, 12 s, 3 min 20 s, 2 h 5 min. */
export function seconds(value) {
  if (value < 0.05) return "0 s";
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 60) return `${Math.round(value)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(value % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes of text as 512 B, 14 kB, 2.1 MB. */
export function bytes(size) {
  if (size < 1000) return `${size} B`;
  return size < 1e6 ? `${Math.round(size / 1000)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}

/** A moment as it is said today: just now, 4 min ago, 14:02, 3 Nov 14:02. */
export function when(moment, now = Date.now()) {
  const then = new Date(moment);
  const ago = (now - then.getTime()) / 1000;
  if (ago < 45) return "just now";
  if (ago < 3600) return `${Math.max(1, Math.round(ago / 60))} min ago`;
  const today = new Date(now).toDateString() === then.toDateString();
  return today ? hour.format(then) : day.format(then);
}

/** A moment in full, for a tooltip. */
export function moment(at) {
  return full.format(new Date(at));
}

/** How long until a moment: in 2 h 5 min; nothing once it is past. */
export function until(at, now = Date.now()) {
  const left = (new Date(at).getTime() - now) / 1000;
  return left > 0 ? `in ${seconds(left)}` : "";
}

/** Part a tool id into namespace and name. */
export function parted(tool) {
  const dot = tool.indexOf(".");
  return dot < 0 ? ["", tool] : [tool.slice(0, dot), tool.slice(dot + 1)];
}

/** A text cut in its middle, where the ends say most: a path, an id. */
export function shortened(text, most = 60) {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) / 3);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

/** A text cut at its end. */
export function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
}
