/** The driver against a scripted machine and a store whose writes finish when the test says so: the order of everything is a trace. */

import fc from "fast-check";
import t from "tap";
import { createDriver, type DriverEffect } from "../../node/driver.ts";
import { exitCodeOf, NodeError } from "../../node/errors.ts";
import type { Durable, ReplicaEffect, ReplicaInput, Step } from "../../replica/interface.ts";
import { AssertionError } from "../../types/assert.ts";
import { Epoch, TimestampMs, ValidatorIndex, View } from "../../types/ids.ts";
import { emptySafetyRecord } from "../../types/safety_record.ts";
import { timeoutBallot } from "../../types/vote.ts";

const NO_DURABLE: Durable = { records: [], blocks: [], finality: [], operations: [], evidence: [], shares: [] };
const recordOf = (view: number): Durable => ({ ...NO_DURABLE, records: [emptySafetyRecord(Epoch.ZERO, View.of(view))] });
const signOf = (view: number): ReplicaEffect => ({ type: "signVote", ballot: timeoutBallot(Epoch.ZERO, View.of(view)), isResend: false });
const penalty = (name: string): ReplicaEffect => ({ type: "certified", blockHash: name as never, view: View.of(1) });
const LIMITS = { peerInputsMax: 8, peerBytesMax: 1_000 };
const turnOfLoop = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Bench {
  readonly trace: string[];
  readonly halts: unknown[];
  readonly finishSave: (error?: Error) => Promise<void>;
  readonly driver: ReturnType<typeof createDriver>;
  readonly savesWaiting: () => number;
  readonly saved: Durable[];
}

/** A driver around a scripted machine and a store whose writes finish when the test says so; `trace` is the order of everything. */
function bench(script: (input: ReplicaInput) => Step, options: { readonly isSaveInstant?: boolean } = {}): Bench {
  const trace: string[] = [];
  const halts: unknown[] = [];
  const saved: Durable[] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const driver = createDriver({
    replica: {
      step(input) {
        trace.push(`step ${nameOf(input)}`);
        return script(input);
      },
    },
    store: {
      save(durable) {
        trace.push(`save ${durable.records.map(({ view }) => view).join("+")}`);
        saved.push(durable);
        const done = Promise.withResolvers<void>();
        if (options.isSaveInstant === true) done.resolve();
        else waiting.push(done);
        return done.promise.then(() => void trace.push("synced"));
      },
    },
    now: () => TimestampMs.of(0),
    limits: LIMITS,
    perform: (effect) => performTraced(effect, trace),
    onHalt: (error) => halts.push(error),
  });
  return {
    trace,
    halts,
    saved,
    driver,
    savesWaiting: () => waiting.length,
    async finishSave(error) {
      const next = waiting.shift();
      if (error === undefined) next?.resolve();
      else next?.reject(error);
      await turnOfLoop();
      await turnOfLoop();
    },
  };
}

function performTraced(effect: DriverEffect, trace: string[]): ReplicaInput | undefined {
  if (effect.type === "signVote") {
    trace.push(`sign ${effect.ballot.view}`);
    return { type: "signedVote", vote: { ballot: effect.ballot, validator: ValidatorIndex.of(0), signature: new Uint8Array(96) } };
  }
  trace.push(effect.type === "certified" ? `effect ${effect.blockHash}` : effect.type);
  return undefined;
}

function nameOf(input: ReplicaInput): string {
  if (input.type === "requestFailed") return `${input.requestId}`;
  return input.type === "timer" ? `timer ${input.timer}` : input.type;
}

const numbered = (requestId: number): ReplicaInput => ({ type: "requestFailed", requestId });

t.test("R9: createDriver, a step with durable and a vote, signs only after the write is synced", async (t) => {
  const { driver, trace, finishSave } = bench((input) =>
    input.type === "start" ? { durable: recordOf(7), effects: [signOf(7), penalty("after")] } : { durable: undefined, effects: [] },
  );
  driver.start();
  await turnOfLoop();
  t.same(trace, ["step start", "save 7"], "nothing is performed while the write is in flight");
  await finishSave();
  t.same(trace, ["step start", "save 7", "synced", "sign 7", "effect after", "step signedVote"]);
});

t.test("createDriver: inputs of one turn, one write for all and effects in the order of the steps", async (t) => {
  const { driver, trace, finishSave, saved } = bench((input) =>
    input.type === "requestFailed"
      ? { durable: recordOf(input.requestId), effects: [penalty(`${input.requestId}`)] }
      : { durable: undefined, effects: [] },
  );
  driver.start();
  for (const id of [1, 2, 3]) driver.submit(numbered(id));
  await turnOfLoop();
  await finishSave();
  t.equal(saved.length, 1);
  t.same(trace, ["step start", "step 1", "step 2", "step 3", "save 1+2+3", "synced", "effect 1", "effect 2", "effect 3"]);
  t.equal(driver.statistics.saves, 1);
});

t.test("createDriver: a step without durable, performed at once before a waiting one and held behind it", async (t) => {
  const { driver, trace, finishSave } = bench((input) => {
    if (input.type !== "requestFailed") return { durable: undefined, effects: [] };
    return { durable: input.requestId === 2 ? recordOf(2) : undefined, effects: [penalty(`${input.requestId}`)] };
  });
  driver.start();
  for (const id of [1, 2, 3]) driver.submit(numbered(id));
  await turnOfLoop();
  t.same(trace, ["step start", "step 1", "effect 1", "step 2", "step 3", "save 2"]);
  await finishSave();
  t.same(trace.slice(-3), ["synced", "effect 2", "effect 3"]);
});

t.test("createDriver: inputs while a write is in flight, wait for it and run in the next round", async (t) => {
  const { driver, trace, finishSave } = bench((input) =>
    input.type === "requestFailed"
      ? { durable: recordOf(input.requestId), effects: [penalty(`${input.requestId}`)] }
      : { durable: undefined, effects: [] },
  );
  driver.start();
  driver.submit(numbered(1));
  await turnOfLoop();
  driver.submit(numbered(2));
  driver.submit(numbered(3));
  await turnOfLoop();
  t.notOk(trace.includes("step 2"));
  await finishSave();
  t.same(trace, ["step start", "step 1", "save 1", "synced", "effect 1", "step 2", "step 3", "save 2+3"]);
  await finishSave();
});

t.test("createDriver: a signed vote, is stepped before everything that waits", async (t) => {
  const { driver, trace, finishSave } = bench((input) =>
    input.type === "start" ? { durable: recordOf(1), effects: [signOf(1)] } : { durable: undefined, effects: [] },
  );
  driver.start();
  await turnOfLoop();
  driver.submit(numbered(9));
  await finishSave();
  t.same(trace.slice(-3), ["sign 1", "step signedVote", "step 9"]);
});

t.test("R9: createDriver, a write that fails, halts: no effect, no further step, exit code 2", async (t) => {
  const { driver, trace, halts, finishSave } = bench(() => ({ durable: recordOf(1), effects: [signOf(1)] }));
  driver.start();
  await turnOfLoop();
  await finishSave(new Error("no space left on device"));
  driver.submit(numbered(2));
  await turnOfLoop();
  t.same(trace, ["step start", "save 1"]);
  t.equal(halts.length, 1);
  t.ok(halts[0] instanceof NodeError);
  t.match((halts[0] as Error).message, /could not write: no space left.*nothing more is signed/);
  t.equal(exitCodeOf(halts[0]), 2);
  await driver.stop();
});

t.test("createDriver: an AssertionError in a step, halts the process as a crash", async (t) => {
  const { driver, halts, trace } = bench((input) => {
    if (input.type === "requestFailed") throw new AssertionError("a rule of ours is broken");
    return { durable: undefined, effects: [] };
  });
  driver.start();
  driver.submit(numbered(1));
  driver.submit(numbered(2));
  await turnOfLoop();
  await turnOfLoop();
  t.equal(halts.length, 1);
  t.equal(exitCodeOf(halts[0]), 127);
  t.notOk(trace.includes("step 2"));
});

t.test("failure 8: createDriver, an expiry that waits while its timer is set again, is not stepped", async (t) => {
  const { driver, trace, finishSave } = bench((input) => {
    if (input.type === "start") return { durable: undefined, effects: [{ type: "setTimer", timer: "view", afterMs: 1 }] };
    if (input.type === "requestFailed" && input.requestId === 1)
      return { durable: recordOf(1), effects: [{ type: "setTimer", timer: "view", afterMs: 60_000 }] };
    return { durable: undefined, effects: [] };
  });
  driver.start();
  await turnOfLoop();
  driver.submit(numbered(1));
  await turnOfLoop();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await finishSave();
  t.notOk(trace.includes("step timer view"), "the old expiry is void although it came first");
  await driver.stop();
});

t.test("createDriver: a timer that expires, is stepped once", async (t) => {
  const { driver, trace } = bench((input) =>
    input.type === "start"
      ? { durable: undefined, effects: [{ type: "setTimer", timer: "propose", afterMs: 1 }] }
      : { durable: undefined, effects: [] },
  );
  driver.start();
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.same(trace, ["step start", "step timer propose"]);
  await driver.stop();
});

t.test("createDriver: stop with a write in flight, performs its effects and steps nothing more", async (t) => {
  const { driver, trace, finishSave } = bench((input) =>
    input.type === "start" ? { durable: recordOf(1), effects: [signOf(1)] } : { durable: undefined, effects: [] },
  );
  driver.start();
  await turnOfLoop();
  const stopped = driver.stop();
  driver.submit(numbered(1));
  await finishSave();
  await stopped;
  t.same(trace, ["step start", "save 1", "synced", "sign 1"]);
});

t.test("R9: createDriver, any interleaving of inputs and writes, no effect precedes the sync of its own step", async (t) => {
  const action = fc.oneof(
    fc.record({ type: fc.constant("submit" as const), isDurable: fc.boolean(), signs: fc.boolean() }),
    fc.constant({ type: "finish" as const }),
    fc.constant({ type: "turn" as const }),
  );
  const details = await fc.check(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const plans: { isDurable: boolean; signs: boolean }[] = [];
      const { driver, trace, finishSave, savesWaiting, halts } = bench((input) => {
        const plan = input.type === "requestFailed" ? plans[input.requestId] : undefined;
        if (plan === undefined || input.type !== "requestFailed") return { durable: undefined, effects: [] };
        const id = input.requestId;
        return {
          durable: plan.isDurable ? recordOf(id) : undefined,
          effects: plan.signs ? [signOf(id), penalty(`${id}`)] : [penalty(`${id}`)],
        };
      });
      driver.start();
      for (const act of actions) {
        if (act.type === "submit") {
          driver.submit(numbered(plans.length));
          plans.push(act);
        } else if (act.type === "finish") await finishSave();
        else await turnOfLoop();
      }
      for (let left = 0; left < 60; left++) {
        await turnOfLoop();
        if (savesWaiting() > 0) await finishSave();
      }
      await driver.stop();
      const effects = trace.filter((line) => line.startsWith("effect ")).map((line) => Number(line.slice(7)));
      const inOrder = effects.every((id, index) => id === index) && effects.length === plans.length;
      return halts.length === 0 && inOrder && plans.every((plan, id) => !plan.isDurable || isSyncedBefore(trace, id));
    }),
    { numRuns: 60 },
  );
  t.equal(details.failed, false, fc.defaultReportMessage(details) ?? `${details.numRuns} runs from seed ${details.seed}`);
});

/** Does the sync of the write that holds record `id` stand before every effect and signature of step `id`? */
function isSyncedBefore(trace: readonly string[], id: number): boolean {
  const write = trace.findIndex((line) => line.startsWith("save ") && line.slice(5).split("+").includes(`${id}`));
  const synced = trace.indexOf("synced", write);
  const sign = trace.indexOf(`sign ${id}`);
  return write >= 0 && synced > write && trace.indexOf(`effect ${id}`) > synced && (sign < 0 || sign > synced);
}
