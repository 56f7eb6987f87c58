/** The machine starts when a quorum is linked, or after the longest wait, and in either case once. */

import t from "tap";
import { createStartGate } from "../../node/start_gate.ts";

t.test("createStartGate: opens once, when the quorum is linked", async (t) => {
  let isLinked = false;
  let opened = 0;
  const gate = createStartGate({ isQuorumLinked: () => isLinked, waitMsMax: 60_000, open: () => opened++ });
  gate.check();
  t.equal(opened, 0);
  isLinked = true;
  gate.check();
  gate.check();
  t.equal(opened, 1);
});

t.test("createStartGate: opens after the longest wait although nobody is linked", async () => {
  await new Promise<void>((resolve) => createStartGate({ isQuorumLinked: () => false, waitMsMax: 1, open: resolve }));
});

t.test("createStartGate: never opens after a stop", async (t) => {
  const gate = createStartGate({ isQuorumLinked: () => true, waitMsMax: 1, open: () => t.fail("stopped") });
  gate.stop();
  gate.check();
  await new Promise((resolve) => setTimeout(resolve, 20));
});
