/** Colours and measures of the picture. Canvas has no style sheet, so both colour schemes are here. */

export const KIND_COLORS = {
  proposal: ["#8a3fb8", "#c99af0"],
  vote: ["#2f7d5b", "#6fcb9f"],
  commit: ["#2b6cb0", "#79b4f2"],
  timeout: ["#b8500b", "#f2a25e"],
  certificate: ["#0f7c8a", "#5fd0de"],
  transactions: ["#7a7a2e", "#c9c977"],
  status: ["#6b7280", "#a3aebd"],
  request: ["#a0326a", "#f08cc0"],
  bytes: ["#6b7280", "#a3aebd"],
  response: ["#a0326a", "#f08cc0"],
};

/** How a view ended: colour of its bar, and its letter, so that colour is not all. */
export const END_LOOKS = {
  QC: { color: "#2a7552", letter: "Q" },
  CC: { color: "#2b62a6", letter: "C" },
  TC: { color: "#b14e0a", letter: "T" },
  stop: { color: "#6a717c", letter: "–" },
  end: { color: "#78808c", letter: "…" },
};

export const GROUP_COLORS = { network: "#d23b3b", process: "#8146c9", disk: "#a87800", clock: "#0c83a8" };

export const PHASE_COLORS = { faults: "#d23b3b", core: "#a87800", heal: "#2a7552" };

export const GUTTER = 132;
export const TOP = 50;
export const BAR = 17;

export function isDark() {
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export function inks() {
  return isDark()
    ? {
        paper: "#12161c",
        panel: "#1b212a",
        ink: "#e6eaf0",
        soft: "#a3aebd",
        line: "#39424f",
        down: "#2b313b",
        gold: "#ffd45c",
        alarm: "#ff8a80",
      }
    : {
        paper: "#ffffff",
        panel: "#f4f6f8",
        ink: "#1a212b",
        soft: "#556070",
        line: "#cfd6de",
        down: "#e3e6ea",
        gold: "#d29a00",
        alarm: "#c21f1f",
      };
}

export function colorOf(kind) {
  const pair = KIND_COLORS[kind] ?? KIND_COLORS.status;
  return isDark() ? pair[1] : pair[0];
}

export function withAlpha(hex, alpha) {
  return `${hex}${Math.round(alpha * 255)
    .toString(16)
    .padStart(2, "0")}`;
}

/** Microseconds as people read them, with as many digits as `stepUs` needs. */
export function timeText(us, stepUs = 1_000) {
  const digits = stepUs >= 1_000_000 ? 0 : stepUs >= 100_000 ? 1 : stepUs >= 10_000 ? 2 : stepUs >= 1_000 ? 3 : stepUs >= 100 ? 4 : 6;
  return `${(us / 1e6).toFixed(digits)} s`;
}
