/** Paints the picture, back to front: phases, faults, lanes, views, messages, marks, cursor, gutter. */

import { drawDown, drawFaultLabels, drawFaults, drawViews } from "./draw_lanes.js";
import { drawArrows, drawMarks } from "./draw_marks.js";
import { GUTTER, inks, PHASE_COLORS, TOP, timeText, withAlpha } from "./look.js";
import { fitted, labelInside, line, NORMAL, SMALL } from "./pen.js";
import { laneAt, sceneHeight, shownLanes, xOf } from "./scene.js";

/** Draws all, and returns what lies where, for the pointer. */
export function draw(canvas, scene) {
  const ratio = devicePixelRatio || 1;
  const height = sceneHeight(scene);
  scene.width = canvas.clientWidth || 900;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(scene.width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const frame = { pen, scene, height, ink: inks(), targets: [], labels: [], note: "" };
  pen.fillStyle = frame.ink.paper;
  pen.fillRect(0, 0, scene.width, height);
  pen.save();
  pen.beginPath();
  pen.rect(GUTTER, 0, scene.width - GUTTER, height);
  pen.clip();
  drawPhases(frame);
  drawAxis(frame);
  drawLanes(frame);
  if (!scene.hidesFaults) drawFaults(frame);
  drawDown(frame);
  drawArrows(frame);
  drawViews(frame);
  drawFaultLabels(frame);
  drawMarks(frame);
  drawViolations(frame);
  drawCursor(frame);
  pen.restore();
  drawGutter(frame);
  return frame;
}

function drawPhases({ pen, scene, height, ink, targets }) {
  for (const { phase, fromUs, toUs, text } of scene.data.phases) {
    const [left, right] = [xOf(scene, fromUs), xOf(scene, toUs)];
    if (right < GUTTER || left > scene.width) continue;
    const color = PHASE_COLORS[phase] ?? ink.soft;
    pen.fillStyle = withAlpha(color, 0.06);
    pen.fillRect(left, 0, right - left, height);
    pen.fillStyle = withAlpha(color, 0.28);
    pen.fillRect(left, 0, right - left, 20);
    labelInside(pen, { text: text, left, right, y: 14, color: ink.ink, font: NORMAL });
    targets.push({ left, right, top: 0, bottom: 20, text });
    pen.strokeStyle = withAlpha(color, 0.8);
    line(pen, left, 0, left, height);
  }
}

function drawAxis({ pen, scene, height, ink }) {
  const step = tickStep((scene.toUs - scene.fromUs) / Math.max(2, (scene.width - GUTTER) / 110));
  pen.font = SMALL;
  for (let us = Math.ceil(scene.fromUs / step) * step; us <= scene.toUs; us += step) {
    const x = Math.round(xOf(scene, us)) + 0.5;
    pen.strokeStyle = withAlpha(ink.line, 0.7);
    line(pen, x, TOP - 8, x, height);
    pen.fillStyle = ink.soft;
    pen.fillText(timeText(us, step), x + 3, TOP - 14);
  }
}

function tickStep(atLeastUs) {
  for (let power = 1; ; power *= 10) for (const factor of [1, 2, 5]) if (power * factor >= atLeastUs) return power * factor;
}

function drawLanes({ pen, scene, ink }) {
  for (const lane of shownLanes(scene)) {
    const { top } = laneAt(scene, lane);
    pen.strokeStyle = ink.line;
    line(pen, GUTTER, top + 0.5, scene.width, top + 0.5);
  }
}

function drawViolations({ pen, scene, ink, height, targets }) {
  let free = Number.NEGATIVE_INFINITY;
  for (const { atUs, invariant, detail } of scene.data.violations) {
    const x = xOf(scene, atUs);
    if (x < GUTTER || x > scene.width) continue;
    pen.strokeStyle = ink.alarm;
    pen.lineWidth = 2;
    line(pen, x, 20, x, height);
    pen.lineWidth = 1;
    pen.font = NORMAL;
    const width = pen.measureText(invariant).width + 10;
    const left = Math.min(x, scene.width - width);
    targets.push({ left, right: left + width, top: 20, bottom: 36, text: `violated: ${invariant}\n${detail}`, isMark: true });
    if (left < free) continue;
    free = left + width;
    pen.fillStyle = ink.alarm;
    pen.fillRect(left, 20, width, 16);
    pen.fillStyle = ink.paper;
    pen.fillText(invariant, left + 5, 32);
  }
}

function drawCursor({ pen, scene, ink, height }) {
  if (!scene.hasCursor) return;
  const x = Math.round(xOf(scene, scene.cursorUs)) + 0.5;
  pen.strokeStyle = ink.ink;
  pen.save();
  pen.setLineDash([5, 3]);
  line(pen, x, TOP - 10, x, height);
  pen.restore();
}

function drawGutter({ pen, scene, ink, height }) {
  pen.fillStyle = ink.panel;
  pen.fillRect(0, 0, GUTTER, height);
  pen.strokeStyle = ink.line;
  line(pen, GUTTER - 0.5, 0, GUTTER - 0.5, height);
  for (const lane of shownLanes(scene)) {
    const { top, height: tall } = laneAt(scene, lane);
    const { name, weight, roles } = scene.data.lanes[lane];
    line(pen, 0, top + 0.5, GUTTER, top + 0.5);
    const middle = top + tall / 2;
    pen.fillStyle = ink.ink;
    pen.font = "bold 14px system-ui, sans-serif";
    pen.fillText(name, 10, middle - (roles === "" ? 2 : 8));
    pen.font = SMALL;
    pen.fillStyle = ink.soft;
    pen.fillText(fitted(pen, `weight ${weight}`, GUTTER - 16), 10, middle + (roles === "" ? 14 : 7));
    if (roles === "") continue;
    pen.fillStyle = ink.alarm;
    pen.fillText(fitted(pen, `traitor: ${roles}`, GUTTER - 16), 10, middle + 21);
  }
}
