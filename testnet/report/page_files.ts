/** The style and the script of the page, as one text each: a page is a single file that needs nothing else. The script's modules lie in
 *  page/ as ordinary files; here they are put one after the other, in the order of their imports. */

import { readFileSync } from "node:fs";
import { assert } from "../../types/assert.ts";

const MODULES = ["look.js", "pen.js", "scene.js", "draw_lanes.js", "draw_marks.js", "draw.js", "legend.js", "controls.js"];

export function pageStyle(): string {
  return readPageFile("page.css");
}

/** Runs `start` of controls.js. */
export function pageScript(): string {
  const parts = MODULES.map((name) => withoutModuleSyntax(readPageFile(name)));
  return `"use strict";\n(() => {\n${parts.join("\n")}\nstart();\n})();\n`;
}

function readPageFile(name: string): string {
  const text = readFileSync(new URL(`page/${name}`, import.meta.url), "utf8");
  assert(!text.includes("</"), "nothing in the page's own files ends the element that they are put into");
  return text;
}

const withoutModuleSyntax = (text: string): string => text.replace(/^import [^;]*;\n/gm, "").replace(/^export /gm, "");
