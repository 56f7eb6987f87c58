/** What is shown of the data: the window of time, hidden lanes and kinds, the cursor; and where things lie on the canvas. */

import { GUTTER, TOP } from "./look.js";

/** The shortest window. */
const SPAN_US_MIN = 200;

export function createScene(data) {
  const firstAlarm = data.violations[0];
  const scene = {
    data,
    width: 900,
    fromUs: 0,
    toUs: Math.max(data.endUs, SPAN_US_MIN),
    cursorUs: firstAlarm === undefined ? 0 : firstAlarm.atUs,
    hasCursor: firstAlarm !== undefined,
    hiddenLanes: new Set(),
    hiddenKinds: new Set(data.hiddenKinds),
    hidesLost: false,
    hidesFaults: false,
  };
  if (firstAlarm !== undefined && data.endUs > 3e6) showAround(scene, firstAlarm.atUs, 2e6);
  return scene;
}

export function showAround(scene, atUs, spanUs) {
  setWindow(scene, atUs - spanUs * 0.7, atUs + spanUs * 0.3);
}

/** Keeps the window inside the run and not too narrow. */
export function setWindow(scene, fromUs, toUs) {
  const endUs = Math.max(scene.data.endUs, SPAN_US_MIN);
  const span = Math.min(Math.max(toUs - fromUs, SPAN_US_MIN), endUs * 1.04);
  const from = Math.min(Math.max(fromUs, -endUs * 0.02), endUs * 1.02 - span);
  scene.fromUs = from;
  scene.toUs = from + span;
}

export function zoom(scene, factor, atUs) {
  setWindow(scene, atUs - (atUs - scene.fromUs) * factor, atUs + (scene.toUs - atUs) * factor);
}

export function pan(scene, byUs) {
  setWindow(scene, scene.fromUs + byUs, scene.toUs + byUs);
}

export const xOf = (scene, us) => GUTTER + ((us - scene.fromUs) / (scene.toUs - scene.fromUs)) * (scene.width - GUTTER);

export const timeAt = (scene, x) => scene.fromUs + ((x - GUTTER) / (scene.width - GUTTER)) * (scene.toUs - scene.fromUs);

export function shownLanes(scene) {
  return scene.data.lanes.map((_, lane) => lane).filter((lane) => !scene.hiddenLanes.has(lane));
}

export function laneHeight(scene) {
  const count = shownLanes(scene).length;
  return count <= 5 ? 92 : count <= 8 ? 74 : 62;
}

export function sceneHeight(scene) {
  return TOP + Math.max(1, shownLanes(scene).length) * laneHeight(scene) + 6;
}

/** Top of a lane, and of its bar of views; undefined when hidden. */
export function laneAt(scene, lane) {
  const row = shownLanes(scene).indexOf(lane);
  if (row < 0) return undefined;
  const height = laneHeight(scene);
  const top = TOP + row * height;
  return { top, height, bar: top + (height > 80 ? 36 : height > 70 ? 26 : 19) };
}

/** Index of the first item at or after `us`, in a list sorted by `key`. */
export function firstFrom(list, us, key) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle][key] < us) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Entries of lanes that are shown, in a range of times. */
export function entriesBetween(scene, fromUs, toUs) {
  const { entries } = scene.data;
  const found = [];
  for (let index = firstFrom(entries, fromUs, "atUs"); index < entries.length && entries[index].atUs <= toUs; index++) {
    if (isShown(scene, entries[index])) found.push(entries[index]);
  }
  return found;
}

export const isShown = (scene, entry) => entry.lane < 0 || !scene.hiddenLanes.has(entry.lane);

/** Messages to draw: those whose way crosses the window, of kinds and lanes that are shown. */
export function arrowsBetween(scene, fromUs, toUs) {
  const { arrows, longestUs } = scene.data;
  const found = [];
  for (let index = firstFrom(arrows, fromUs - longestUs, "atUs"); index < arrows.length && arrows[index].atUs <= toUs; index++) {
    const arrow = arrows[index];
    if (arrow.lastUs < fromUs || scene.hiddenKinds.has(arrow.kind)) continue;
    if (arrow.delays.length === 0 && scene.hidesLost) continue;
    if (scene.hiddenLanes.has(arrow.from) || scene.hiddenLanes.has(arrow.to)) continue;
    found.push(arrow);
  }
  return found;
}

/** The entry before or after the cursor. */
export function neighbour(scene, direction) {
  const { entries } = scene.data;
  let index = direction > 0 ? firstFrom(entries, scene.cursorUs + 0.5, "atUs") : firstFrom(entries, scene.cursorUs, "atUs") - 1;
  while (entries[index] !== undefined && !isShown(scene, entries[index])) index += direction;
  return entries[index];
}
