/** What this machine can do, measured in the run that uses it: every benchmark is reported as a ratio to one of these, and a
 *  ratio survives a move to another machine. Medians, so that a busy moment does not count. */

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBlstSuite } from "../../crypto/bls_blst.ts";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { sha256 } from "../../crypto/hashes.ts";
import { measureRoundTripUs } from "./round_trip.ts";

/** All in microseconds. */
export interface Calibration {
  readonly blsSignUs: number;
  readonly blsVerifyUs: number;
  readonly ed25519VerifyUs: number;
  /** SHA-256 of 64 bytes, one call. */
  readonly hash64Us: number;
  /** Append of 256 bytes and fdatasync, in the directory of temporary files, where testnets keep their stores. */
  readonly fdatasyncUs: number;
  /** 300 bytes there and back on a libp2p stream (TCP, noise, yamux) over loopback, both ends in this process. */
  readonly roundTripUs: number;
  /** The least that finality can take, from the figures above: three one-way messages (proposal, vote, commit vote), and twice a
   *  durable write, a BLS signature, and a BLS verification. */
  readonly finalityPathUs: number;
}

export type CalibrationName = keyof Calibration;

const ROUNDS = 9;

export async function calibrate(): Promise<Calibration> {
  const signatures = calibrateSignatures();
  const fdatasyncUs = calibrateDisk();
  const roundTripUs = await measureRoundTripUs();
  const finalityPathUs = 1.5 * roundTripUs + 2 * (fdatasyncUs + signatures.blsSignUs + signatures.blsVerifyUs);
  return { ...signatures, hash64Us: calibrateHash(), fdatasyncUs, roundTripUs, finalityPathUs };
}

/** Median over rounds of the mean time of `work` within a round. */
export function medianUs(options: { readonly rounds: number; readonly calls: number; readonly work: () => void }): number {
  const { rounds, calls, work } = options;
  for (let call = 0; call < calls; call++) work();
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    for (let call = 0; call < calls; call++) work();
    samples.push(((performance.now() - startMs) * 1_000) / calls);
  }
  return medianOf(samples);
}

export function medianOf(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function calibrateSignatures(): Pick<Calibration, "blsSignUs" | "blsVerifyUs" | "ed25519VerifyUs"> {
  const message = new Uint8Array(170).fill(5);
  const bls = createBlstSuite();
  const blsKey = bls.deriveSecretKey(new Uint8Array(32).fill(1));
  const blsPublicKey = bls.publicKeyOf(blsKey);
  const blsSignature = bls.sign(blsKey, message);
  const seed = new Uint8Array(32).fill(2);
  const publicKey = ed25519PublicKeyOf(seed);
  const signature = signEd25519(seed, message);
  if (!bls.verify(blsPublicKey, message, blsSignature)) throw new Error("the BLS suite refuses its own signature");
  if (!verifyEd25519(publicKey, message, signature)) throw new Error("the Ed25519 suite refuses its own signature");
  return {
    blsSignUs: medianUs({ rounds: ROUNDS, calls: 50, work: () => void bls.sign(blsKey, message) }),
    blsVerifyUs: medianUs({ rounds: ROUNDS, calls: 30, work: () => void bls.verify(blsPublicKey, message, blsSignature) }),
    ed25519VerifyUs: medianUs({ rounds: ROUNDS, calls: 500, work: () => void verifyEd25519(publicKey, message, signature) }),
  };
}

function calibrateHash(): number {
  const bytes = new Uint8Array(64).fill(3);
  return medianUs({ rounds: ROUNDS, calls: 20_000, work: () => void sha256(bytes) });
}

function calibrateDisk(): number {
  const directory = mkdtempSync(join(tmpdir(), "sealstone-bench-"));
  const file = openSync(join(directory, "append"), "a");
  try {
    const record = new Uint8Array(256).fill(4);
    const work = (): void => {
      writeSync(file, record);
      fdatasyncSync(file);
    };
    return medianUs({ rounds: ROUNDS, calls: 50, work });
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}
