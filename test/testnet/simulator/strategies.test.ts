/** Each Byzantine strategy alone in a cluster of four: it acts, it leaves the trace that its rule promises, and the honest stay safe and
 *  alive. What a traitor sends is kept apart from what is shared, and is the same in every run. */

import t, { type Test } from "tap";
import { OPEN_STRATEGIES, STRATEGIES } from "../../../testnet/scenario/manifest.ts";
import type { WireMessage } from "../../../testnet/simulator/facts.ts";
import { STRATEGY_FACTORIES } from "../../../testnet/simulator/strategies/registry.ts";
import { bytesEqual, concatBytes } from "../../../types/bytes.ts";
import { decodeMessage, encodeMessage, type Message } from "../../../types/message.ts";
import { syncRequestCodec, syncResponseCodec } from "../../../types/sync.ts";
import { accusedHonest, brokenHeights, runShortly, type ShortRun, traitor } from "./strategies_support.ts";

type OpenStrategyName = (typeof OPEN_STRATEGIES)[number];

const TRAITOR = 3;

/** What a run shows when the strategy met the rule that withstands it. `deeds`: begin of a note. */
const EXPECTED: Readonly<Record<OpenStrategyName, { readonly deeds: readonly string[]; readonly trace: (run: ShortRun) => boolean }>> = {
  equivocatingLeader: { deeds: ["proposes 2 blocks", "signs vote("], trace: (run) => accusations(run) > 0 },
  doubleVote: { deeds: ["signs vote next to vote", "signs timeout next to commit", "signs commit("], trace: (run) => accusations(run) > 0 },
  amnesia: { deeds: ["forgets", "signs a vote of a past view afresh"], trace: (run) => accusations(run) > 0 },
  voteWithholding: { deeds: ["withholds its vote", "withholds its commit"], trace: (run) => penalties(run) === 0 },
  silentLeader: { deeds: ["proposes nothing"], trace: (run) => lostViews(run) > 0 },
  revokedBlock: { deeds: ["times out its own block"], trace: (run) => accusations(run) > 0 },
  staleCertificates: {
    deeds: ["repeats", "forwards a certificate", "builds on view"],
    trace: (run) => penalties(run, "invalidProposal") > 0,
  },
  invalidCertificates: { deeds: ["sends", "makes up", "justifies"], trace: (run) => penalties(run, "invalidCertificate") > 0 },
  wrongStateRoot: { deeds: ["proposes a"], trace: (run) => penalties(run, "invalidBlock") + penalties(run, "invalidProposal") > 0 },
  selectiveSending: { deeds: ["keeps its vote", "keeps its proposal", "keeps its certificate"], trace: (run) => penalties(run) === 0 },
  futureViewFlood: { deeds: ["floods"], trace: (run) => penalties(run, "invalidCertificate") > 0 },
  malformedMessages: { deeds: ["sends", "spoils the frame"], trace: (run) => penalties(run, "malformedMessage") > 0 },
  mutatedMessages: { deeds: ["changes its", "passes on"], trace: (run) => penalties(run, "invalidSignature") > 0 },
  syncLies: { deeds: ["sends", "claims a false status", "answers"], trace: (run) => run.of("sent").some(isLyingAnswer) },
  delayedReplay: { deeds: ["sends its", "replays"], trace: (run) => penalties(run, "invalidSignature") === 0 },
  forgedVotes: { deeds: ["forges"], trace: (run) => penalties(run, "invalidSignature") > 0 && accusations(run) === 0 },
  poisonedProposal: { deeds: ["spoils what everybody holds"], trace: (run) => !blamesAmongHonest(run) },
  skippedCertificate: { deeds: ["skips the certified view"], trace: (run) => penalties(run, "invalidProposal") > 0 },
  uncertifiedParent: { deeds: ["keeps its vote of view"], trace: (run) => penalties(run) === 0 },
  outOfTurn: { deeds: ["proposes in the view of leader"], trace: (run) => penalties(run, "invalidProposal") > 0 },
  earlyTimeout: { deeds: ["times out in the view of leader"], trace: (run) => penalties(run) === 0 && accusations(run) === 0 },
  relayedForgeries: {
    deeds: ["passes on a timeout of leader", "passes on votes"],
    trace: (run) => penalties(run, "invalidSignature") > 0 && accusations(run) === 0,
  },
  nearlyTrueAnswers: { deeds: ["claims a great height"], trace: (run) => run.of("sent").some(isQuestionToTraitor) },
  returnedProposals: {
    deeds: ["sends the proposal of view", "sends all proposals that it holds back"],
    trace: (run) => run.of("sent").some(isReturnedProposal) && penalties(run) === 0 && accusations(run) === 0,
  },
  splitBrain: { deeds: ["proposes one block to each half", "signs vote("], trace: (run) => run.of("signedProposal").length > 0 },
};

t.test("STRATEGY_FACTORIES: every strategy of the manifest is there, each call makes a new one", async (t) => {
  t.same(Object.keys(STRATEGY_FACTORIES).sort(), [...STRATEGIES].sort());
  for (const name of STRATEGIES) {
    t.ok(Object.keys(STRATEGY_FACTORIES[name]()).length > 0, `${name} has a hook`);
    t.not(STRATEGY_FACTORIES[name](), STRATEGY_FACTORIES[name]());
  }
});

for (const [index, name] of OPEN_STRATEGIES.entries()) {
  t.test(`${name}: one of four acts, leaves its trace, and the others stay safe and alive`, async (t) => {
    const run = runShortly({ seed: 100 + index, byzantine: [traitor(TRAITOR, name)], forMs: 2_500 });
    const { deeds, trace } = EXPECTED[name];
    for (const deed of deeds)
      t.ok(
        run.betrayals.some(({ what }) => what.startsWith(deed)),
        `${name}: ${deed}`,
      );
    t.ok(run.betrayals.every(({ strategy, validator }) => strategy === name && validator === TRAITOR));
    t.ok(trace(run), `${name}: the trace that its rule promises`);
    assertSafe(t, run);
    t.ok(run.height >= 20, `height ${run.height}`);
  });
}

t.test("acts: a strategy that never acts leaves the same chain as no strategy", async (t) => {
  const chainOf = ({ finalHashes }: ShortRun): readonly string[] => [...finalHashes.values()].flatMap((hashes) => [...hashes]);
  const honest = runShortly({ seed: 7, byzantine: [], forMs: 600 });
  for (const name of OPEN_STRATEGIES) {
    const run = runShortly({ seed: 7, byzantine: [traitor(TRAITOR, name, 0)], forMs: 600 });
    t.same(run.betrayals, [], name);
    t.same(chainOf(run), chainOf(honest), name);
  }
});

t.test("acts: a listed view is acted in whatever the chance, and no other", async (t) => {
  const byzantine = [{ ...traitor(0, "silentLeader", 0), views: [4] }];
  const run = runShortly({ seed: 8, byzantine, forMs: 1_500 });
  t.same(
    run.betrayals.map(({ view }) => view),
    [4],
  );
});

t.test("messages: shared ones are never changed, and all but raw frames pass the codecs", async (t) => {
  for (const [index, name] of OPEN_STRATEGIES.entries()) {
    const encodings = new Map<WireMessage, Uint8Array>();
    let wrong = 0;
    const run = runShortly({
      seed: 300 + index,
      byzantine: [traitor(TRAITOR, name)],
      forMs: 600,
      observer: (fact) => {
        if (fact.type === "sent" && !encodings.has(fact.message)) encodings.set(fact.message, encoded(fact.message));
      },
    });
    for (const [message, bytes] of encodings) {
      if (!bytesEqual(encoded(message), bytes) || !decodes(message, bytes)) wrong++;
    }
    t.equal(wrong, 0, name);
    t.ok(run.betrayals.length > 0, name);
  }
});

t.test("strategies: the same seed gives the same deeds, another seed gives others", async (t) => {
  for (const name of ["doubleVote", "mutatedMessages", "syncLies", "forgedVotes"] as const) {
    const deedsOf = (seed: number): readonly string[] =>
      runShortly({ seed, byzantine: [traitor(TRAITOR, name)], forMs: 400 }).betrayals.map(({ atUs, what }) => `${atUs} ${what}`);
    t.same(deedsOf(5), deedsOf(5), name);
    t.notSame(deedsOf(5), deedsOf(6), name);
  }
});

t.test("R9: amnesia signs again after restarts, and the honest stay safe", async (t) => {
  for (let seed = 1; seed <= 3; seed++) {
    const crash = { type: "crash", validator: TRAITOR, unsynced: "lost" } as const;
    const faults = [700, 1_500, 2_200].map((atMs) => ({ when: { on: "time", atMs } as const, action: crash, forMs: 100 + 20 * seed }));
    const run = runShortly({ seed, byzantine: [traitor(TRAITOR, "amnesia")], forMs: 3_500, faults });
    t.ok(run.of("started").filter(({ validator }) => validator === TRAITOR).length >= 3, `seed ${seed}: it lives on after its crashes`);
    t.same(run.of("halted"), []);
    assertSafe(t, run);
    t.ok(run.height >= 20);
  }
});

t.test("R3, R5: with two of seven traitors of any two strategies the honest stay safe and alive", async (t) => {
  for (const [index, name] of OPEN_STRATEGIES.entries()) {
    const second = OPEN_STRATEGIES[(index + 5) % OPEN_STRATEGIES.length] as OpenStrategyName;
    const byzantine = [traitor(2, name), traitor(5, second)];
    const run = runShortly({ seed: 500 + index, byzantine, weights: [1, 1, 1, 1, 1, 1, 1], forMs: 1_000 });
    assertSafe(t, run);
    t.ok(run.height >= 3, `${name} and ${second}: height ${run.height}`);
  }
});

function assertSafe(t: Test, run: ShortRun): void {
  const { honest } = run.world.checked;
  t.same(brokenHeights(run), [], "no height with two final blocks");
  t.same(accusedHonest(run), [], "no honest validator is accused");
  t.same(
    run.of("halted").filter(({ validator }) => honest.has(validator)),
    [],
    "no honest validator halts",
  );
  t.same(run.of("diverged"), []);
}

function accusations(run: ShortRun): number {
  return run.of("evidence").filter(({ validator }) => validator !== TRAITOR).length;
}

function penalties(run: ShortRun, reason?: string): number {
  return run.of("penalized").filter((fact) => fact.validator !== TRAITOR && (reason === undefined || fact.reason === reason)).length;
}

/** Has an honest validator blamed another, as sender or as relay? */
function blamesAmongHonest({ of, world }: ShortRun): boolean {
  const { honest } = world.checked;
  const peers = new Set([...honest].map((index) => `v${index}`));
  return of("penalized").some(({ validator, sender }) => honest.has(validator) && sender.type !== "self" && peers.has(sender.peer));
}

function lostViews(run: ShortRun): number {
  return run.of("enteredView").filter(({ by, validator }) => by === "TC" && validator !== TRAITOR).length;
}

function isLyingAnswer({ from, message }: { readonly from: number; readonly message: WireMessage }): boolean {
  return from === TRAITOR && message.type === "response";
}

function isQuestionToTraitor({ to, message }: { readonly to: number; readonly message: WireMessage }): boolean {
  return to === TRAITOR && message.type === "request" && message.request.type === "finalBlocks";
}

function isReturnedProposal(sent: { readonly from: number; readonly to: number; readonly message: WireMessage }): boolean {
  const { from, to, message } = sent;
  return from === TRAITOR && message.type === "proposal" && message.proposal.header.proposer === to;
}

function encoded(message: WireMessage): Uint8Array {
  switch (message.type) {
    case "bytes":
      return message.frame;
    case "status":
      return syncResponseCodec.encode({ type: "status", status: message.status });
    case "request":
      return syncRequestCodec.encode(message.request);
    case "response":
      return concatBytes([Uint8Array.of(message.requestId & 0xff), syncResponseCodec.encode(message.response)]);
    default:
      return encodeMessage(message satisfies Message);
  }
}

function decodes(message: WireMessage, bytes: Uint8Array): boolean {
  switch (message.type) {
    case "bytes":
      return true;
    case "status":
      return syncResponseCodec.decode(bytes).ok;
    case "request":
      return syncRequestCodec.decode(bytes).ok;
    case "response":
      return syncResponseCodec.decode(bytes.subarray(1)).ok;
    default:
      return decodeMessage(bytes).ok;
  }
}
