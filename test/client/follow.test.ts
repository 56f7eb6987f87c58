/** Following on a clock of the test's own: what is asked when, and how each ending looks. */

import t from "tap";
import type { TransactionStatus } from "../../client/answers.ts";
import type { BundleStatus } from "../../client/bundle_answers.ts";
import type { PreparedBundle } from "../../client/bundles.ts";
import { type FollowOptions, followBundle, followTransaction, submitAndFollow, submitAndFollowBundle } from "../../client/follow.ts";
import type { Answer, RpcFailure } from "../../client/http.ts";
import { type BlockHash, type BundleId, Height, type TransactionHash } from "../../types/ids.ts";

const HASH = "3d".repeat(32) as TransactionHash;
const PREPARED = { hash: HASH, bytes: new Uint8Array([1]) };
const ID = "1d".repeat(32) as BundleId;
const pending: TransactionStatus = { type: "pending" };
const ordered: TransactionStatus = { type: "ordered", height: Height.of(4) };
const PLACE = { lane: "open", position: 0, builder: undefined, paid: 0n } as const;
const RESULT = { code: 0, codeName: "ok", operationCodes: [0], operationCodeNames: ["ok"] } as const;
const executed: TransactionStatus = { type: "executed", height: Height.of(4), ...RESULT, ...PLACE };
const unknown: TransactionStatus = { type: "unknown", dropped: undefined };
const busy: RpcFailure = { type: "refused", httpStatus: 503, code: "busy", message: "busy", canRetry: true, advice: "wait" };
const replayed: RpcFailure = { ...busy, httpStatus: 422, code: "nonceReplayed", canRetry: false };
const lost: RpcFailure = { type: "unreachable", message: "reset" };

/** A clock that pauses move, and a node that answers from a list, its last answer again and again. */
function scriptOf<Status extends { readonly type: string }>(given: {
  readonly statuses: readonly (Status | RpcFailure)[];
  readonly submissions?: readonly (RpcFailure | "accepted")[];
  readonly onPause?: (nowMs: number) => void;
}) {
  let nowMs = 0;
  const pauses: number[] = [];
  const seen: string[] = [];
  const statuses = [...given.statuses];
  const submissions = [...(given.submissions ?? ["accepted"])];
  let submitCount = 0;
  const isFailure = (item: Status | RpcFailure): item is RpcFailure =>
    ["refused", "unreachable", "deadline", "aborted", "malformed"].includes(item.type);
  async function status(): Promise<Answer<Status>> {
    const next = statuses.length > 1 ? statuses.shift() : statuses[0];
    if (next === undefined) throw new Error("a script has a status");
    return isFailure(next) ? { ok: false, failure: next } : { ok: true, value: next };
  }
  async function send<Name>(name: Name): Promise<Answer<Name>> {
    submitCount += 1;
    const next = submissions.length > 1 ? submissions.shift() : submissions[0];
    return next === undefined || next === "accepted" ? { ok: true, value: name } : { ok: false, failure: next };
  }
  const rpc = { transaction: status, bundle: status, submit: () => send(HASH), submitBundle: () => send(ID) };
  const options: FollowOptions<Status> = {
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

const script = scriptOf<TransactionStatus>;
const bundleScript = scriptOf<BundleStatus>;

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

const BUNDLE: PreparedBundle = {
  id: ID,
  transactions: [PREPARED],
  from: Height.of(1),
  to: Height.of(9),
  tip: 1n,
  lastHeight: Height.of(9),
};
const waiting: BundleStatus = { type: "pending", last: undefined };
const noRoom: BundleStatus = { type: "pending", last: { type: "noRoom", message: "others paid better" } };
const offered: BundleStatus = { type: "offered", height: Height.of(4), sequence: 1, value: 8n };
const included: BundleStatus = { type: "included", height: Height.of(4), blockHash: "ab".repeat(32) as BlockHash, group: 2 };
const over: BundleStatus = { type: "notIncluded", reason: { type: "expired", message: "its last height has passed" } };
const unheard: RpcFailure = { ...busy, httpStatus: 404, code: "notFound", canRetry: false };

t.test("followBundle: each new reason, each new bid and the end are changes; pauses double between them", async (t) => {
  const higher: BundleStatus = { ...offered, sequence: 2 };
  const next: BundleStatus = { ...offered, height: Height.of(5) };
  const statuses = [waiting, waiting, waiting, noRoom, noRoom, offered, higher, next, next, included];
  const { rpc, options, pauses, seen } = bundleScript({ statuses });
  t.strictSame(await followBundle(rpc, ID, options), { type: "included", status: included });
  t.strictSame(seen, ["pending", "pending", "offered", "offered", "offered", "included"]);
  t.strictSame(pauses, [10, 20, 40, 10, 20, 10, 10, 10, 20]);
});

t.test("followBundle: ends with the reason, and where the builder has forgotten the bundle", async (t) => {
  const ended = bundleScript({ statuses: [offered, waiting, over] });
  t.strictSame(await followBundle(ended.rpc, ID, ended.options), { type: "notIncluded", reason: over.reason });
  const restarted = bundleScript({ statuses: [offered, lost, unheard] });
  t.strictSame(await followBundle(restarted.rpc, ID, restarted.options), { type: "unknown" });
});

t.test("C5: followBundle: the deadline, the signal, and failures that pass and that do not", async (t) => {
  const slow = bundleScript({ statuses: [waiting, offered, lost] });
  t.strictSame(await followBundle(slow.rpc, ID, slow.options), { type: "deadline", last: offered, failure: lost });
  const patient = bundleScript({ statuses: [busy, lost, included] });
  t.match(await followBundle(patient.rpc, ID, patient.options), { type: "included" });
  const malformed = bundleScript({ statuses: [{ type: "malformed", message: "no JSON" }] });
  t.match(await followBundle(malformed.rpc, ID, malformed.options), { type: "failed", failure: { type: "malformed" } });
  const controller = new AbortController();
  const stopped = bundleScript({ statuses: [waiting], onPause: () => controller.abort() });
  t.strictSame(await followBundle(stopped.rpc, ID, { ...stopped.options, signal: controller.signal }), { type: "aborted" });
});

t.test(
  "submitAndFollowBundle: sends again while the builder is busy; what it knows already is followed, other refusals end it",
  async (t) => {
    const full = bundleScript({ submissions: [busy, lost, "accepted"], statuses: [included] });
    t.match(await submitAndFollowBundle(full.rpc, BUNDLE, full.options), { type: "included" });
    t.equal(full.submitCount(), 3);
    for (const code of ["duplicate", "finished"]) {
      const known = bundleScript({ submissions: [{ ...replayed, code }], statuses: [over] });
      t.match(await submitAndFollowBundle(known.rpc, BUNDLE, known.options), { type: "notIncluded" }, code);
      t.equal(known.submitCount(), 1);
    }
    const refused = bundleScript({ submissions: [{ ...replayed, code: "expired" }], statuses: [included] });
    t.match(await submitAndFollowBundle(refused.rpc, BUNDLE, refused.options), { type: "failed", failure: { code: "expired" } });
    const doubtful = bundleScript({ submissions: [lost, { ...replayed, code: "expired" }], statuses: [included] });
    t.match(await submitAndFollowBundle(doubtful.rpc, BUNDLE, doubtful.options), { type: "included" });
    const never = bundleScript({ submissions: [busy], statuses: [included] });
    t.strictSame(await submitAndFollowBundle(never.rpc, BUNDLE, never.options), { type: "deadline", last: undefined, failure: busy });
  },
);
