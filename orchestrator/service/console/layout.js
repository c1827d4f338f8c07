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

const ROUND = 10;
const HEAD = 6;

/** The path of an arrow between two boxes {left, right, top, bottom}, in the same units. */
export function arrow(from, to, { compact, apart }) {
  if (compact) return apart === 1 ? down(from.left + 22, from.bottom, to.top) : around(from, to, -1, apart);
  if (middle(from) === middle(to)) return apart === 1 ? down(middle(from), from.bottom, to.top) : around(from, to, 1, apart);
  return across(from, to);
}

const middle = (box) => Math.round((box.left + box.right) / 2);
const level = (box) => Math.round((box.top + box.bottom) / 2);

function down(x, top, bottom) {
  return `M${x} ${top} V${bottom - HEAD}`;
}

/** Out at the side, over to the other lane, and down into the box. */
function across(from, to) {
  const way = middle(to) > middle(from) ? 1 : -1;
  const x = middle(to);
  const y = level(from);
  const start = way > 0 ? from.right : from.left;
  return `M${start} ${y} H${x - way * ROUND} Q${x} ${y} ${x} ${y + ROUND} V${to.top - HEAD}`;
}

/** Out at the side and back in, around what stands between. */
function around(from, to, way, apart) {
  const side = way > 0 ? from.right : from.left;
  const away = side + way * (10 + 4 * Math.min(apart, 4));
  const [start, end] = [level(from), level(to)];
  return `M${side} ${start} H${away - way * 6} Q${away} ${start} ${away} ${start + 6} V${end - 6} Q${away} ${end} ${away - way * 6} ${end} H${side + way * HEAD}`;
}
