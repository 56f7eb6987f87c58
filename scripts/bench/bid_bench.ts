/** What a bid costs whom it is offered to, beside the one signature and the one proof that nobody can spare: from the frame off the wire to its place in the
 *  auction, with everything that is checked on the way. And what it costs its maker to seal and sign it.
 *  Run: node scripts/bench/bid_bench.ts */

import process from "node:process";
import { createAuction } from "../../builder/auction.ts";
import { sealCheckOf, signatureCheckOf } from "../../builder/bid_rules.ts";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { bodyRootOf, sha256 } from "../../crypto/hashes.ts";
import { loadSealingSuite } from "../../node/sealing_suite.ts";
import { type BidContent, bidSigningBytes, bundleLabelOf, encodeBundle, hasBundle, type OfferedBid } from "../../types/bid.ts";
import { toHex } from "../../types/bytes.ts";
import {
  type AccountId,
  type BlockHash,
  type ChainId,
  Epoch,
  Height,
  type TransactionHash,
  type ValidatorSetHash,
  View,
  ZERO_HASH,
} from "../../types/ids.ts";
import { decodeMessage, encodeMessage } from "../../types/message.ts";
import type { KeyId, SealingSuite } from "../../types/sealing.ts";
import { medianUs } from "./calibration.ts";

/** Microseconds of one core for one bid; `ratio` is `check` by `proofs`. */
export interface BidFigures {
  /** Decode, signing bytes, signature, tail root, proof, auction. */
  readonly checkUs: number;
  /** The signature and, where there is a bundle, its proof, and nothing else. */
  readonly proofsUs: number;
  readonly ratio: number;
  readonly frameBytes: number;
}

export interface BidBenchReport {
  /** An empty tail and no bundle; 20 transactions; 200 and a bundle of 1 KiB; 2,000 and one of 16 KiB. */
  readonly bare: BidFigures;
  readonly tail20: BidFigures;
  readonly bundle1KiB: BidFigures;
  readonly bundle16KiB: BidFigures;
  readonly makeUs: number;
}

const SEED = new Uint8Array(32).fill(9);
const BUILDER = toHex<AccountId>(ed25519PublicKeyOf(SEED));
const CHAIN_ID = "11".repeat(32) as ChainId;
const DOMAIN = { chainId: CHAIN_ID, epoch: Epoch.ZERO, validatorSetHash: "22".repeat(32) as ValidatorSetHash };
const CALLS = 40;

export async function benchBids(): Promise<BidBenchReport> {
  const suite = await loadSealingSuite();
  const publicKey = suite.publicKeyOf(suite.deriveSecretKey(SEED));
  const figures = (tail: number, bundleBytes: number): BidFigures => figuresOf({ suite, publicKey }, { tail, bundleBytes });
  return {
    bare: figures(0, 0),
    tail20: figures(20, 0),
    bundle1KiB: figures(200, 900),
    bundle16KiB: figures(2_000, 16_000),
    makeUs: medianUs({ rounds: 7, calls: CALLS, work: () => void makeBid({ suite, publicKey }, { tail: 20, bundleBytes: 900 }) }),
  };
}

interface Sealer {
  readonly suite: SealingSuite;
  readonly publicKey: Uint8Array;
}

function makeBid({ suite, publicKey }: Sealer, size: { readonly tail: number; readonly bundleBytes: number }): OfferedBid {
  const tailHashes = Array.from({ length: size.tail }, (_, index) => toHex<TransactionHash>(sha256(new Uint8Array([index, index >> 8]))));
  const place = { builder: BUILDER, height: Height.of(1), parentHash: "33".repeat(32) as BlockHash, sequence: 1, value: 1_000n };
  const keyId = (size.bundleBytes === 0 ? ZERO_HASH : "44".repeat(32)) as string as KeyId;
  const message = encodeBundle({ groups: [[new Uint8Array(Math.max(1, size.bundleBytes)).fill(1)]] });
  const label = bundleLabelOf(CHAIN_ID, { ...place, keyId });
  const bundle =
    size.bundleBytes === 0 ? new Uint8Array(0) : suite.seal({ publicKey, label, message, randomness: new Uint8Array(64).fill(2) });
  const content: BidContent = {
    ...place,
    expiryView: View.of(99),
    keyId,
    bundle,
    tailRoot: bodyRootOf(tailHashes),
    tailCount: size.tail,
    tailBytes: size.tail * 200,
    gas: size.tail,
  };
  return { bid: { ...content, signature: signEd25519(SEED, bidSigningBytes(DOMAIN, content)) }, tailHashes };
}

function figuresOf(sealer: Sealer, size: { readonly tail: number; readonly bundleBytes: number }): BidFigures {
  const { suite, publicKey } = sealer;
  const offered = makeBid(sealer, size);
  const frame = encodeMessage({ type: "bid", ...offered });
  const signature = signatureCheckOf(DOMAIN, offered.bid);
  const seal = sealCheckOf(CHAIN_ID, offered.bid);
  const proofs = (): boolean =>
    verifyEd25519(signature.publicKey, signature.message, signature.signature) &&
    (seal === undefined || suite.check({ ...seal, publicKey }));
  const check = (): boolean => {
    const decoded = decodeMessage(frame);
    if (!decoded.ok || decoded.message.type !== "bid") return false;
    const { bid, tailHashes } = decoded.message;
    const auction = createAuction();
    if (auction.refusalOf(decoded.message) !== undefined) return false;
    const own = signatureCheckOf(DOMAIN, bid);
    if (!verifyEd25519(own.publicKey, own.message, own.signature)) return false;
    auction.noteTry(bid);
    if (bodyRootOf(tailHashes) !== bid.tailRoot) return false;
    const ownSeal = sealCheckOf(CHAIN_ID, bid);
    if (ownSeal !== undefined && !suite.check({ ...ownSeal, publicKey })) return false;
    return auction.offer(decoded.message) === "kept";
  };
  if (!proofs() || !check() || hasBundle(offered.bid) !== size.bundleBytes > 0) throw new Error("a right bid is refused");
  const proofsUs = medianUs({ rounds: 9, calls: CALLS, work: () => void proofs() });
  const checkUs = medianUs({ rounds: 9, calls: CALLS, work: () => void check() });
  return { checkUs, proofsUs, ratio: checkUs / proofsUs, frameBytes: frame.length };
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await benchBids(), null, 2)}\n`);
