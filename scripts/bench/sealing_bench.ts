/** What threshold sealing costs: every primitive of the suite, on libsodium (what validators run), and a few on noble (what browsers run) and on
 *  the simulator's double. Budgets of the mempool are stated as ratios between these.
 *  Run: node scripts/bench/sealing_bench.ts */

import process from "node:process";
import { nobleGroup } from "../../crypto/sealing/noble_group.ts";
import { createSealingSuite } from "../../crypto/sealing/suite.ts";
import { loadSealingSuite } from "../../node/sealing_suite.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { asciiBytes } from "../../types/bytes.ts";
import { ValidatorIndex } from "../../types/ids.ts";
import type { KeyDeal, SealingSuite, Share } from "../../types/sealing.ts";
import { medianUs } from "./calibration.ts";

/** Microseconds of one core for one call. `perShare` are the same figures divided by one share, the cost of one multiplication. */
export interface SealingFigures {
  readonly sealUs: number;
  readonly checkUs: number;
  readonly shareUs: number;
  readonly combineUs: Readonly<Record<string, number>>;
  readonly seedCheckUs: number;
  readonly openUs: number;
  readonly proveUs: Readonly<Record<string, number>>;
  readonly verifyUs: Readonly<Record<string, number>>;
  readonly perShare: Readonly<Record<"seal" | "check" | "combine4" | "seedCheck", number>>;
}

/** Of one deal to n validators, of threshold n − f. */
export interface DealFigures {
  readonly dealMs: number;
  readonly wellFormedMs: number;
  readonly receiveMs: number;
  /** Y and all Y_i from n − f deals. */
  readonly combineDealsMs: number;
}

export interface SealingBenchReport {
  readonly sodium: SealingFigures & { readonly deals: Readonly<Record<string, DealFigures>> };
  readonly noble: SealingFigures;
  readonly fast: SealingFigures;
}

const LABEL = new Uint8Array(150).fill(7);
const MESSAGE = new Uint8Array(256).fill(1);
const CONTEXT = asciiBytes("bench");
const COMBINE_SIZES = [4, 7, 16];
const DEAL_SIZES = [4, 16, 100];
const PROOF_SIZES = [1, 64];

const thresholdOf = (count: number): number => count - Math.floor((count - 1) / 3);
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** The primitives of the suite that validators run, without key generation. */
export async function benchPrimitives(): Promise<SealingFigures> {
  return figuresOf(await loadSealingSuite(), 40);
}

export async function benchSealing(): Promise<SealingBenchReport> {
  const sodium = await loadSealingSuite();
  return {
    sodium: { ...figuresOf(sodium, 40), deals: Object.fromEntries(DEAL_SIZES.map((count) => [`n${count}`, dealFigures(sodium, count)])) },
    noble: figuresOf(createSealingSuite(nobleGroup), 6),
    fast: figuresOf(createFastSealing(), 2_000),
  };
}

function figuresOf(suite: SealingSuite, calls: number): SealingFigures {
  const measure = (work: () => unknown, share = 1): number =>
    medianUs({ rounds: 7, calls: Math.max(1, Math.ceil(calls * share)), work: () => void work() });
  const secretShare = suite.deriveSecretKey(filled(32, 3));
  const publicKey = suite.publicKeyOf(secretShare);
  const sealed = Array.from({ length: Math.max(...PROOF_SIZES) }, (_, index) =>
    suite.seal({ publicKey, label: LABEL, message: MESSAGE, randomness: filled(64, index) }),
  );
  const [first] = sealed as [Uint8Array];
  const given = { publicKey, label: LABEL, sealed: first };
  const seed = filled(32, 0);
  if (!suite.check(given) || !suite.isSeedOf({ ...given, seed })) throw new Error(`${suite.name} refuses what it sealed`);
  const shareUs = measure(() => suite.shareOf(secretShare, first));
  const sealUs = measure(() => suite.seal({ publicKey, label: LABEL, message: MESSAGE, randomness: filled(64, 1) }));
  const checkUs = measure(() => suite.check(given));
  const seedCheckUs = measure(() => suite.isSeedOf({ ...given, seed }));
  // Any points do: what comes out is the same work as the seed.
  const shares: Share[] = sealed.map((each, index) => ({ validator: ValidatorIndex.of(index), share: each.subarray(0, 32) }));
  const combineUs = Object.fromEntries(
    COMBINE_SIZES.map((count) => [
      `n${count}`,
      measure(() => suite.combine({ ...given, shares: shares.slice(0, thresholdOf(count)) }), 0.5),
    ]),
  );
  const proofs = PROOF_SIZES.map((count) => {
    const list = sealed.slice(0, count);
    const proof = suite.proveShares({ secretShare, sealed: list });
    const statement = { shareKey: publicKey, sealed: list, shares: list.map((each) => suite.shareOf(secretShare, each)), proof };
    if (!suite.verifyShares(statement)) throw new Error(`${suite.name} refuses its own proof`);
    const [proveUs, verifyUs] = [() => suite.proveShares({ secretShare, sealed: list }), () => suite.verifyShares(statement)].map((work) =>
      measure(work, 1 / count),
    );
    return { name: `of${count}`, proveUs: proveUs as number, verifyUs: verifyUs as number };
  });
  return {
    sealUs,
    checkUs,
    shareUs,
    combineUs,
    seedCheckUs,
    openUs: measure(() => suite.open({ ...given, seed })),
    proveUs: Object.fromEntries(proofs.map(({ name, proveUs }) => [name, proveUs])),
    verifyUs: Object.fromEntries(proofs.map(({ name, verifyUs }) => [name, verifyUs])),
    perShare: {
      seal: sealUs / shareUs,
      check: checkUs / shareUs,
      combine4: (combineUs.n4 ?? Number.NaN) / shareUs,
      seedCheck: seedCheckUs / shareUs,
    },
  };
}

function dealFigures(suite: SealingSuite, count: number): DealFigures {
  const threshold = thresholdOf(count);
  const secretKeys = Array.from({ length: count }, (_, index) => suite.deriveSecretKey(filled(32, index)));
  const recipients = secretKeys.map(suite.publicKeyOf);
  const calls = Math.ceil(8 / count);
  const measureMs = (work: () => unknown, rounds = 5): number => medianUs({ rounds, calls, work: () => void work() }) / 1_000;
  const inputs = { seed: filled(32, 1), constant: undefined, threshold, recipients, context: CONTEXT };
  const deal: KeyDeal = suite.deal(inputs);
  const last = ValidatorIndex.of(count - 1);
  const secretKey = secretKeys[last] as Uint8Array;
  const dealers = Array.from({ length: threshold }, (_, index) => ValidatorIndex.of(index));
  const deals = dealers.map(() => deal);
  return {
    dealMs: measureMs(() => suite.deal(inputs)),
    wellFormedMs: measureMs(() => suite.isDealWellFormed({ deal, threshold, recipients: count, context: CONTEXT })),
    receiveMs: measureMs(() => suite.receiveShare({ deal, recipient: last, secretKey, context: CONTEXT })),
    combineDealsMs: measureMs(() => suite.combineDeals({ deals, dealers, isResharing: false, recipients: count }), count > 50 ? 1 : 5),
  };
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await benchSealing(), undefined, 2)}\n`);
