/** What happens on and between lanes: messages as arrows, deeds as marks. */

import { BAR, colorOf, timeText, withAlpha } from "./look.js";
import { badge, line, polygon, rectangle, SMALL } from "./pen.js";
import { arrowsBetween, entriesBetween, laneAt, xOf } from "./scene.js";

/** More messages than this in one window are not drawn. */
const ARROWS_MAX = 3_000;

const MARKED = new Set(["proposal", "vote", "commit", "timeout", "final", "betrayal", "evidence", "alarm"]);

export function drawArrows(frame) {
  const { pen, scene } = frame;
  const found = arrowsBetween(scene, scene.fromUs, scene.toUs);
  const isTooMany = found.length > ARROWS_MAX;
  const lost = isTooMany ? found.filter(({ delays }) => delays.length === 0) : [];
  const arrows = isTooMany ? lost.slice(0, ARROWS_MAX) : found;
  frame.note = isTooMany
    ? `${found.length} messages in this window are too many to draw (${lost.length} of them lost): zoom in, or hide kinds or validators.`
    : `${found.length} messages in this window.`;
  const alpha = arrows.length > 600 ? 0.35 : arrows.length > 150 ? 0.55 : 0.8;
  for (const arrow of arrows) {
    const [from, to] = [laneAt(scene, arrow.from), laneAt(scene, arrow.to)];
    const isDown = to.top > from.top;
    const start = { x: xOf(scene, arrow.atUs), y: isDown ? from.bar + BAR : from.bar };
    const endY = isDown ? to.bar : to.bar + BAR;
    pen.strokeStyle = withAlpha(colorOf(arrow.kind), alpha);
    pen.fillStyle = pen.strokeStyle;
    pen.lineWidth = arrow.kind === "proposal" ? 1.8 : 1;
    if (arrow.delays.length === 0) drawLost(frame, arrow, start, endY);
    for (const delay of arrow.delays) {
      const end = { x: xOf(scene, arrow.atUs + delay), y: endY };
      line(pen, start.x, start.y, end.x, end.y);
      if (arrows.length < 800) head(pen, start, end);
      frame.targets.push({ line: [start, end], text: arrowText(scene, arrow) });
    }
  }
  pen.lineWidth = 1;
}

/** A stub with a cross, in the ink of alarm. */
function drawLost({ pen, scene, ink, targets }, arrow, start, endY) {
  const reach = Math.sign(endY - start.y) * Math.min(26, Math.abs(endY - start.y) * 0.5);
  const end = { x: start.x + 7, y: start.y + reach };
  pen.save();
  pen.setLineDash([3, 2]);
  line(pen, start.x, start.y, end.x, end.y);
  pen.restore();
  drawCross(pen, end.x, end.y, ink);
  targets.push({ left: end.x - 4, right: end.x + 4, top: end.y - 4, bottom: end.y + 4, text: arrowText(scene, arrow) });
}

export function drawCross(pen, x, y, ink) {
  pen.strokeStyle = ink.alarm;
  pen.lineWidth = 1.6;
  line(pen, x - 3, y - 3, x + 3, y + 3);
  line(pen, x - 3, y + 3, x + 3, y - 3);
}

function head(pen, start, end) {
  const length = Math.hypot(end.x - start.x, end.y - start.y) || 1;
  const [dx, dy] = [(end.x - start.x) / length, (end.y - start.y) / length];
  pen.beginPath();
  pen.moveTo(end.x, end.y);
  pen.lineTo(end.x - dx * 6 - dy * 3, end.y - dy * 6 + dx * 3);
  pen.lineTo(end.x - dx * 6 + dy * 3, end.y - dy * 6 - dx * 3);
  pen.fill();
}

function arrowText(scene, { from, to, kind, view, atUs, delays }) {
  const names = scene.data.lanes;
  const fate = delays.length === 0 ? "lost" : delays.map((delay) => `${(delay / 1_000).toFixed(2)} ms`).join(" and ");
  return `${kind}${view > 0 ? ` of view ${view}` : ""}\n${names[from].name} to ${names[to].name}, sent at ${timeText(atUs, 100)}: ${fate}`;
}

export function drawMarks({ pen, scene, ink, targets }) {
  const finals = new Map();
  for (const entry of entriesBetween(scene, scene.fromUs, scene.toUs)) {
    if (!MARKED.has(entry.kind) || entry.lane < 0) continue;
    const { bar } = laneAt(scene, entry.lane);
    const x = xOf(scene, entry.atUs);
    const y = bar + (MARK_ROWS[entry.kind] ?? -9);
    MARKS[entry.kind](pen, x, y, ink);
    targets.push({
      left: x - 5,
      right: x + 5,
      top: y - 6,
      bottom: y + 6,
      text: `${timeText(entry.atUs, 100)}\n${entry.text}`,
      isMark: true,
    });
    if (entry.kind !== "final") continue;
    if (!finals.has(entry.lane)) finals.set(entry.lane, []);
    finals.get(entry.lane).push({ x, y, text: String(entry.number) });
  }
  pen.font = SMALL;
  pen.fillStyle = ink.soft;
  for (const row of finals.values()) for (const [index, each] of row.entries()) heightLabel(pen, each, row[index + 1]);
}

/** Below the bar: final heights, and under them what traitors did; above it what was signed. */
const MARK_ROWS = { final: BAR + 9, evidence: BAR + 19, betrayal: BAR + 19 };

function heightLabel(pen, { x, y, text }, next) {
  const room = next === undefined ? Number.POSITIVE_INFINITY : next.x - 5 - (x + 5);
  if (pen.measureText(text).width <= room) pen.fillText(text, x + 5, y + 4);
}

export const MARKS = {
  proposal: (pen, x, y) =>
    polygon(pen, colorOf("proposal"), [
      [x - 5, y + 5],
      [x + 5, y + 5],
      [x, y - 5],
    ]),
  vote: (pen, x, y) => rectangle(pen, colorOf("vote"), x - 1.5, y, 3, 6),
  commit: (pen, x, y) => rectangle(pen, colorOf("commit"), x - 2, y - 5, 4, 11),
  timeout: (pen, x, y) => {
    pen.strokeStyle = colorOf("timeout");
    pen.lineWidth = 2;
    line(pen, x - 4, y - 4, x + 4, y + 4);
    line(pen, x - 4, y + 4, x + 4, y - 4);
    pen.lineWidth = 1;
  },
  final: (pen, x, y, ink) =>
    polygon(pen, ink.ink, [
      [x, y - 4],
      [x + 4, y],
      [x, y + 4],
      [x - 4, y],
    ]),
  evidence: (pen, x, y, ink) => badge(pen, { x, y, color: ink.gold, text: "E", ink: "#1a212b" }),
  betrayal: (pen, x, y, ink) => badge(pen, { x, y, color: ink.alarm, text: "!", ink: ink.paper }),
  alarm: (pen, x, y, ink) => badge(pen, { x, y, color: ink.alarm, text: "×", ink: ink.paper }),
};
