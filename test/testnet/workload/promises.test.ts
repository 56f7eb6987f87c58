/** What one validator's facts bind it to: each promise is broken once, and each that looks broken and is not stays unsaid. */

import t from "tap";
import type { FactOf } from "../../../testnet/simulator/facts.ts";
import { createPromises } from "../../../testnet/workload/promises.ts";
import type { TransactionHash } from "../../../types/ids.ts";

const FIRST = "a1".repeat(32) as TransactionHash;
const SECOND = "b2".repeat(32) as TransactionHash;

/** Only what is read of each fact. */
function answered(hash: TransactionHash, code?: string): FactOf<"answered"> {
  const refusal = code === undefined ? undefined : { code, canRetry: false, advice: "" };
  return { type: "answered", atUs: 1, validator: 2, client: 0, hash, refusal };
}

function finalized(height: number, hashes: readonly TransactionHash[] = []): FactOf<"finalized"> {
  const block = { header: { height }, receipts: hashes.map((hash) => ({ hash, code: 0, operationCodes: [] })) };
  return { type: "finalized", atUs: 2, validator: 2, blocks: [block] } as unknown as FactOf<"finalized">;
}

function proposed(hashes: readonly TransactionHash[]): FactOf<"signedProposal"> {
  const proposal = { header: { view: 7 }, transactionHashes: hashes };
  return { type: "signedProposal", atUs: 3, validator: 2, proposal } as unknown as FactOf<"signedProposal">;
}

const dropped = (hash: TransactionHash): FactOf<"dropped"> => ({
  type: "dropped",
  atUs: 3,
  validator: 2,
  hash,
  refusal: { code: "expired", canRetry: false, advice: "" },
});

t.test("M2: createPromises, a transaction that was reported as final is proposed or refused in the same life, named", async (t) => {
  const promises = createPromises(() => false);
  t.equal(promises.noteFinalized(finalized(1, [FIRST])), undefined);
  t.match(
    promises.noteProposal(proposed([SECOND, FIRST])),
    /Validator 2 proposed transaction a1a1.* in view 7, after it had reported it as final/,
  );
  t.match(promises.noteAnswered(answered(FIRST, "nonceReplayed"), 9), /refused transaction a1a1.* with nonceReplayed/);
  t.equal(promises.noteAnswered(answered(FIRST, "alreadyFinal"), 9), undefined);
  t.equal(promises.noteAnswered(answered(FIRST), 9), undefined);
  t.equal(promises.noteAnswered(answered(SECOND, "nonceReplayed"), 9), undefined);
  promises.noteLife(2);
  t.equal(promises.noteProposal(proposed([FIRST])), undefined, "in another life");
});

t.test(
  "M3: createPromises, accepted and never heard of again past the expiry height, named; final, dropped or lost in a crash, silent",
  async (t) => {
    const after = (act: (promises: ReturnType<typeof createPromises>) => void): string | undefined => {
      const promises = createPromises(() => false);
      promises.noteAnswered(answered(FIRST), 5);
      promises.noteFinalized(finalized(4));
      act(promises);
      promises.noteFinalized(finalized(5));
      return promises.noteFinalized(finalized(6));
    };
    t.match(
      after(() => undefined),
      /accepted transaction a1a1.* and said no more of it, although its chain passed the expiry height 5/,
    );
    t.equal(
      after((promises) => promises.noteDropped(dropped(FIRST))),
      undefined,
    );
    t.equal(
      after((promises) => promises.noteFinalized(finalized(5, [FIRST]))),
      undefined,
    );
    t.equal(
      after((promises) => promises.noteLife(2)),
      undefined,
    );
    const known = createPromises((hash) => hash === FIRST);
    known.noteAnswered(answered(FIRST), 5);
    known.noteFinalized(finalized(5));
    t.equal(known.noteFinalized(finalized(6)), undefined, "final in an earlier life, which ended before it was reported");
    const promises = createPromises(() => false);
    promises.noteAnswered(answered(FIRST), 6);
    promises.noteAnswered(answered(SECOND, "expired"), 5);
    promises.noteFinalized(finalized(5));
    t.equal(promises.noteFinalized(finalized(6)), undefined, "it may still be ordered at that height, and refusals promise nothing");
  },
);
