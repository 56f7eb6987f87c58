/** The frame of the picture: buttons, boxes, canvas, list of facts, legend. The script in page/ fills it. */

import { MESSAGE_KINDS, type MessageKind, type Scenario } from "../scenario/manifest.ts";
import { escapeMarkup } from "./escape.ts";
import { nameOf } from "./words.ts";

export function renderPicture(
  { weights }: Scenario,
  {
    hiddenKinds,
    notes,
    hasViolation,
  }: { readonly hiddenKinds: readonly MessageKind[]; readonly notes: readonly string[]; readonly hasViolation: boolean },
): string {
  const kinds = MESSAGE_KINDS.map((kind) =>
    box({ data: `kind="${kind}"`, text: kind, isOn: !hiddenKinds.includes(kind), look: `data-look="${kind}"` }),
  );
  const lanes = weights.map((_, lane) => box({ data: `lane="${lane}"`, text: nameOf(lane), isOn: true, look: "" }));
  return `<section aria-labelledby="over-time">
<h2 id="over-time">Validators over time</h2>
<div class="bar" role="group" aria-label="Window of time">
${buttons(hasViolation)}
</div>
<div class="bar">
<fieldset><legend>Messages</legend>${kinds.join("")}${box({ data: 'layer="lost"', text: "lost ones", isOn: true, look: "" })}</fieldset>
<fieldset><legend>Shading</legend>${box({ data: 'layer="faults"', text: "faults", isOn: true, look: "" })}</fieldset>
<fieldset><legend>Validators</legend>${lanes.join("")}<button type="button" id="allLanes">all / none</button></fieldset>
</div>
<div id="stage">
<canvas id="picture" tabindex="0" role="application" aria-label="Lanes of validators over time. The facts near the cursor are listed as text below; arrow up and down move the cursor from fact to fact." aria-describedby="keys"></canvas>
<div id="tip" hidden></div>
</div>
<p class="note" id="shown"></p>
<p class="note" id="keys">Wheel: zoom. Shift and wheel, or drag: move. Click: put the cursor. With the picture in focus: ${keys()}.</p>
${notes.map((note) => `<p class="note">${escapeMarkup(note)}</p>`).join("\n")}
${LEGEND}
<h2 id="near-title">Facts near the cursor</h2>
<p class="note" id="at" aria-live="polite"></p>
<ul id="near" tabindex="0" aria-labelledby="near-title"></ul>
</section>`;
}

function box({
  data,
  text,
  isOn,
  look,
}: {
  readonly data: string;
  readonly text: string;
  readonly isOn: boolean;
  readonly look: string;
}): string {
  const swatch = look === "" ? "" : `<span class="swatch thin" ${look}></span>`;
  return `<label><input type="checkbox" data-${data}${isOn ? " checked" : ""}>${swatch}${escapeMarkup(text)}</label>`;
}

function buttons(hasViolation: boolean): string {
  const all: readonly (readonly [string, string])[] = [
    ["whole", "Whole run"],
    ["zoomIn", "Zoom in"],
    ["zoomOut", "Zoom out"],
    ["left", "← Earlier"],
    ["right", "Later →"],
    ["previous", "Previous fact"],
    ["next", "Next fact"],
    ...(hasViolation ? [["violation", "First violation"] as const] : []),
  ];
  return all.map(([action, text]) => `<button type="button" data-action="${action}">${text}</button>`).join("\n");
}

function keys(): string {
  const all: readonly (readonly [string, string])[] = [
    ["+", "zoom in"],
    ["−", "zoom out"],
    ["←", "earlier"],
    ["→", "later"],
    ["↑", "previous fact"],
    ["↓", "next fact"],
    ["Home", "whole run"],
    ["v", "first violation"],
  ];
  return all.map(([key, text]) => `<kbd>${key}</kbd> ${text}`).join(", ");
}

/** The script paints each sample with the strokes of the picture itself. */
const SAMPLES: readonly (readonly [string, string])[] = [
  ["QC", "view left by QC"],
  ["TC", "view lost (TC)"],
  ["CC", "view left by CC"],
  ["stop", "view cut short"],
  ["end", "view not over at the end"],
  ["leader", "it leads this view (★)"],
  ["proposal", "signs a proposal"],
  ["vote", "signs a vote"],
  ["commit", "signs a commit vote"],
  ["timeout", "signs a timeout"],
  ["final", "height becomes final"],
  ["betrayal", "a traitor's deed"],
  ["evidence", "evidence stored"],
  ["alarm", "halts, diverges or refuses to start"],
  ["lost", "message lost"],
  ["network", "network fault"],
  ["process", "process fault"],
  ["disk", "disk fault"],
  ["clock", "clock fault"],
  ["down", "down"],
];

const LEGEND = `<div class="bar" id="legend">
${SAMPLES.map(([sample, text]) => `<label><canvas class="sample" data-sample="${sample}" aria-hidden="true"></canvas>${escapeMarkup(text)}</label>`).join("\n")}
</div>`;
