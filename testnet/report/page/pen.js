/** Small strokes that all parts of the picture share. */

import { GUTTER, withAlpha } from "./look.js";

export const SMALL = "11px system-ui, sans-serif";

export const NORMAL = "12px system-ui, sans-serif";

export function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

export function rectangle(pen, color, x, y, width, height) {
  pen.fillStyle = color;
  pen.fillRect(x, y, width, height);
}

export function polygon(pen, color, points) {
  pen.fillStyle = color;
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.fill();
}

export function badge(pen, { x, y, color, text, ink }) {
  pen.fillStyle = color;
  pen.beginPath();
  pen.arc(x, y, 6, 0, Math.PI * 2);
  pen.fill();
  pen.fillStyle = ink;
  pen.font = "bold 10px system-ui, sans-serif";
  pen.fillText(text, x - pen.measureText(text).width / 2, y + 3.5);
}

export function hatch(pen, { left, right, top, bottom, color }) {
  if (right - left < 3) return;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, right - left, bottom - top);
  pen.clip();
  pen.strokeStyle = withAlpha(color, 0.2);
  pen.lineWidth = 1;
  pen.beginPath();
  const height = bottom - top;
  for (let x = Math.floor((left - height) / 9) * 9; x < right; x += 9) {
    pen.moveTo(x, bottom);
    pen.lineTo(x + height, top);
  }
  pen.stroke();
  pen.restore();
}

export function tag(pen, { text, x, y, max, ink, color }) {
  const shown = fitted(pen, text, max);
  if (shown === "") return;
  pen.fillStyle = withAlpha(ink.paper, 0.85);
  pen.fillRect(x - 2, y - 10, pen.measureText(shown).width + 5, 13);
  pen.fillStyle = color;
  pen.fillRect(x - 2, y - 10, 2, 13);
  pen.fillStyle = ink.ink;
  pen.fillText(shown, x + 2, y);
}

/** The text, cut to `max` pixels; nothing where not even a few letters fit. */
export function fitted(pen, text, max) {
  if (pen.measureText(text).width <= max) return text;
  for (let length = text.length - 1; length >= 4; length--) {
    const cut = `${text.slice(0, length).trimEnd()}…`;
    if (pen.measureText(cut).width <= max) return cut;
  }
  return "";
}

export function labelInside(pen, { text, left, right, y, color, font }) {
  pen.font = font;
  const from = Math.max(left, GUTTER) + 5;
  const shown = fitted(pen, text, Math.min(right, pen.canvas.clientWidth) - from - 4);
  pen.fillStyle = color;
  pen.fillText(shown, from, y);
}
