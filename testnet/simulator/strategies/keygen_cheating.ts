/** Cheats in the key generation, in one of these ways for the whole run: deals some validators shares that do not fit, deals nothing, never answers,
 *  complains without reason, copies another's ephemeral point, or deals what is not well-formed. Complaints and proofs bar it; the rest make the key. */

import type { KeyDeal, SealingSuite } from "../../../types/sealing.ts";
import type { KeygenCheat, Strategy, TraitorContext } from "../strategy.ts";

const WAYS = ["badShares", "silentDealer", "silentRecipient", "groundless", "copiedEphemeral", "malformed"] as const;
type Way = (typeof WAYS)[number];

export function createKeygenCheating(): Strategy {
  let way: Way | undefined;
  return {
    onKeygen(suite, context) {
      way ??= context.stream.pick(WAYS);
      if (!context.acts(0)) return { suite, isSilent: () => false };
      context.note(0, `cheats in the key generation: ${way}`);
      return cheatOf(way, suite, context);
    },
  };
}

function cheatOf(way: Way, suite: SealingSuite, context: TraitorContext): KeygenCheat {
  const { stream, self, count } = context;
  const honestly: KeygenCheat = { suite, isSilent: () => false };
  switch (way) {
    case "badShares": {
      // Always the same victims: after a restart it says the same bytes.
      const first = (self + stream.between(1, Math.max(1, count - 1))) % count;
      return {
        ...honestly,
        suite: {
          ...suite,
          // Sealed to another key than the victim's: well-formed, and worth nothing to it.
          deal: (given) =>
            suite.deal({
              ...given,
              recipients: given.recipients.map((key, index) => (index === first ? (given.recipients[self] ?? key) : key)),
            }),
        },
      };
    }
    case "silentDealer":
      return { suite, isSilent: (phase) => phase === "dealing" };
    case "silentRecipient":
      return { suite, isSilent: (phase) => phase === "answering" };
    case "groundless":
      return { ...honestly, suite: { ...suite, receiveShare: () => undefined } };
    case "copiedEphemeral": {
      let seen: KeyDeal | undefined;
      return {
        suite: {
          ...suite,
          isDealWellFormed(given) {
            seen ??= given.deal;
            return suite.isDealWellFormed(given);
          },
          deal: (given) => ({ ...suite.deal(given), ...(seen === undefined ? {} : { ephemeral: seen.ephemeral }) }),
        },
        // Waits for a deal to copy from.
        isSilent: (phase) => phase === "dealing" && seen === undefined,
      };
    }
    case "malformed":
      return { ...honestly, suite: { ...suite, deal: (given) => withoutLast(suite.deal(given)) } };
  }
}

const withoutLast = (deal: KeyDeal): KeyDeal => ({ ...deal, commitments: deal.commitments.slice(0, -1) });
