/** Following on a clock of the test's own: what is asked when, and how each ending looks. */

import t from "tap";
import type { TransactionStatus } from "../../client/answers.ts";
import { type FollowOptions, followTransaction, submitAndFollow } from "../../client/follow.ts";
import type { Answer, RpcFailure } from "../../client/http.ts";
import { Height, type TransactionHash } from "../../types/ids.ts";

const HASH = "3d".repeat(32) as TransactionHash;
const PREPARED = { hash: HASH, bytes: new Uint8Array([1]) };
const pending: TransactionStatus = { type: "pending" };
const ordered: TransactionStatus = { type: "ordered", height: Height.of(4) };
const PLACE = { lane: "open", position: 0, builder: undefined, paid: 0n } as const;
const executed: TransactionStatus = { type: "executed", height: Height.of(4), code: 0, codeName: "ok", operationCodes: [0], ...PLACE };
const unknown: TransactionStatus = { type: "unknown", dropped: undefined };
const busy: RpcFailure = { type: "refused", httpStatus: 503, code: "busy", message: "busy", canRetry: true, advice: "wait" };
const replayed: RpcFailure = { ...busy, httpStatus: 422, code: "nonceReplayed", canRetry: false };
const lost: RpcFailure = { type: "unreachable", message: "reset" };

/** A clock that pauses move, and a node that answers from a list, its last answer again and again. */
function script(given: {
  readonly statuses: readonly (TransactionStatus | RpcFailure)[];
  readonly submissions?: readonly (RpcFailure | "accepted")[];
  readonly onPause?: (nowMs: number) => void;
}) {
  let nowMs = 0;
  const pauses: number[] = [];
  const seen: string[] = [];
  const statuses = [...given.statuses];
  const submissions = [...(given.submissions ?? ["accepted"])];
  let submitCount = 0;
  const isFailure = (item: TransactionStatus | RpcFailure): item is RpcFailure =>
    ["refused", "unreachable", "deadline", "aborted", "malformed"].includes(item.type);
  const rpc = {
    async transaction(): Promise<Answer<TransactionStatus>> {
      const next = statuses.length > 1 ? statuses.shift() : statuses[0];
      if (next === undefined) throw new Error("a script has a status");
      return isFailure(next) ? { ok: false, failure: next } : { ok: true, value: next };
    },
    async submit(): Promise<Answer<TransactionHash>> {
      submitCount += 1;
      const next = submissions.length > 1 ? submissions.shift() : submissions[0];
      return next === undefined || next === "accepted" ? { ok: true, value: HASH } : { ok: false, failure: next };
    },
  };
  const options: FollowOptions = {
    deadlineMs: 1_000,
    pauseMsMin: 10,
    pauseMsMax: 100,
    onStatus: ({ type }) => seen.push(type),
    timing: {
      nowMs: () => nowMs,
      pause: async (ms) => {
        pauses.push(ms);
        nowMs += ms;
        given.onPause?.(nowMs);
      },
    },
  };
  return { rpc, options, pauses, seen, submitCount: () => submitCount };
}

t.test("followTransaction: pauses double while nothing changes, begin anew at a change, and end with the result", async (t) => {
  const { rpc, options, pauses, seen } = script({
    statuses: [unknown, pending, pending, pending, pending, pending, pending, ordered, ordered, executed],
  });
  t.strictSame(await followTransaction(rpc, HASH, options), { type: "executed", status: executed });
  t.strictSame(pauses, [10, 10, 20, 40, 80, 100, 100, 10, 20]);
  t.strictSame(seen, ["unknown", "pending", "ordered", "executed"]);
});

t.test("followTransaction: a result that failed is a result; its code tells", async (t) => {
  const failed: TransactionStatus = { ...executed, code: 111, codeName: "badSeed", operationCodes: [] };
  t.strictSame(await followTransaction(script({ statuses: [failed] }).rpc, HASH, script({ statuses: [failed] }).options), {
    type: "executed",
    status: failed,
  });
});

t.test("followTransaction: a node that lets go of it ends it with the reason", async (t) => {
  const dropped: TransactionStatus = { type: "unknown", dropped: { code: "expired", canRetry: false, advice: "sign again" } };
  for (const before of [pending, unknown]) {
    const { rpc, options, seen } = script({ statuses: [before, dropped] });
    t.match(await followTransaction(rpc, HASH, options), { type: "dropped", refusal: { code: "expired" } });
    t.strictSame(seen, [before.type, "unknown"]);
  }
});

t.test("C5: followTransaction: ends at the deadline with what is known, never later than one pause", async (t) => {
  const { rpc, options, pauses } = script({ statuses: [pending, ordered, lost] });
  t.strictSame(await followTransaction(rpc, HASH, options), { type: "deadline", last: ordered, failure: lost });
  t.equal(
    pauses.reduce((sum, ms) => sum + ms, 0),
    1_000,
  );
});

t.test("followTransaction: failures that may pass are tried again, others end it", async (t) => {
  const patient = script({ statuses: [lost, busy, { type: "deadline", deadlineMs: 5 }, executed] });
  t.match(await followTransaction(patient.rpc, HASH, patient.options), { type: "executed" });
  t.strictSame(patient.pauses, [10, 20, 40]);
  const malformed = script({ statuses: [{ type: "malformed", message: "no JSON" }] });
  t.match(await followTransaction(malformed.rpc, HASH, malformed.options), { type: "failed", failure: { type: "malformed" } });
});

t.test("C5: followTransaction: the caller's signal ends it, in a pause and in a request", async (t) => {
  const controller = new AbortController();
  const { rpc, options } = script({ statuses: [pending], onPause: (nowMs) => nowMs >= 100 && controller.abort() });
  t.strictSame(await followTransaction(rpc, HASH, { ...options, signal: controller.signal }), { type: "aborted" });
  const asked = script({ statuses: [{ type: "aborted" }] });
  t.strictSame(await followTransaction(asked.rpc, HASH, asked.options), { type: "aborted" });
});

t.test("C5: followTransaction: the runtime's own timers end a pause at once on abort", async (t) => {
  const controller = new AbortController();
  const { rpc } = script({ statuses: [pending] });
  const options = { deadlineMs: 60_000, pauseMsMin: 50_000, pauseMsMax: 50_000, signal: controller.signal };
  const following = followTransaction(rpc, HASH, { ...options, onStatus: () => queueMicrotask(() => controller.abort()) });
  t.strictSame(await following, { type: "aborted" });
});

t.test("submitAndFollow: sends again while the node is busy, then follows to the result", async (t) => {
  const { rpc, options, submitCount } = script({ submissions: [busy, busy, "accepted"], statuses: [pending, executed] });
  t.match(await submitAndFollow(rpc, PREPARED, options), { type: "executed" });
  t.equal(submitCount(), 3);
});

t.test("submitAndFollow: a refusal for good ends it, but decides nothing after a try whose fate is unknown", async (t) => {
  const refused = script({ submissions: [busy, replayed], statuses: [executed] });
  t.strictSame(await submitAndFollow(refused.rpc, PREPARED, refused.options), { type: "failed", failure: replayed });
  const doubtful = script({ submissions: [lost, replayed], statuses: [executed] });
  t.match(await submitAndFollow(doubtful.rpc, PREPARED, doubtful.options), { type: "executed" });
});

t.test("C5: submitAndFollow: one deadline for both parts, and the signal ends the first as well", async (t) => {
  const never = script({ submissions: [busy], statuses: [executed] });
  t.strictSame(await submitAndFollow(never.rpc, PREPARED, never.options), { type: "deadline", last: undefined, failure: busy });
  const late = script({ submissions: [busy, busy, busy, "accepted"], statuses: [pending] });
  t.match(await submitAndFollow(late.rpc, PREPARED, late.options), { type: "deadline", last: pending });
  t.equal(
    late.pauses.reduce((sum, ms) => sum + ms, 0),
    1_000,
  );
  const controller = new AbortController();
  const ended = script({ submissions: [busy], statuses: [executed], onPause: () => controller.abort() });
  t.strictSame(await submitAndFollow(ended.rpc, PREPARED, { ...ended.options, signal: controller.signal }), { type: "aborted" });
});
