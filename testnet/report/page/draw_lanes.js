/** What fills a lane: faults shaded over it, time that its validator was down, the views that it was in. */

import { BAR, END_LOOKS, GROUP_COLORS, GUTTER, timeText, withAlpha } from "./look.js";
import { fitted, hatch, NORMAL, SMALL, tag } from "./pen.js";
import { laneAt, shownLanes, xOf } from "./scene.js";

export function drawFaults({ pen, scene, targets, labels }) {
  for (const fault of scene.data.faults) {
    const [left, right] = [xOf(scene, fault.fromUs), Math.max(xOf(scene, fault.toUs), xOf(scene, fault.fromUs) + 2)];
    if (right < GUTTER || left > scene.width) continue;
    const color = GROUP_COLORS[fault.group];
    for (const lane of fault.lanes) {
      const place = laneAt(scene, lane);
      if (place === undefined) continue;
      pen.fillStyle = withAlpha(color, 0.1);
      pen.fillRect(left, place.top + 1, right - left, place.height - 1);
      hatch(pen, {
        left: Math.max(left, GUTTER),
        right: Math.min(right, scene.width),
        top: place.top + 1,
        bottom: place.top + place.height,
        color,
      });
      targets.push({ left, right, top: place.top, bottom: place.top + place.height, text: fault.text, isArea: true });
      labels.push({ fault, lane, left, right, color });
    }
  }
}

/** Over the messages, so that they stay readable. */
export function drawFaultLabels({ pen, scene, ink, labels }) {
  const rows = new Map();
  pen.font = SMALL;
  for (const { fault, lane, left, right, color } of labels) {
    const { top, height } = laneAt(scene, lane);
    // Where lanes are low, a fault of many of them is named in every fourth.
    if (height < 70 && fault.lanes.length > 4 && fault.lanes.indexOf(lane) % 4 !== 0) continue;
    if (!rows.has(lane)) rows.set(lane, createRows(height > 80 ? 2 : 1));
    const from = Math.max(left, GUTTER) + 3;
    const width = pen.measureText(fault.label).width;
    if (right - from < Math.min(width, 60)) continue;
    const row = rows.get(lane)(from, from + Math.min(width, right - from));
    if (row >= 0) tag(pen, { text: fault.label, x: from, y: top + 11 + row * 13, max: right - from - 2, ink, color });
  }
}

/** Labels of one lane must not lie over each other: they go to the first row with room, or are left to the pointer. */
function createRows(count) {
  const ends = Array.from({ length: count }, () => Number.NEGATIVE_INFINITY);
  return (left, right) => {
    const row = ends.findIndex((end) => end < left);
    if (row >= 0) ends[row] = right + 6;
    return row;
  };
}

export function drawDown({ pen, scene, ink, targets }) {
  for (const lane of shownLanes(scene)) {
    const { top, bar, height } = laneAt(scene, lane);
    for (const { fromUs, toUs, label } of scene.data.downTimes[lane]) {
      const [left, right] = [xOf(scene, fromUs), Math.max(xOf(scene, toUs), xOf(scene, fromUs) + 2)];
      if (right < GUTTER || left > scene.width) continue;
      pen.fillStyle = ink.down;
      pen.fillRect(left, top + 1, right - left, height - 1);
      hatch(pen, {
        left: Math.max(left, GUTTER),
        right: Math.min(right, scene.width),
        top: top + 1,
        bottom: top + height,
        color: "#6a717c",
      });
      pen.font = NORMAL;
      const text = `down (${label})`;
      const from = Math.max(left, GUTTER) + 5;
      const shown = fitted(pen, text, Math.min(right, scene.width) - from - 4);
      pen.fillStyle = ink.down;
      if (shown !== "") pen.fillRect(from - 2, bar, pen.measureText(shown).width + 4, BAR);
      pen.fillStyle = ink.ink;
      pen.fillText(shown, from, bar + 13);
      targets.push({ left, right, top, bottom: top + height, text: `${scene.data.lanes[lane].name} is ${text}`, isArea: true });
    }
  }
}

export function drawViews(frame) {
  const { pen, scene, ink, targets } = frame;
  for (const lane of shownLanes(scene)) {
    const { bar } = laneAt(scene, lane);
    let painted = Number.NEGATIVE_INFINITY;
    for (const segment of scene.data.segments[lane]) {
      const [left, right] = [xOf(scene, segment.fromUs), xOf(scene, segment.toUs)];
      if (right < GUTTER) continue;
      if (left > scene.width) break;
      const look = END_LOOKS[segment.end];
      // Where views are narrower than a pixel, those that were lost win.
      if (right - left < 1 && left < painted && segment.end !== "TC") continue;
      const width = Math.max(1, right - left - (right - left > 4 ? 1 : 0));
      painted = left + 1;
      pen.fillStyle = look.color;
      pen.fillRect(left, bar, width, BAR);
      const isLeader = segment.leader === lane;
      if (isLeader && width > 3) {
        pen.fillStyle = ink.gold;
        pen.fillRect(left, bar - 3, width, 3);
        pen.fillRect(left, bar + BAR, width, 3);
      }
      if (width > 14) viewLabel(pen, { segment, look, left, width, bar, isLeader });
      targets.push({ left, right: Math.max(right, left + 1), top: bar, bottom: bar + BAR, text: viewText(scene, lane, segment) });
    }
  }
}

function viewLabel(pen, { segment, look, left, width, bar, isLeader }) {
  pen.font = SMALL;
  pen.fillStyle = "#ffffff";
  const from = Math.max(left, GUTTER);
  const room = left + width - from - 6;
  const star = isLeader ? "★" : "";
  for (const text of [
    `${star}view ${segment.view} ${look.letter}`,
    `${star}${segment.view} ${look.letter}`,
    `${star}${segment.view}`,
    `${segment.view}`,
  ]) {
    if (pen.measureText(text).width > room) continue;
    pen.fillText(text, from + 3, bar + 12.5);
    return;
  }
}

const END_WORDS = {
  QC: "left by QC",
  TC: "left by TC (lost)",
  CC: "left by CC",
  stop: "cut short: it went down",
  end: "still in it at the end",
};

function viewText(scene, lane, { view, leader, fromUs, toUs, end }) {
  const led = leader === lane ? "led by itself" : `led by V${leader}`;
  return `${scene.data.lanes[lane].name} in view ${view}, ${led}\n${timeText(fromUs, 100)} to ${timeText(toUs, 100)}: ${((toUs - fromUs) / 1_000).toFixed(1)} ms, ${END_WORDS[end]}`;
}
