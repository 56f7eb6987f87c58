/** What the log shows of the network's events, and how often. */

import t from "tap";
import { createActivityLog } from "../../node/activity_log.ts";
import type { Logger } from "../../node/logger.ts";

function fixture() {
  const shown: [level: string, text: string][] = [];
  const level = (name: string) => (_fields: unknown, text: string) => shown.push([name, text]);
  const log = { warn: level("warn"), info: level("info"), debug: level("debug") } as unknown as Logger;
  const clock = { ms: 0 };
  const state = { height: 0, view: 1, peers: 0, isCatchingUp: false, whyNotFinal: null, hasStoppedSigning: false };
  const activity = createActivityLog({
    log,
    intervalMs: 1_000_000,
    elapsedMs: () => clock.ms,
    state: () => ({ ...state, p50Ms: undefined, p99Ms: undefined }),
    sealing: () => undefined,
  });
  const refuse = (detail: string): void => activity.onNetworkEvent({ code: "peerRefused", detail, peer: undefined });
  return { activity, shown, clock, refuse };
}

t.test("createActivityLog: a refusal is a warning with advice, once a minute for each reason", async (t) => {
  const { activity, shown, clock, refuse } = fixture();
  t.teardown(activity.stop);
  const [wrong, busy] = ["wrongChain, refused by the peer", "full, refused by the peer"];
  refuse(wrong);
  refuse(wrong);
  refuse(busy);
  clock.ms = 59_999;
  refuse(wrong);
  clock.ms = 60_000;
  refuse(wrong);
  const warning = ["warn", `${wrong}: its genesis is not ours; compare the chain ids that --check prints`];
  t.same(shown, [warning, ["debug", wrong], ["warn", busy], ["debug", wrong], warning]);
});

t.test("createActivityLog: failed dials and dropped frames stay at debug, a ban is a warning", async (t) => {
  const { activity, shown } = fixture();
  t.teardown(activity.stop);
  for (const code of ["dialFailed", "frameDropped", "peerBanned", "peerUp"] as const) {
    activity.onNetworkEvent({ code, detail: code, peer: undefined });
  }
  t.same(
    shown.map(([level]) => level),
    ["debug", "debug", "warn", "info"],
  );
});
