/** Where the steps of a plan stand: a lane for each namespace, a row for each stage. Pure. */

/** The steps that a step waits for, as edges {from, to, kind}: over, needs, only_if or then. */
export function edgesOf(steps) {
  const known = new Set(steps.map((step) => step.id));
  return steps.flatMap((step, at) => {
    const kinds = new Map();
    for (const id of step.needs ?? []) kinds.set(id, "needs");
    for (const fact of step.only_if ?? []) kinds.set(fact.step, "only_if");
    if (step.over) kinds.set(step.over, "over");
    // Where nothing is said of what it needs, a step simply follows the one before it.
    if (!kinds.size && step.needs === null && at > 0) kinds.set(steps[at - 1].id, "then");
    return [...kinds].filter(([from]) => known.has(from)).map(([from, kind]) => ({ from, to: step.id, kind }));
  });
}

/** Give {lanes, edges, places}: each step's lane and row, both counted from 0. */
export function placed(steps) {
  const lanes = [...new Set(steps.map((step) => step.namespace))];
  const edges = edgesOf(steps);
  const places = new Map();
  steps.forEach((step, at) => {
    const lane = lanes.indexOf(step.namespace);
    places.set(step.id, { lane, row: freeRow(lane, earliest(step, steps[at - 1], edges, places), places) });
  });
  return { lanes, edges, places };
}

function earliest(step, before, edges, places) {
  const sources = edges.filter((edge) => edge.to === step.id).map((edge) => places.get(edge.from)?.row ?? 0);
  // Only a step that says what it needs may stand beside another.
  if (step.needs === null && before) sources.push(places.get(before.id).row);
  return sources.length ? Math.max(...sources) + 1 : 0;
}

function freeRow(lane, row, places) {
  const taken = [...places.values()].filter((place) => place.lane === lane).map((place) => place.row);
  let free = row;
  while (taken.includes(free)) free += 1;
  return free;
}

/** The path of an arrow between two boxes {left, right, top, bottom}, in the same units. */
export function arrow(from, to, { compact, apart }) {
  const side = compact ? from.left : from.right;
  const straight = compact ? apart === 1 : apart === 1 || middle(from) !== middle(to);
  if (straight) {
    const [x1, x2] = compact ? [from.left + 22, to.left + 22] : [middle(from), middle(to)];
    const bend = Math.max(10, (to.top - from.bottom) * 0.55);
    return `M${x1} ${from.bottom} C${x1} ${from.bottom + bend} ${x2} ${to.top - bend - 5} ${x2} ${to.top - 5}`;
  }
  // Around what stands between: out at the side and back in.
  const away = side + (compact ? -1 : 1) * (14 + 5 * apart);
  const [y1, y2] = [(from.top + from.bottom) / 2, (to.top + to.bottom) / 2];
  const end = side + (compact ? -5 : 5);
  return `M${side} ${y1} C${away} ${y1} ${away} ${y1} ${away} ${y1 + 16} L${away} ${y2 - 16} C${away} ${y2} ${away} ${y2} ${end} ${y2}`;
}

const middle = (box) => Math.round((box.left + box.right) / 2);
