/** A scenario: topology, workload, faults, traitors and what must come of it, as plain data. Drivers read it and never add to it.
 *  All times are milliseconds of simulated (or real) time since the start of the run; validators are named by index. */

export const MESSAGE_KINDS = [
  "proposal",
  "vote",
  "commit",
  "timeout",
  "certificate",
  "transactions",
  "status",
  "request",
  "response",
  "bytes",
  "list",
  "shares",
  "seeds",
  "openingRequest",
  "proofRequest",
  "proofs",
  "bid",
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

export interface Scenario {
  readonly version: 1;
  readonly name: string;
  /** Seeds every stream of randomness; 0 to 2^32 - 1. */
  readonly seed: number;
  /** One per validator, 1 to 64 of them; each 1 to 1,000,000. */
  readonly weights: readonly number[];
  readonly topology: Topology;
  readonly protocol: Protocol;
  readonly application: "ledger" | "null";
  /** Sealed transactions, and a key that the validators generate. Left out: a chain without. Asks for the ledger and equal weights. */
  readonly sealing?: SealingPlan;
  /** Builders, nodes after the validators: the first has the index after the last validator's. Left out: a chain without. Asks for the ledger. */
  readonly builders?: readonly BuilderPlan[];
  readonly workload: Workload;
  readonly faults: readonly Fault[];
  readonly byzantine: readonly Traitor[];
  readonly phases: Phases;
  readonly ties: "fifo" | "shuffle";
  /** pass: all invariants hold and the cluster recovers. stall: nothing may become final while the faults last.
   *  break: so many traitors that agreement breaks, which the checkers must notice and attribute. */
  readonly expect: "pass" | "stall" | "break";
}

/** One-way delays. In `regions`, half the round trip between the validators' regions, plus up to `jitter` of it. */
export type Topology =
  | { readonly type: "uniform"; readonly delayMs: readonly [number, number] }
  | { readonly type: "regions"; readonly regions: readonly string[]; readonly matrix: LatencyMatrix; readonly jitter: number };

export interface LatencyMatrix {
  readonly regions: readonly string[];
  /** Row: from; column: to; same order as `regions`. */
  readonly roundTripMs: readonly (readonly number[])[];
}

export interface Protocol {
  readonly deltaMsMin: number;
  readonly deltaMsMax: number;
  readonly heartbeatMs: number;
  readonly proposeDelayMs: number;
  readonly resendMs: number;
  readonly blockTransactionsMax: number;
  /** Transactions that a validator's pool holds at most. */
  readonly poolTransactionsMax: number;
  readonly snapshotBlocks: number;
  /** Time of one durable write, drawn uniformly. */
  readonly syncMs: readonly [number, number];
}

export interface SealingPlan {
  /** How long each phase of the key generation waits for who is slow, in block time. */
  readonly keygenWindowMs: number;
  /** Blocks with fewer sealed transactions send their shares to everybody at once. */
  readonly fewSealed: number;
  /** After a block is final, seeds are waited for this long before everybody sends shares to everybody. */
  readonly openMs: number;
  /** Newer inclusion lists of one view come at most this often. */
  readonly listIntervalMs: number;
  /** Sealed transactions that a validator's pool holds at most. */
  readonly poolTransactionsMax: number;
  /** Sealed transactions per simulated second, all clients of the workload together, once there is a key. */
  readonly perSecond: number;
  /** Relative shares of them. */
  readonly mix: Readonly<Record<SealedKind, number>>;
}

export interface BuilderPlan {
  readonly strategy: BuilderStrategyName;
  /** What it registers with, in the smallest unit of the fee asset. */
  readonly bond: number;
  /** Bundles that searchers submit to it per simulated second. */
  readonly bundlesPerSecond: number;
  /** What it takes to build and seal a bid, drawn uniformly. */
  readonly buildMs: readonly [number, number];
  /** Chance that a traitor acts on an opportunity; else it bids as `plain` does. */
  readonly chance: number;
}

/** plain and aggressive are the shipped strategies. lateBids: after the cut-off. unheldTails: of transactions that nobody else has.
 *  overbidding: beyond the bond, also by several bids together. wrongTails: the root of another tail. brokenBundles: that do not pass the check.
 *  rubbishBundles: sealed well, of what is no bundle. badGroups: transactions that are malformed or badly signed. twoFaced: several bids of one
 *  sequence. foreignBids: for another height, parent or chain, of somebody else's account, or without its key's signature. */
export const BUILDER_STRATEGIES = [
  "plain",
  "aggressive",
  "lateBids",
  "unheldTails",
  "overbidding",
  "wrongTails",
  "brokenBundles",
  "rubbishBundles",
  "badGroups",
  "twoFaced",
  "foreignBids",
] as const;
export type BuilderStrategyName = (typeof BUILDER_STRATEGIES)[number];

/** valid: bundles that run. failing: ordered, charged, and FAILED or without effect in a way that a code names. refused: what no
 *  validator may take. copied: bytes or ciphertexts of others again. */
export const SEALED_KINDS = ["valid", "failing", "refused", "copied"] as const;
export type SealedKind = (typeof SEALED_KINDS)[number];

export interface Workload {
  /** Clients, each with accounts of its own. 0: no transactions. */
  readonly clients: number;
  /** Transactions per simulated second, all clients together. */
  readonly perSecond: number;
  /** Relative shares of what clients send; see testnet/workload. */
  readonly mix: Readonly<Record<WorkloadKind, number>>;
}

/** transfer: plain. linked: chains that succeed or fail together. pend: pending transfers, posted, voided or left to expire.
 *  invalid: fails in a way that a result code names. duplicate: the same bytes again, anywhere. replay: an old nonce or a final
 *  transaction again. lie: malformed or badly signed bytes. */
export const WORKLOAD_KINDS = ["transfer", "linked", "pend", "invalid", "duplicate", "replay", "lie"] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

export interface Phases {
  /** Faults begin only within this time, from 0. */
  readonly faultsMs: number;
  /** Then a core with a quorum heals, while everybody else stays as bad as before: it must gain `coreHeights` final heights. */
  readonly coreHeights: number;
  /** Views that the core may need for it, and afterwards all together. */
  readonly viewsMax: number;
  /** Then all heal; at the end all honest validators agree and nothing submitted is left without an answer. */
  readonly settleMsMax: number;
}

export type SaveContent = "proposal" | "vote" | "commit" | "timeout" | "admission" | "finality" | "block" | "shares";

/** When a fault begins. Each fires once; the `nth` (from 1) occurrence counts. `save`: just before or after a durable write
 *  that holds such content, so `{ on: "save", content: "vote", edge: "after" }` lies between record and send. */
export type Trigger =
  | { readonly on: "time"; readonly atMs: number }
  | { readonly on: "height"; readonly height: number; readonly validator?: number }
  | { readonly on: "view"; readonly view: number; readonly validator?: number }
  | { readonly on: "leader"; readonly validator: number; readonly nth: number }
  | {
      readonly on: "save";
      readonly validator: number;
      readonly content: SaveContent;
      readonly edge: "before" | "after";
      readonly nth: number;
    };

export interface Fault {
  readonly when: Trigger;
  readonly action: FaultAction;
  /** How long it lasts. Left out: until the heal phase (for its validator or link), or at once over where nothing lasts. */
  readonly forMs?: number;
}

export type FaultAction =
  /** Validators of different groups do not hear each other; who is in no group hears nobody. One validator may be in several
   *  groups: so a bridge is [[0,1,2],[2,3,4]], and a ring of majorities has each validator's neighbourhood as one group. */
  | { readonly type: "partition"; readonly groups: readonly (readonly number[])[] }
  /** One-way: `to` does not hear `from`. */
  | { readonly type: "cut"; readonly from: readonly number[]; readonly to: readonly number[] }
  | {
      readonly type: "link";
      readonly from: readonly number[];
      readonly to: readonly number[];
      /** Empty: all kinds. */
      readonly kinds: readonly MessageKind[];
      readonly loss: number;
      readonly duplicate: number;
      /** Chance that a message takes up to `reorderMs` longer, so that later ones overtake it. */
      readonly reorder: number;
      readonly reorderMs: number;
      readonly extraDelayMs: readonly [number, number];
    }
  | { readonly type: "bandwidth"; readonly from: readonly number[]; readonly to: readonly number[]; readonly bytesPerSecond: number }
  /** Messages wait on the link until the stall is over. */
  | { readonly type: "stall"; readonly from: readonly number[]; readonly to: readonly number[] }
  /** What is in flight either way is lost; the link comes up again at once. */
  | { readonly type: "reset"; readonly from: readonly number[]; readonly to: readonly number[] }
  /** One message, named by what it is: its copies arrive after these delays; none: it is lost. What the shrinker works with. */
  | { readonly type: "message"; readonly message: MessageName; readonly delaysMs: readonly number[] }
  /** kill -9; starts again after `forMs`. `lose`: what becomes of writes that were not synced yet. */
  | { readonly type: "crash"; readonly validator: number; readonly unsynced: "kept" | "lost" | "torn" }
  | { readonly type: "pause"; readonly validator: number }
  /** Orderly stop and start again, as a rolling upgrade does. */
  | { readonly type: "upgrade"; readonly validator: number }
  | { readonly type: "lateStart"; readonly validator: number }
  /** The store is gone: the operator starts it again without its key, as an observer. */
  | { readonly type: "wipe"; readonly validator: number }
  | { readonly type: "diskFull"; readonly validator: number }
  | { readonly type: "slowDisk"; readonly validator: number; readonly syncMs: readonly [number, number] }
  /** Damage that the next start must notice: it refuses, and the validator stays down. */
  | { readonly type: "bitFlip"; readonly validator: number }
  | { readonly type: "truncate"; readonly validator: number }
  /** An old copy of the store is put back. With `hidesCounter` its counter is an old copy too: the start cannot notice, and the validator may
   *  contradict itself until it sees its own signature on something that it does not know. */
  | { readonly type: "rollback"; readonly validator: number; readonly saves: number; readonly hidesCounter?: boolean }
  | { readonly type: "clockSkew"; readonly validator: number; readonly offsetMs: number }
  | { readonly type: "clockDrift"; readonly validator: number; readonly partsPerMillion: number };

export type FaultType = FaultAction["type"];

/** The `nth` (from 0) message of this kind and view (0 where none) from one validator to another in a run. */
export interface MessageName {
  readonly from: number;
  readonly to: number;
  readonly kind: MessageKind;
  readonly view: number;
  readonly nth: number;
}

/** Strategies of any chain. */
export const OPEN_STRATEGIES = [
  "equivocatingLeader",
  "doubleVote",
  "amnesia",
  "voteWithholding",
  "silentLeader",
  "revokedBlock",
  "staleCertificates",
  "invalidCertificates",
  "wrongStateRoot",
  "selectiveSending",
  "futureViewFlood",
  "malformedMessages",
  "mutatedMessages",
  "syncLies",
  "delayedReplay",
  "forgedVotes",
  "splitBrain",
  "poisonedProposal",
  "skippedCertificate",
  "uncertifiedParent",
  "outOfTurn",
  "earlyTimeout",
  "relayedForgeries",
  "nearlyTrueAnswers",
  "returnedProposals",
] as const;

/** Strategies against sealed transactions: they do nothing where a scenario seals nothing. */
export const SEALED_STRATEGIES = [
  "shareWithholding",
  "corruptedShares",
  "wrongSeeds",
  "falseFailures",
  "censoringLeader",
  "censoringLists",
  "earlyShares",
  "copiedCiphertexts",
  "keygenCheating",
] as const;

/** Strategies of proposers against builders: they do nothing where a scenario has none. */
export const PROPOSER_STRATEGIES = ["bidCensoring", "bundleCopying", "swappedTail", "colludingLane", "unbidBundle"] as const;

export const STRATEGIES = [...OPEN_STRATEGIES, ...SEALED_STRATEGIES, ...PROPOSER_STRATEGIES] as const;
export type StrategyName = (typeof STRATEGIES)[number];

export interface Traitor {
  readonly validator: number;
  readonly strategy: StrategyName;
  /** Chance that it acts in a view. */
  readonly chance: number;
  /** Views in which it acts; `chance` is not asked then. What the shrinker works with. */
  readonly views?: readonly number[];
}
