/** What a validator's word binds it to, within one of its lives and by its own facts alone: what it reported as final it never proposes
 *  again (M2) and never refuses as if it were not, and what it accepted it reports as final or drops with a reason once its own chain has passed the expiry height (M3).
 *  A crash ends the life and with it what was promised: clients ask again. */

import type { TransactionHash } from "../../types/ids.ts";
import type { FactOf } from "../simulator/facts.ts";
import { HELD_CODES } from "./answers.ts";

export interface Promises {
  /** `expiryHeight` is undefined where the transaction names none. What must not be is returned. */
  noteAnswered(fact: FactOf<"answered">, expiryHeight: number | undefined): string | undefined;
  noteProposal(fact: FactOf<"signedProposal">): string | undefined;
  noteDropped(fact: FactOf<"dropped">): void;
  noteFinalized(fact: FactOf<"finalized">): string | undefined;
  /** A life begins or ends. */
  noteLife(validator: number): void;
}

interface Word {
  readonly final: Set<TransactionHash>;
  /** Expiry height of what was accepted and is neither final nor dropped. */
  readonly accepted: Map<TransactionHash, number>;
  finalHeight: number;
}

/** `isFinal`: is it in the final chain, as far as anybody's disk tells? A validator that has it there from an earlier life, whether it came to
 *  report it or not, says that it has it, which promises nothing more. */
export function createPromises(isFinal: (hash: TransactionHash) => boolean): Promises {
  const words = new Map<number, Word>();

  function wordOf(validator: number): Word {
    let word = words.get(validator);
    if (word === undefined) {
      word = { final: new Set(), accepted: new Map(), finalHeight: 0 };
      words.set(validator, word);
    }
    return word;
  }

  return {
    noteAnswered({ validator, hash, refusal }, expiryHeight) {
      if (hash === undefined) return undefined;
      const { final, accepted } = wordOf(validator);
      if (refusal === undefined) {
        if (expiryHeight !== undefined && !final.has(hash)) accepted.set(hash, expiryHeight);
        return undefined;
      }
      if (HELD_CODES.has(refusal.code) || !final.has(hash)) return undefined;
      return `Validator ${validator} refused transaction ${hash} with ${refusal.code}, after it had reported it as final.`;
    },
    noteProposal({ validator, proposal }) {
      const { final } = wordOf(validator);
      const again = proposal.transactionHashes.find((hash) => final.has(hash));
      if (again === undefined) return undefined;
      return `Validator ${validator} proposed transaction ${again} in view ${proposal.header.view}, after it had reported it as final.`;
    },
    noteDropped({ validator, hash }) {
      wordOf(validator).accepted.delete(hash);
    },
    noteFinalized({ validator, blocks }) {
      const word = wordOf(validator);
      // Drops follow the finality that causes them, so they are all here when finality moves on once more.
      const broken = brokenPromise(validator, word, isFinal);
      for (const { header, receipts } of blocks) {
        word.finalHeight = header.height;
        for (const { hash } of receipts) {
          word.final.add(hash);
          word.accepted.delete(hash);
        }
      }
      return broken;
    },
    noteLife(validator) {
      words.delete(validator);
    },
  };
}

function brokenPromise(
  validator: number,
  { accepted, finalHeight }: Word,
  isFinal: (hash: TransactionHash) => boolean,
): string | undefined {
  for (const [hash, expiryHeight] of accepted) {
    if (expiryHeight > finalHeight || isFinal(hash)) continue;
    return `Validator ${validator} accepted transaction ${hash} and said no more of it, although its chain passed the expiry height ${expiryHeight}.`;
  }
  return undefined;
}
