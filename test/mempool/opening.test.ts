/** The rules of the opening one by one, on a single machine that is handed everybody else's messages. */

import t from "tap";
import { createOpenings } from "../../mempool/opening.ts";
import type { OpeningEffect } from "../../mempool/opening_interface.ts";
import { AssertionError } from "../../types/assert.ts";
import { bytesEqual } from "../../types/bytes.ts";
import type { OpeningMessage } from "../../types/opening_message.ts";
import { fast, LIES, sharesOf, subsets } from "../crypto/sealing/support.ts";
import { createPrng } from "../support/prng.ts";
import {
  ask,
  askProofs,
  type Bench,
  benchOf,
  benchOfFour,
  blockHashOf,
  blockOf,
  brief,
  CONFIG,
  countingSuite,
  heldOfFour,
  index,
  itemOf,
  keysOf,
  lane,
  SELF,
  seeds,
} from "./opening_fixture.ts";

t.test("O1: before release, whatever peers send and whatever the time, no share and no proof leaves", async (t) => {
  for (const fewSealed of [0, 100]) {
    const of = heldOfFour(lane(6), { ...CONFIG, fewSealed });
    const effects: OpeningEffect[] = [];
    for (const from of [0, 2, 3]) {
      for (const message of [ask(of, [0, 1, 5]), askProofs(of, [1]), askProofs(of, [1, 2], true), of.shares(from, [1, 5])]) {
        effects.push(...of.receive(from, message));
      }
    }
    of.openings.finalize({ blockHash: of.block.blockHash, nowMs: 0 });
    effects.push(...of.openings.timer(100), ...of.openings.timer(10_000));
    t.notOk(brief(effects).some((each) => /shares|proofs/.test(each)));
    t.equal(of.counts.shareOf, 0);
  }
});

t.test("O1: release, shares are handed out for storing first and go to (view + k) mod n", async (t) => {
  const of = heldOfFour(lane(6));
  t.same(brief(of.release()), ["storeShares", "0<shares 0,4", "2<shares 2", "3<shares 3"]);
  t.same(of.release(), [], "again: nothing");
  t.equal(of.counts.shareOf, 6);
  t.same(of.openings.release({ blockHash: blockHashOf(9), secretShare: of.keys.secretShares[SELF] }), [], "unknown block: nothing");
});

/** Of these positions our shares come ready. */
function holdAhead(of: Bench, isAhead: (position: number) => boolean): void {
  const secretShare = of.keys.secretShares[SELF] as Uint8Array;
  const items = of.block.items.map((item, position) =>
    isAhead(position) ? { ...item, share: fast.suite.shareOf(secretShare, item.sealed) } : item,
  );
  of.openings.hold({ ...of.block, items });
}

t.test("O1: shares that were computed ahead, none leaves before release whatever peers send and whatever the time", async (t) => {
  for (const fewSealed of [0, 100]) {
    const of = benchOfFour(lane(6), { ...CONFIG, fewSealed });
    holdAhead(of, () => true);
    const effects: OpeningEffect[] = [];
    for (const message of [ask(of, [0, 1, 5]), askProofs(of, [1]), of.shares(0, [1, 5])]) effects.push(...of.receive(0, message));
    of.openings.finalize({ blockHash: of.block.blockHash, nowMs: 0 });
    effects.push(...of.openings.timer(100), ...of.openings.timer(10_000));
    t.notOk(brief(effects).some((each) => /shares|proofs|storeShares/i.test(each)));
    t.same(of.openings.release({ blockHash: of.block.blockHash, secretShare: undefined }), [], "nor without a share of the key");
  }
});

t.test("release: own shares that were computed ahead, not computed again, and what leaves is the same", async (t) => {
  const plain = heldOfFour(lane(6)).release();
  for (const isAhead of [() => true, (position: number) => position % 2 === 0]) {
    const of = benchOfFour(lane(6));
    holdAhead(of, isAhead);
    t.same(of.release(), plain);
    t.equal(of.counts.shareOf, [0, 1, 2, 3, 4, 5].filter((position) => !isAhead(position)).length);
  }
});

t.test("release: without a share of the key, nothing is sent and others' shares still open", async (t) => {
  const of = heldOfFour(lane(2));
  t.same(of.openings.release({ blockHash: of.block.blockHash, secretShare: undefined }), []);
  for (const from of [0, 2]) t.same(of.receive(from, of.shares(from, [1])), []);
  t.same(brief(of.receive(3, of.shares(3, [1]))), ["*<seeds 1"]);
  t.same(of.receive(0, askProofs(of, [0])), []);
});

t.test("release: when all is open already, no share is computed", async (t) => {
  const of = heldOfFour(lane(2));
  t.same(brief(of.receive(0, seeds(of, [0, 1]))), ["opened"]);
  t.same(of.release(), []);
  t.equal(of.counts.shareOf, 0);
});

t.test("few sealed: shares go to everybody at once, everybody combines, nobody tells seeds", async (t) => {
  const of = heldOfFour(lane(2), { ...CONFIG, fewSealed: 3 });
  t.same(brief(of.release()), ["storeShares", "*<shares 0,1"]);
  t.same(of.receive(0, of.shares(0, [0, 1])), []);
  t.same(brief(of.receive(2, of.shares(2, [0, 1]))), ["opened"]);
  t.same(of.receive(3, of.shares(3, [0, 1])), [], "the fourth is not needed");
  t.equal(of.counts.combine, 2);
  t.same(heldOfFour(lane(3), { ...CONFIG, fewSealed: 3 }).release().length, 3, "at the number itself: openers");
});

t.test("opener: combines once at the threshold, and tells all positions of the step in one message", async (t) => {
  const of = heldOfFour(lane(10));
  of.release();
  t.same(of.receive(0, of.shares(0, [1, 5, 9])), []);
  t.same(of.receive(0, of.shares(0, [1, 5, 9])), [], "a repeated share counts once");
  t.equal(of.counts.combine, 0, "two of three");
  t.same(brief(of.receive(2, of.shares(2, [1, 5, 9]))), ["*<seeds 1,5,9"]);
  t.same(of.receive(3, of.shares(3, [1, 5, 9])), []);
  t.match(of.counts, { combine: 3, isSeedOf: 3, verifyShares: 0, proveShares: 0 });
});

t.test("O5: no faults, per node one share and one seed check for each sealed transaction and 1/n combinations", async (t) => {
  const of = benchOfFour(lane(20));
  const nodes = Array.from({ length: 4 }, (_, self) => {
    const counted = countingSuite(fast.suite);
    return { ...counted, openings: createOpenings({ suite: counted.suite, self: index(self), validatorCount: 4, config: CONFIG }) };
  });
  const queue: [number, number, OpeningMessage][] = [];
  let messages = 0;
  const perform = (self: number, effects: readonly OpeningEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === "send") queue.push([self, effect.to, effect.message]);
      if (effect.type === "broadcast") for (let to = 0; to < 4; to++) if (to !== self) queue.push([self, to, effect.message]);
    }
  };
  for (const [self, { openings }] of nodes.entries()) {
    openings.hold(of.block);
    perform(self, openings.release({ blockHash: of.block.blockHash, secretShare: of.keys.secretShares[self] }));
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [from, to, message] = next;
    messages++;
    perform(to, nodes[to]?.openings.receive({ from: index(from), message, nowMs: 0 }) ?? []);
  }
  for (const { counts, openings } of nodes) {
    t.same(counts, { shareOf: 20, combine: 5, isSeedOf: 20, proveShares: 0, verifyShares: 0 });
    t.equal(openings.resultsOf(of.block.blockHash)?.filter(({ ok }) => ok).length, 20);
  }
  t.equal(messages, 4 * 3 * 2, "one message of shares and one of seeds on each link");
});

t.test("O2: any threshold shares open alike, honest or forged; one fewer never gives an opening", async (t) => {
  for (const validatorCount of [4, 7]) {
    const keys = keysOf(fast, validatorCount);
    const { key, secretShares } = keys;
    for (const kind of ["honest", ...LIES] as const) {
      const item = itemOf(fast, { key, kind, prng: createPrng(3) });
      const shares = sharesOf(fast.suite, { ...key, secretShares }, item.sealed);
      const outcomes = new Set<string>();
      for (const subset of subsets(shares, key.threshold)) {
        const node = createOpenings({ suite: fast.suite, self: undefined, validatorCount, config: { ...CONFIG, fewSealed: 9 } });
        const block = blockOf({ items: [item], key });
        node.hold(block);
        const { blockHash } = block;
        for (const [at, { validator, share }] of subset.entries()) {
          if (at === key.threshold - 1) t.equal(node.openingsOf(blockHash), undefined);
          node.receive({ from: validator, message: { type: "shares", blockHash, shares: [{ position: 0, share }] }, nowMs: 0 });
        }
        for (const { validator, share } of subset) {
          const secretShare = secretShares[validator] as Uint8Array;
          const proof = fast.suite.proveShares({ secretShare, sealed: [item.sealed] });
          const batches = [{ shares: [{ position: 0, share }], proof }];
          node.receive({ from: validator, message: { type: "proofs", blockHash, batches }, nowMs: 0 });
        }
        outcomes.add(JSON.stringify(node.resultsOf(blockHash)));
      }
      t.same([...outcomes], [JSON.stringify([item.expected])], `${kind}, n = ${validatorCount}`);
    }
  }
});

t.test("seeds: checked once; a wrong one is blamed and its sender no longer listened to", async (t) => {
  const of = heldOfFour(lane(6));
  t.same(of.receive(0, seeds(of, [0, 4])), []);
  t.same(of.receive(2, seeds(of, [0, 4])), []);
  t.equal(of.counts.isSeedOf, 2);
  const wrong = (position: number): OpeningMessage => ({
    type: "seeds",
    blockHash: of.block.blockHash,
    openings: [{ position, opening: { type: "seed", seed: new Uint8Array(32) } }],
  });
  t.same(brief(of.receive(2, wrong(2))), ["invalidSeed:2"]);
  t.same(of.receive(2, seeds(of, [2])), []);
  for (const position of [0, 3]) t.same(of.receive(2, wrong(position)), [], "blamed once for a block");
  t.equal(of.counts.isSeedOf, 3);
  t.same(brief(of.receive(3, wrong(0))), ["invalidSeed:3"], "known to be wrong without a check");
  t.equal(of.counts.isSeedOf, 3);
});

t.test("opened: when the last position opens, once; results and openings in lane order", async (t) => {
  const of = heldOfFour(["honest", "wrongBody", "honest"]);
  t.same(of.receive(0, seeds(of, [0, 2])), []);
  t.equal(of.openings.openingsOf(of.block.blockHash), undefined);
  t.equal(of.openings.resultsOf(of.block.blockHash), undefined);
  t.same(brief(of.receive(0, seeds(of, [1]))), ["opened"]);
  t.same(of.receive(3, seeds(of, [0, 1, 2])), []);
  t.same(
    of.openings.resultsOf(of.block.blockHash)?.map((result) => (result.ok ? "ok" : result.reason)),
    ["ok", "badBody", "ok"],
  );
});

t.test("hold: a block that opens nothing, opened at once", async (t) => {
  const of = benchOfFour([]);
  t.same(brief(of.openings.hold(of.block).effects), ["opened"]);
  t.same(of.openings.openingsOf(of.block.blockHash), []);
  t.same(brief(of.receive(0, ask(of, [0]))), ["wrongPosition:0"]);
  t.same(of.release(), []);
});

t.test("positions: beyond what the block executes, no share is made and whoever names one is blamed", async (t) => {
  const of = benchOfFour(lane(6));
  of.openings.hold({ ...of.block, items: of.block.items.slice(0, 3) });
  t.same(brief(of.release()), ["storeShares", "0<shares 0", "2<shares 2"]);
  t.equal(of.counts.shareOf, 3);
  for (const message of [of.shares(2, [1, 3]), seeds(of, [0, 3]), ask(of, [3]), askProofs(of, [3])]) {
    t.same(brief(of.receive(2, message)), ["wrongPosition:2"]);
  }
  t.equal(of.openings.status()[0]?.openedCount, 0);
});

t.test("fall-back: openMs after final, shares for what is missing to everybody, asking, combining; repeated ever less often", async (t) => {
  const of = heldOfFour(lane(4));
  of.release();
  const { openings, block } = of;
  of.receive(2, seeds(of, [2, 3]));
  for (const from of [0, 2]) t.same(of.receive(from, of.shares(from, [0])), [], "held, not combined: the opener's work");
  t.equal(openings.dueMs, undefined);
  t.same(openings.finalize({ blockHash: block.blockHash, nowMs: 1_000 }), []);
  t.same(openings.finalize({ blockHash: block.blockHash, nowMs: 5_000 }), [], "again: nothing");
  t.equal(openings.dueMs, 1_100);
  t.same(openings.timer(1_099), []);
  t.same(brief(openings.timer(1_100)), ["*<shares 0,1", "*<ask 0,1"]);
  const [first] = openings.status();
  t.equal(first?.openedCount, 3, "position 0 was combined");
  const due: number[] = [];
  for (let round = 0; round < 7; round++) {
    const dueMs = openings.dueMs as number;
    due.push(dueMs);
    t.same(brief(openings.timer(dueMs)), ["*<shares 1", "*<ask 1"]);
  }
  t.same(due, [1_200, 1_400, 1_800, 2_600, 4_200, 5_800, 7_400]);
  of.receive(3, of.shares(3, [1]));
  t.same(brief(of.receive(0, of.shares(0, [1]))), ["opened", "*<seeds 1"], "an opener tells also now");
  t.equal(openings.dueMs, undefined);
  t.same(openings.timer(90_000), []);
});

t.test("release in the fall-back: shares go to everybody", async (t) => {
  const of = heldOfFour(lane(4));
  of.openings.finalize({ blockHash: of.block.blockHash, nowMs: 0 });
  t.same(brief(of.openings.timer(100)), ["*<ask 0,1,2,3"]);
  t.same(brief(of.release()), ["storeShares", "*<shares 0,1,2,3"]);
});

t.test("createOpenings: what the driver must not do, assertions", async (t) => {
  const given = { suite: fast.suite, self: index(0), validatorCount: 4, config: CONFIG };
  t.throws(() => createOpenings({ ...given, self: index(4) }), AssertionError);
  t.throws(() => createOpenings({ ...given, config: { ...CONFIG, openMs: 0 } }), AssertionError);
  t.throws(() => createOpenings({ ...given, config: { ...CONFIG, fewSealed: -1 } }), AssertionError);
  const of = heldOfFour(lane(1));
  t.throws(() => of.receive(SELF, of.shares(SELF, [0])), AssertionError);
  t.throws(() => of.receive(4, of.shares(0, [0])), AssertionError);
});

t.test("one validator: opens by itself", async (t) => {
  const of = benchOf(fast, { validatorCount: 1, self: 0, kinds: ["honest", "wrongHidden"], prng: createPrng(1) });
  of.openings.hold(of.block);
  const effects = brief(of.release());
  t.ok(effects.includes("opened"), effects.join(" "));
  const results = of.openings.resultsOf(of.block.blockHash);
  t.same(
    results?.map(({ ok }) => ok),
    [true, false],
  );
  t.ok(results?.[0]?.ok === true && bytesEqual(results[0].message, results[0].message));
});
