/** B9 and the bounds of the auction, each by itself, and both under random use against plain lists. */

import fc from "fast-check";
import t from "tap";
import { AUCTION_LIMITS, type Auction, type AuctionLimits, bytesInMemory, createAuction } from "../../builder/auction.ts";
import { bidHashOf } from "../../crypto/hashes.ts";
import { AssertionError } from "../../types/assert.ts";
import type { OfferedBid } from "../../types/bid.ts";
import { type BlockHash, Height, View } from "../../types/ids.ts";
import { holds } from "../support/property.ts";
import { type BidShape, named, offered } from "./builder_world.ts";

const small = (change: Partial<AuctionLimits> = {}): Auction => createAuction({ ...AUCTION_LIMITS, ...change });

interface Ask {
  readonly height?: number;
  readonly parent?: string;
  readonly view?: number;
  readonly isUsable?: (offered: OfferedBid) => boolean;
}

function best(auction: Auction, { height = 1, parent = "parent", view = 1, isUsable = () => true }: Ask = {}): OfferedBid | undefined {
  return auction.best({ height: Height.of(height), parentHash: named<BlockHash>(parent), view: View.of(view), isUsable });
}

const offer = (auction: Auction, shape: BidShape): string => auction.offer(offered(shape));

t.test("B9: best: the highest value, then the smaller hash, whatever came first", async (t) => {
  const auction = small();
  const tied = ["b", "c", "d"].map((builder) => offered({ builder, value: 20 }));
  t.equal(offer(auction, { builder: "a", value: 10 }), "kept");
  for (const each of tied) t.equal(auction.offer(each), "kept");
  const hashes = tied.map(({ bid }) => bidHashOf(bid)).sort();
  t.equal(bidHashOf(best(auction)?.bid), hashes[0]);
  const asked: bigint[] = [];
  const last = best(auction, {
    isUsable: ({ bid }) => {
      asked.push(bid.value);
      return bid.value === 10n;
    },
  });
  t.equal(last?.bid.value, 10n, "one that cannot be used gives way to the next");
  t.same(asked, [20n, 20n, 20n, 10n]);
  t.equal(best(auction, { isUsable: () => false }), undefined);
});

t.test("B9: offer: the highest sequence counts, also with a lower value; of equal ones the first stays", async (t) => {
  const auction = small();
  t.equal(offer(auction, { sequence: 5, value: 50 }), "kept");
  t.equal(offer(auction, { sequence: 4, value: 90 }), "superseded");
  t.equal(offer(auction, { sequence: 5, value: 50 }), "duplicate");
  t.equal(offer(auction, { sequence: 5, value: 60 }), "equalSequence");
  t.equal(best(auction)?.bid.value, 50n);
  t.equal(offer(auction, { sequence: 6, value: 40 }), "kept");
  t.equal(best(auction)?.bid.value, 40n);
  t.equal(auction.count, 1);
  t.equal(offer(auction, { sequence: 7, value: 0 }), "kept", "a value of 0 takes the bid back");
  t.equal(best(auction), undefined);
});

t.test("B9: best: only for this height and parent, and not after the expiry view", async (t) => {
  const auction = small();
  offer(auction, { expiryView: 4 });
  t.ok(best(auction, { view: 4 }));
  t.equal(best(auction, { view: 5 }), undefined);
  t.equal(best(auction, { height: 2 }), undefined);
  t.equal(best(auction, { parent: "other" }), undefined);
});

t.test("advance: forgets what is final, refuses what is below or too far, and never goes back", async (t) => {
  const auction = small({ heightsMax: 3 });
  for (const height of [1, 2, 3]) t.equal(offer(auction, { height }), "kept");
  t.equal(offer(auction, { height: 4 }), "tooFar");
  auction.advance({ height: Height.of(2) });
  t.equal(auction.count, 1);
  t.equal(auction.bytes, bytesInMemory(offered({ height: 3 })));
  t.equal(offer(auction, { height: 2, sequence: 9 }), "stale");
  t.equal(auction.refusalOf(offered({ height: 2, sequence: 9 })), "stale");
  auction.advance({ height: Height.of(1) });
  t.equal(offer(auction, { height: 2, sequence: 9 }), "stale");
  t.ok(best(auction, { height: 3 }));
});

t.test("noteTry: a builder has so many tries at a height, whatever the parents; refusalOf says so before any check", async (t) => {
  const auction = small({ triesMax: 3 });
  for (let sequence = 1; sequence <= 3; sequence++) {
    const each = offered({ sequence, parent: `parent ${sequence % 2}` });
    t.equal(auction.refusalOf(each), undefined);
    auction.noteTry(each.bid);
    t.equal(auction.offer(each), "kept", "the last try is taken too");
  }
  t.equal(auction.refusalOf(offered({ sequence: 4 })), "tooManyTries");
  t.equal(auction.refusalOf(offered({ sequence: 4, height: 2 })), undefined, "the next height counts anew");
  t.equal(auction.refusalOf(offered({ sequence: 4, builder: "other" })), undefined);
});

t.test("noteTry: remembers nothing of heights that no bid is kept for", async (t) => {
  const auction = small({ triesMax: 1, heightsMax: 3 });
  auction.noteTry(offered({ height: 5 }).bid);
  auction.advance({ height: Height.of(4) });
  t.equal(auction.refusalOf(offered({ height: 5 })), undefined);
});

t.test("refusalOf: asks nothing of bids that are known or beaten by number, and changes nothing", async (t) => {
  const auction = small();
  offer(auction, { sequence: 5 });
  t.equal(auction.refusalOf(offered({ sequence: 5 })), "duplicate");
  t.equal(auction.refusalOf(offered({ sequence: 5, variant: 1 })), "equalSequence");
  t.equal(auction.refusalOf(offered({ sequence: 4 })), "superseded");
  t.equal(auction.refusalOf(offered({ sequence: 6 })), undefined);
  t.equal(auction.refusalOf(offered({ height: 99 })), "tooFar");
  t.equal(auction.count, 1);
});

t.test("offer: a builder's bids are kept for so many parents of one height; the lowest number gives way", async (t) => {
  const auction = small({ parentsMax: 2 });
  offer(auction, { parent: "a", sequence: 2 });
  offer(auction, { parent: "b", sequence: 3 });
  t.equal(offer(auction, { parent: "c", sequence: 1 }), "superseded");
  t.equal(offer(auction, { parent: "c", sequence: 4 }), "kept");
  t.equal(best(auction, { parent: "a" }), undefined);
  t.ok(best(auction, { parent: "b" }));
  t.equal(auction.count, 2);
});

t.test("offer: so many builders at one height", async (t) => {
  const auction = small({ buildersMax: 2 });
  for (const builder of ["a", "b"]) t.equal(offer(auction, { builder }), "kept");
  t.equal(auction.refusalOf(offered({ builder: "c" })), "tooManyBuilders");
  t.equal(offer(auction, { builder: "c" }), "tooManyBuilders");
  auction.noteTry(offered({ builder: "c" }).bid);
  t.equal(offer(auction, { builder: "a", sequence: 2 }), "kept", "those that are known go on");
  t.equal(offer(auction, { builder: "c", height: 2 }), "kept");
});

t.test("offer to a full auction: the lowest value gives way to a higher one, by count and by bytes", async (t) => {
  const auction = small({ bidsMax: 2 });
  offer(auction, { builder: "a", value: 10 });
  offer(auction, { builder: "b", value: 20 });
  t.equal(auction.refusalOf(offered({ builder: "c", value: 5 })), "full");
  t.equal(offer(auction, { builder: "c", value: 5 }), "full");
  t.equal(offer(auction, { builder: "d", value: 15 }), "kept");
  t.equal(best(auction, { isUsable: ({ bid }) => bid.value < 15n }), undefined, "10 is gone");
  t.equal(offer(auction, { builder: "a", value: 10 }), "duplicate", "and does not come back under its number");

  const light = small({ bytesMax: 3 * bytesInMemory(offered()) });
  for (const builder of ["a", "b", "c"]) offer(light, { builder, value: 10 });
  t.equal(offer(light, { builder: "d", value: 11, bundleBytes: 1_024 }), "kept");
  t.equal(light.count, 2, "two light ones made room for a heavy one");
  t.equal(offer(light, { builder: "e", value: 12, bundleBytes: 3 * 1_024 }), "full");
});

t.test("offer: a bid that finds no room takes its predecessor back all the same", async (t) => {
  const auction = small({ bytesMax: 2 * bytesInMemory(offered()) });
  offer(auction, { builder: "a", value: 10 });
  offer(auction, { builder: "b", value: 20 });
  t.equal(offer(auction, { builder: "a", sequence: 2, value: 15, bundleBytes: 2_048 }), "full");
  t.same([auction.count, best(auction, { isUsable: ({ bid }) => bid.value <= 15n })], [1, undefined]);
});

t.test(
  "offer to a full auction: a bid on a parent that is not held gives way first, then one of a later height, then a lower value",
  async (t) => {
    const isParentHeld = ({ parentHash }: { readonly parentHash: BlockHash }): boolean => parentHash === named("parent");
    const auction = small({ bidsMax: 3 });
    const give = (shape: BidShape): string => {
      const each = offered(shape);
      const foretold = auction.refusalOf(each, isParentHeld);
      const result = auction.offer(each, isParentHeld);
      t.equal(result, foretold ?? "kept");
      return result;
    };
    for (const builder of ["a", "b"]) t.equal(give({ builder, parent: "nowhere", value: 99 }), "kept");
    t.equal(give({ builder: "c", height: 3, value: 50 }), "kept");
    t.equal(give({ builder: "d", parent: "elsewhere", value: 98 }), "full", "unheld against unheld, value decides");
    t.equal(give({ builder: "d", height: 2, value: 1 }), "kept", "a lower value on a held parent");
    t.equal(give({ builder: "e", height: 2, value: 1 }), "kept");
    t.equal(best(auction, { parent: "nowhere" }), undefined, "both are gone before the later height");
    t.equal(give({ builder: "f", value: 1 }), "kept", "a lower value for the next height");
    t.equal(best(auction, { height: 3 }), undefined);
    t.equal(give({ builder: "g", parent: "nowhere", value: 99 }), "full");
    t.equal(give({ builder: "g", height: 2, value: 1 }), "full", "whoever is here stays against an equal");
    t.equal(give({ builder: "g", value: 1 }), "kept");
    t.equal(auction.count, 3);
  },
);

t.test("AUCTION_LIMITS: bids of two builders on parents that nobody knows keep no bid out that can be used", async (t) => {
  const auction = createAuction();
  const isParentHeld = ({ parentHash }: { readonly parentHash: BlockHash }): boolean => parentHash === named("parent");
  let kept = 0;
  const flood = (builder: string): void => {
    for (let height = 1; height <= 16; height++) {
      for (const parent of ["nowhere", "elsewhere"]) {
        const result = auction.offer(offered({ builder, height, parent, value: 1_000, bundleBytes: 65_712 }), isParentHeld);
        kept += result === "kept" ? 1 : 0;
      }
    }
  };
  for (const builder of ["x", "y"]) flood(builder);
  t.equal(kept, 2 * 3 * 2);
  for (let builder = 0; builder < 100; builder++) flood(`crowd ${builder}`);
  t.equal(auction.refusalOf(offered({ value: 2 }), isParentHeld), undefined);
  t.equal(auction.offer(offered({ value: 2 }), isParentHeld), "kept");
  for (let builder = 100; builder < 120; builder++) flood(`crowd ${builder}`);
  t.equal(best(auction)?.bid.value, 2n);
});

t.test("refusalOf: nothing is hashed before a signature was checked, neither for a place nor for room", async (t) => {
  const auction = small({ bidsMax: 1 });
  offer(auction, { builder: "a", sequence: 5 });
  const unreadable = (shape: BidShape): OfferedBid => {
    const { bid, tailHashes } = offered(shape);
    const guarded = Object.defineProperty({ ...bid }, "tailRoot", {
      get: () => {
        throw new Error("hashed");
      },
    });
    return { bid: guarded, tailHashes };
  };
  t.throws(() => bidHashOf(unreadable({ builder: "b" }).bid), /hashed/);
  t.equal(auction.refusalOf(unreadable({ builder: "b" })), "full");
  t.equal(auction.refusalOf(unreadable({ builder: "a", sequence: 5 })), "duplicate");
  t.equal(auction.refusalOf(unreadable({ builder: "a", sequence: 5, variant: 2 })), "equalSequence");
});

t.test("createAuction: a limit of zero is our own error", async (t) => {
  t.throws(() => small({ bidsMax: 0 }), AssertionError);
});

const arbitraryShape: fc.Arbitrary<BidShape> = fc.record({
  builder: fc.constantFrom("a", "b", "c", "d"),
  height: fc.integer({ min: 1, max: 3 }),
  parent: fc.constantFrom("p", "q"),
  sequence: fc.integer({ min: 1, max: 50 }),
  value: fc.integer({ min: 0, max: 5 }),
  expiryView: fc.integer({ min: 1, max: 3 }),
});

/** Only one content for each number: which of two comes first matters by rule. */
const keyOf = ({ builder, height, parent, sequence }: BidShape): string => [builder, height, parent, sequence].join("/");
const arbitraryBids = fc.uniqueArray(arbitraryShape, { selector: keyOf, maxLength: 30 });

/** B9 over a plain list. */
function bestOf(shapes: readonly BidShape[], ask: Required<Pick<Ask, "height" | "parent" | "view">>): string | undefined {
  const latest = new Map<string, BidShape>();
  for (const shape of shapes) {
    const isHere = shape.height === ask.height && shape.parent === ask.parent;
    const known = latest.get(shape.builder ?? "");
    if (isHere && (known?.sequence ?? 0) < (shape.sequence ?? 0)) latest.set(shape.builder ?? "", shape);
  }
  const usable = [...latest.values()].filter(({ value = 0, expiryView = 0 }) => value >= 1 && expiryView >= ask.view);
  const ranked = usable.map((shape) => ({ value: shape.value ?? 0, hash: bidHashOf(offered(shape).bid) as string }));
  ranked.sort((left, right) => right.value - left.value || (left.hash < right.hash ? -1 : 1));
  return ranked[0]?.hash;
}

t.test("B9: best under random bids: as over a plain list, in any order of arrival", async (t) => {
  const property = fc.property(
    arbitraryBids.chain((shapes) => fc.tuple(fc.constant(shapes), fc.shuffledSubarray(shapes, { minLength: shapes.length }))),
    ([shapes, shuffled]) => {
      const auction = small();
      for (const shape of shuffled) auction.offer(offered(shape));
      for (const height of [1, 2, 3]) {
        for (const parent of ["p", "q"]) {
          for (const view of [1, 2, 3]) {
            const found = best(auction, { height, parent, view });
            const hash = found === undefined ? undefined : bidHashOf(found.bid);
            if (hash !== bestOf(shapes, { height, parent, view })) return false;
          }
        }
      }
      return true;
    },
  );
  holds(t, property, 150);
});

t.test("offer under random use: count and bytes stay within their bounds and never drift", async (t) => {
  const limits: AuctionLimits = { heightsMax: 2, buildersMax: 3, parentsMax: 1, triesMax: 4, bidsMax: 3, bytesMax: 4_000 };
  const arbitraryStep = fc.oneof(
    { weight: 9, arbitrary: fc.tuple(arbitraryShape, fc.constantFrom(0, 500, 1_500)) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
  );
  const property = fc.property(fc.array(arbitraryStep, { maxLength: 60 }), (steps) => {
    const auction = createAuction(limits);
    for (const step of steps) {
      if (typeof step === "number") auction.advance({ height: Height.of(step) });
      else {
        const each = offered({ ...step[0], bundleBytes: step[1] });
        const foretold = auction.refusalOf(each);
        const result = auction.offer(each);
        if ((foretold ?? "kept") !== result) return false;
      }
      let [count, bytes] = [0, 0];
      for (const height of [1, 2, 3]) {
        for (const parent of ["p", "q"]) {
          best(auction, {
            height,
            parent,
            isUsable: (each) => {
              count++;
              bytes += bytesInMemory(each);
              return false;
            },
          });
        }
      }
      // Bids of value 0 are kept and never asked about.
      if (auction.count < count || auction.bytes < bytes) return false;
      if (auction.count > limits.bidsMax || auction.bytes > limits.bytesMax) return false;
    }
    auction.advance({ height: Height.of(4) });
    return auction.count === 0 && auction.bytes === 0;
  });
  holds(t, property, 150);
});
