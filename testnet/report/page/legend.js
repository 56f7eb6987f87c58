/** Paints the samples of the legend with the strokes of the picture itself. */

import { drawCross, MARKS } from "./draw_marks.js";
import { colorOf, END_LOOKS, GROUP_COLORS, inks, withAlpha } from "./look.js";
import { hatch } from "./pen.js";

const WIDTH = 24;
const HEIGHT = 16;

export function drawLegend() {
  for (const swatch of document.querySelectorAll("[data-look]")) swatch.style.background = colorOf(swatch.dataset.look);
  const ink = inks();
  for (const canvas of document.querySelectorAll("canvas[data-sample]")) {
    const ratio = devicePixelRatio || 1;
    canvas.style.width = `${WIDTH}px`;
    canvas.style.height = `${HEIGHT}px`;
    canvas.width = WIDTH * ratio;
    canvas.height = HEIGHT * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    drawSample(pen, canvas.dataset.sample, ink);
  }
}

function drawSample(pen, sample, ink) {
  const area = { left: 0, right: WIDTH, top: 0, bottom: HEIGHT };
  if (END_LOOKS[sample] !== undefined || sample === "leader") {
    pen.fillStyle = (END_LOOKS[sample] ?? END_LOOKS.QC).color;
    pen.fillRect(0, 3, WIDTH, 10);
    pen.fillStyle = sample === "leader" ? ink.gold : "transparent";
    pen.fillRect(0, 0, WIDTH, 3);
    pen.fillRect(0, 13, WIDTH, 3);
  } else if (GROUP_COLORS[sample] !== undefined || sample === "down") {
    pen.fillStyle = sample === "down" ? ink.down : withAlpha(GROUP_COLORS[sample], 0.13);
    pen.fillRect(0, 0, WIDTH, HEIGHT);
    hatch(pen, { ...area, color: sample === "down" ? "#6a717c" : GROUP_COLORS[sample] });
  } else if (sample === "lost") drawCross(pen, WIDTH / 2, HEIGHT / 2, ink);
  else MARKS[sample](pen, WIDTH / 2, HEIGHT / 2, ink);
}
