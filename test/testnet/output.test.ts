/** What goes to which stream, and how the live line behaves on terminals and elsewhere. */

import t from "tap";
import { createOutput, type TextStream } from "../../testnet/output.ts";

interface Recorder extends TextStream {
  readonly texts: string[];
}

function recorder(isTTY: boolean): Recorder {
  const texts: string[] = [];
  return { texts, isTTY, columns: 20, write: (text) => texts.push(text) };
}

t.test("createOutput: --json, events alone on standard output and text on standard error", async (t) => {
  const stdout = recorder(false);
  const stderr = recorder(false);
  const output = createOutput({ json: true, stdout, stderr, nowMs: () => 0 });
  output.say("hello");
  output.event({ type: "summary", ok: true });
  output.live("height 1");
  t.same(stdout.texts, ['{"type":"summary","ok":true}\n']);
  t.same(stderr.texts, ["hello\n", "height 1\n"]);
});

t.test("createOutput: no --json, text on standard output and no events", async (t) => {
  const stdout = recorder(false);
  const stderr = recorder(false);
  const output = createOutput({ json: false, stdout, stderr, nowMs: () => 0 });
  output.event({ type: "summary" });
  output.say("hello");
  t.same(stdout.texts, ["hello\n"]);
  t.same(stderr.texts, []);
});

t.test("createOutput: a terminal, the live line is redrawn in place, cut to its width, and cleared by other text", async (t) => {
  const stdout = recorder(true);
  const output = createOutput({ json: false, stdout, stderr: recorder(true), nowMs: () => 0 });
  output.live("height 1");
  output.live("height 2 and much more text");
  output.say("done");
  t.same(stdout.texts, ["height 1", "\r\u001b[K", "height 2 and much m", "\r\u001b[K", "done\n"]);
});

t.test("createOutput: no terminal, at most one live line a second", async (t) => {
  const stdout = recorder(false);
  let nowMs = 0;
  const output = createOutput({ json: false, stdout, stderr: recorder(false), nowMs: () => nowMs });
  for (nowMs = 0; nowMs < 2_500; nowMs += 100) output.live(`at ${nowMs}`);
  t.same(stdout.texts, ["at 0\n", "at 1000\n", "at 2000\n"]);
});
