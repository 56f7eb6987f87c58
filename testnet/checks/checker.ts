/** What every checker is: it hears all facts of a run in order and says what must never be. Checkers know the rules by their
 *  consequences and compute with their own arithmetic, so that a mistake in the product is not repeated here. */

import type { ChainId } from "../../types/ids.ts";
import type { SealingSuite } from "../../types/sealing.ts";
import type { SigningDomain } from "../../types/signing.ts";
import type { BlsSuite, VerifyEd25519 } from "../../types/suites.ts";
import type { Fact, FactType } from "../simulator/facts.ts";

export const INVARIANTS = [
  "agreement",
  "ancestry",
  "oneCertificate",
  "commitExcludesTimeout",
  "validity",
  "stateRoots",
  "signedOnce",
  "recordBeforeSignature",
  "noHonestAccused",
  "attribution",
  "noProgressWhenCut",
  "progress",
  "conservation",
  "executedOnce",
  "everyTransactionAnswered",
  "outcomes",
  "secrecy",
  "sealedLane",
  "noCensorship",
  "sameOpenings",
  "bids",
  "bonds",
  "bounds",
  "noCrash",
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  /** Decides the exit code: crash 127, liveness 128, safety 129. */
  readonly kind: "safety" | "liveness" | "crash";
  readonly atUs: number;
  /** Who shows it. */
  readonly validators: readonly number[];
  /** Two honest validators, or two CCs, hold different blocks of one height as final. */
  readonly isConflict?: true;
  /** One or two plain sentences with heights, views and hashes. */
  readonly detail: string;
}

/** What checkers may know of the cluster. */
export interface CheckedCluster {
  readonly weights: readonly number[];
  readonly domain: SigningDomain;
  readonly chainId: ChainId;
  /** Public keys by validator, as genesis has them. */
  readonly blsPublicKeys: readonly Uint8Array[];
  readonly ed25519PublicKeys: readonly Uint8Array[];
  readonly bls: Pick<BlsSuite, "verify" | "verifyAggregate">;
  readonly verifyEd25519: VerifyEd25519;
  /** What an eavesdropper computes with. */
  readonly sealingSuite: Pick<SealingSuite, "shareOf" | "combine" | "isSeedOf" | "check">;
  readonly genesisHash: string;
  /** Validators without a strategy. */
  readonly honest: ReadonlySet<number>;
  /** Honest machines on a store that was secretly rolled back: they may contradict themselves until they notice, so they are not among
   *  `honest`. */
  readonly suspects?: ReadonlySet<number>;
  readonly expect: "pass" | "stall" | "break";
}

export interface Checker {
  readonly invariant: Invariant;
  /** The facts that `observe` cares for; it says nothing on others. Absent: all. */
  readonly interests?: readonly FactType[];
  /** Hears as well what builders' nodes do, and what passes over their links. */
  readonly hearsBuilders?: true;
  /** The first violation that this fact shows. */
  observe(fact: Fact): Violation | undefined;
  /** What only the end of the run shows. */
  finish?(atUs: number): Violation | undefined;
}
