/** Do all validators agree? At every height that two of them have, block hash and state root must be equal. And does the
 *  cluster move? While a quorum is up, final blocks appear, since even an idle chain makes one each heartbeat. */

import { TestnetFailure } from "../failure.ts";
import type { BlockSummary } from "../rpc_shapes.ts";

/** Two validators say different things about one height. */
export interface Divergence {
  readonly kind: "block" | "stateRoot";
  readonly height: number;
  readonly first: { readonly validator: number; readonly value: string };
  readonly second: { readonly validator: number; readonly value: string };
}

export interface AgreementCheck {
  /** Takes final blocks of one validator, ascending and without gaps from `nextHeightOf(validator)`; older ones are skipped. */
  add(validator: number, blocks: readonly BlockSummary[]): void;
  /** The first height whose block and state root have not both been taken from this validator. */
  nextHeightOf(validator: number): number;
  /** The validator started anew: what it says about heights that are not settled yet is compared once more. */
  recheck(validator: number): void;
  readonly divergences: readonly Divergence[];
  /** Highest height that any validator showed as final. */
  readonly height: number;
  /** Transactions in final blocks up to `height`, each block counted once. */
  readonly transactions: number;
  /** Up to here every validator has been compared. */
  readonly comparedHeight: number;
}

interface Claim {
  readonly validator: number;
  readonly value: string;
}

interface Claims {
  readonly block: Claim;
  stateRoot: Claim | undefined;
}

/** Divergences kept; more of them say nothing new. */
const DIVERGENCES_MAX = 100;

export function createAgreementCheck(validators: number): AgreementCheck {
  const next = Array.from({ length: validators }, () => 1);
  const heights = new Map<number, Claims>();
  const divergences = new Map<string, Divergence>();
  let height = 0;
  let transactions = 0;
  let settledHeight = 0;

  function compare(kind: Divergence["kind"], atHeight: number, first: Claim, second: Claim): void {
    if (first.value === second.value || divergences.size >= DIVERGENCES_MAX) return;
    divergences.set(`${kind} ${atHeight} ${second.validator}`, { kind, height: atHeight, first, second });
  }

  function addBlock(validator: number, block: BlockSummary): void {
    const root: Claim | undefined = block.stateRoot === undefined ? undefined : { validator, value: block.stateRoot };
    const known = heights.get(block.height);
    if (known === undefined) {
      heights.set(block.height, { block: { validator, value: block.hash }, stateRoot: root });
      height = Math.max(height, block.height);
      transactions += block.transactionCount;
      return;
    }
    compare("block", block.height, known.block, { validator, value: block.hash });
    if (root === undefined) return;
    if (known.stateRoot === undefined) known.stateRoot = root;
    else compare("stateRoot", block.height, known.stateRoot, root);
  }

  /** A height that every validator has shown is settled; a run of days must not remember all of them. */
  function prune(): void {
    const settled = Math.min(...next) - 1;
    for (; settledHeight < settled; settledHeight++) heights.delete(settledHeight + 1);
  }

  return {
    add(validator, blocks) {
      for (const block of blocks) {
        const expected = next[validator] ?? 1;
        if (block.height < expected) continue;
        addBlock(validator, block);
        // Without a state root the block is not executed yet; it is asked for again so that every root gets compared.
        if (block.height === expected && block.stateRoot !== undefined) next[validator] = expected + 1;
      }
      prune();
    },
    nextHeightOf: (validator) => next[validator] ?? 1,
    recheck(validator) {
      next[validator] = settledHeight + 1;
    },
    get divergences() {
      return [...divergences.values()];
    },
    get height() {
      return height;
    },
    get transactions() {
      return transactions;
    },
    get comparedHeight() {
      return settledHeight;
    },
  };
}

/** What a divergence means, for people. */
export function describeDivergence(divergence: Divergence): string {
  const what = divergence.kind === "block" ? "block" : "state root";
  const { first, second } = divergence;
  return `height ${divergence.height}: validator ${first.validator} has ${what} ${first.value}, validator ${second.validator} has ${second.value}`;
}

/** Throws TestnetFailure "safety" when anything differed. */
export function requireAgreement(check: AgreementCheck): void {
  const { divergences } = check;
  if (divergences.length === 0) return;
  const shown = divergences.slice(0, 5).map(describeDivergence);
  const hidden = divergences.length > shown.length ? [`and ${divergences.length - shown.length} more`] : [];
  throw new TestnetFailure("safety", ["validators disagree about what is final:", ...shown, ...hidden].join("\n  "));
}

/** Watches that something becomes final while a quorum is up. Times in ms of one monotonic clock. */
export interface ProgressCheck {
  /** Returns how long nothing became final with a quorum up, or 0 when all is well. */
  observe(finalHeight: number, hasQuorum: boolean, nowMs: number): number;
}

export function createProgressCheck(nowMs: number): ProgressCheck {
  let height = 0;
  let sinceMs = nowMs;
  return {
    observe(finalHeight, hasQuorum, now) {
      if (finalHeight > height || !hasQuorum) {
        height = Math.max(height, finalHeight);
        sinceMs = now;
      }
      return now - sinceMs;
    },
  };
}
