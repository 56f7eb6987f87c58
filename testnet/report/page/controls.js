/** Pointer, wheel, keys, buttons and boxes; the tip under the pointer and the list beside the cursor. Starts the page. */

import { draw } from "./draw.js";
import { drawLegend } from "./legend.js";
import { GUTTER, timeText } from "./look.js";
import { createScene, entriesBetween, neighbour, pan, setWindow, showAround, timeAt, xOf, zoom } from "./scene.js";

/** Facts listed beside the cursor. */
const NEAR_MAX = 60;

const byId = (id) => document.getElementById(id);

export function start() {
  const data = unpack(JSON.parse(byId("data").textContent));
  const canvas = byId("picture");
  const scene = createScene(data);
  let frame;
  let isQueued = false;
  const paint = () => {
    isQueued = false;
    frame = draw(canvas, scene);
    const [fromUs, toUs] = [Math.max(0, scene.fromUs), Math.min(data.endUs, scene.toUs)];
    byId("shown").textContent = `${timeText(fromUs, 100)} to ${timeText(toUs, 100)}. ${frame.note}`;
  };
  const refresh = () => {
    if (isQueued) return;
    isQueued = true;
    requestAnimationFrame(paint);
  };
  const setCursor = (us) => {
    scene.cursorUs = Math.round(Math.min(Math.max(us, 0), data.endUs));
    scene.hasCursor = true;
    const x = xOf(scene, scene.cursorUs);
    if (x < GUTTER || x > scene.width) showAround(scene, scene.cursorUs, scene.toUs - scene.fromUs);
    listNear(scene);
    refresh();
  };
  const page = { data, canvas, scene, refresh, setCursor, targets: () => frame?.targets ?? [] };
  connectPointer(page);
  connectKeys(page);
  connectButtons(page);
  connectBoxes(page);
  new ResizeObserver(refresh).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    drawLegend();
    refresh();
  });
  drawLegend();
  listNear(scene);
  paint();
}

/** Rows of numbers back into named fields. */
function unpack(data) {
  const arrows = data.arrows.map(([from, to, kind, view, atUs, ...delays]) => {
    const lastUs = atUs + Math.max(0, ...delays);
    return { from, to, kind: data.arrowKinds[kind], view, atUs, delays, lastUs };
  });
  return {
    ...data,
    arrows,
    longestUs: arrows.reduce((longest, { atUs, lastUs }) => Math.max(longest, lastUs - atUs), 0),
    segments: data.segments.map((lane) =>
      lane.map(([fromUs, toUs, view, leader, end]) => ({ fromUs, toUs, view, leader, end: data.ends[end] })),
    ),
    entries: data.entries.map(([atUs, lane, kind, number, text]) => ({ atUs, lane, kind: data.entryKinds[kind], number, text })),
  };
}

function connectPointer({ canvas, scene, refresh, setCursor, targets }) {
  let grip;
  canvas.addEventListener("pointerdown", (event) => {
    grip = { x: event.offsetX, fromUs: scene.fromUs, toUs: scene.toUs, isMoved: false };
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (grip === undefined) return showTip(event.offsetX, event.offsetY, targets());
    const movedBy = event.offsetX - grip.x;
    if (Math.abs(movedBy) > 3) grip.isMoved = true;
    if (!grip.isMoved) return;
    const perPixel = (grip.toUs - grip.fromUs) / (scene.width - GUTTER);
    setWindow(scene, grip.fromUs - movedBy * perPixel, grip.toUs - movedBy * perPixel);
    hideTip();
    refresh();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (grip !== undefined && !grip.isMoved && event.offsetX > GUTTER) setCursor(timeAt(scene, event.offsetX));
    grip = undefined;
  });
  canvas.addEventListener("pointercancel", () => {
    grip = undefined;
  });
  canvas.addEventListener("pointerleave", hideTip);
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const amount = event.deltaX + event.deltaY;
      if (isSideways) pan(scene, ((scene.toUs - scene.fromUs) * amount) / 800);
      else zoom(scene, Math.exp(Math.max(-1, Math.min(1, amount / 300))), timeAt(scene, Math.max(GUTTER, event.offsetX)));
      hideTip();
      refresh();
    },
    { passive: false },
  );
}

function actionsOf({ data, scene, refresh, setCursor }) {
  const span = () => scene.toUs - scene.fromUs;
  const middle = () =>
    scene.hasCursor && scene.cursorUs > scene.fromUs && scene.cursorUs < scene.toUs ? scene.cursorUs : (scene.fromUs + scene.toUs) / 2;
  const step = (direction) => {
    const entry = neighbour(scene, direction);
    if (entry !== undefined) setCursor(entry.atUs);
  };
  const refreshed = (act) => () => {
    act();
    refresh();
  };
  return {
    zoomIn: refreshed(() => zoom(scene, 0.6, middle())),
    zoomOut: refreshed(() => zoom(scene, 1 / 0.6, middle())),
    left: refreshed(() => pan(scene, -span() * 0.15)),
    right: refreshed(() => pan(scene, span() * 0.15)),
    whole: refreshed(() => setWindow(scene, -data.endUs * 0.02, data.endUs * 1.02)),
    previous: () => step(-1),
    next: () => step(1),
    violation: () => {
      const [first] = data.violations;
      if (first === undefined) return;
      showAround(scene, first.atUs, Math.min(span(), 500_000));
      setCursor(first.atUs);
    },
  };
}

const KEYS = {
  "+": "zoomIn",
  "=": "zoomIn",
  "-": "zoomOut",
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "previous",
  ArrowDown: "next",
  Home: "whole",
  0: "whole",
  v: "violation",
};

function connectKeys(page) {
  const actions = actionsOf(page);
  page.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = KEYS[event.key];
    if (action === undefined) return;
    event.preventDefault();
    actions[action]();
  });
}

function connectButtons(page) {
  const actions = actionsOf(page);
  for (const button of document.querySelectorAll("button[data-action]")) {
    button.addEventListener("click", () => actions[button.dataset.action]());
  }
  const copy = byId("copy");
  copy?.addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(byId("replay"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    // A page from a file may not be allowed to; then the text is at least selected.
    navigator.clipboard?.writeText(byId("replay").textContent).catch(() => undefined);
  });
}

function connectBoxes({ data, scene, refresh }) {
  const sync = (set, key, isShown) => {
    if (isShown) set.delete(key);
    else set.add(key);
  };
  for (const box of document.querySelectorAll("input[type=checkbox]")) {
    box.addEventListener("change", () => {
      const { lane, kind, layer } = box.dataset;
      if (lane !== undefined) sync(scene.hiddenLanes, Number(lane), box.checked);
      if (kind !== undefined) for (const each of kind.split(" ")) sync(scene.hiddenKinds, each, box.checked);
      if (layer === "lost") scene.hidesLost = !box.checked;
      if (layer === "faults") scene.hidesFaults = !box.checked;
      listNear(scene);
      refresh();
    });
  }
  byId("allLanes")?.addEventListener("click", () => {
    const isShowing = scene.hiddenLanes.size > 0;
    for (const box of document.querySelectorAll("input[data-lane]")) box.checked = isShowing;
    scene.hiddenLanes = new Set(isShowing ? [] : data.lanes.map((_, lane) => lane));
    listNear(scene);
    refresh();
  });
}

/** What lies nearest under the pointer: marks before views, views before messages, messages before shaded areas. */
function showTip(x, y, targets) {
  let best;
  let rank = 0;
  for (const target of x < GUTTER ? [] : targets) {
    const found = rankOf(target, x, y);
    if (found >= rank && found > 0) {
      best = target;
      rank = found;
    }
  }
  if (best === undefined) return hideTip();
  const tip = byId("tip");
  tip.textContent = best.text;
  tip.hidden = false;
  const stage = byId("stage");
  tip.style.left = `${Math.max(4, Math.min(x + 14, stage.clientWidth - tip.offsetWidth - 6))}px`;
  tip.style.top = `${y + 16 + tip.offsetHeight > stage.clientHeight ? Math.max(2, y - tip.offsetHeight - 10) : y + 16}px`;
}

function rankOf(target, x, y) {
  if (target.line !== undefined) return distance(target.line, x, y) < 4 ? 2 : 0;
  const isInside = x >= target.left && x <= target.right && y >= target.top && y <= target.bottom;
  if (!isInside) return 0;
  if (target.isMark) return 4;
  return target.isArea ? 1 : 3;
}

function distance([start, end], x, y) {
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const along = Math.max(0, Math.min(1, ((x - start.x) * dx + (y - start.y) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - start.x - along * dx, y - start.y - along * dy);
}

function hideTip() {
  byId("tip").hidden = true;
}

/** The facts before and after the cursor, nearest in the middle. */
function listNear(scene) {
  const list = byId("near");
  list.replaceChildren();
  if (!scene.hasCursor) {
    list.append(row("", "Click into the picture, or press an arrow key up or down in it, to list the facts near a moment."));
    return;
  }
  let reachUs = 2_000;
  let near = [];
  while (near.length < NEAR_MAX && reachUs < scene.data.endUs * 2) {
    near = entriesBetween(scene, scene.cursorUs - reachUs, scene.cursorUs + reachUs);
    reachUs *= 2;
  }
  near = near.sort((a, b) => Math.abs(a.atUs - scene.cursorUs) - Math.abs(b.atUs - scene.cursorUs)).slice(0, NEAR_MAX);
  near.sort((a, b) => a.atUs - b.atUs);
  let nearest;
  let said;
  for (const entry of near) {
    const offset = entry.atUs - scene.cursorUs;
    const item = row(`${timeText(entry.atUs, 10)} (${offset < 0 ? "−" : "+"}${Math.abs(offset / 1_000).toFixed(2)} ms)`, entry.text);
    if (offset === 0) item.className = "now";
    if (offset <= 0) {
      nearest = item;
      said = entry.text;
    }
    list.append(item);
  }
  byId("at").textContent = `Cursor at ${timeText(scene.cursorUs, 10)}${said === undefined ? "" : `: ${said}`}`;
  if (nearest !== undefined) list.scrollTop = nearest.offsetTop - list.clientHeight / 2;
}

function row(time, text) {
  const item = document.createElement("li");
  if (time === "") {
    item.textContent = text;
    return item;
  }
  const when = document.createElement("time");
  when.textContent = time;
  const what = document.createElement("span");
  what.textContent = text;
  item.append(when, what);
  return item;
}
