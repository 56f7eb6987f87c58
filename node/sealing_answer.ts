/** What a node tells about sealing: the live key with what proves it to a client, or how far its generation is, in words.
 *
 *  The proof is a final header that names the key and a commit certificate over that very header. It is looked for once and kept. */

import type { KeygenStatus } from "../mempool/keygen_interface.ts";
import type { Replica } from "../replica/interface.ts";
import type { Store } from "../storage/interface.ts";
import type { BlockHeader } from "../types/block.ts";
import { Height } from "../types/ids.ts";
import type { SealingKey } from "../types/sealing.ts";
import type { Certificate } from "../types/vote.ts";

export type SealingAnswer =
  | { readonly type: "off" }
  /** `detail`: one sentence that says whose move it is. */
  | { readonly type: "generating"; readonly detail: string; readonly keygen: KeygenStatus }
  | {
      readonly type: "live";
      readonly key: SealingKey;
      readonly suite: number;
      readonly activationHeight: Height;
      readonly header: BlockHeader;
      readonly certificate: Certificate;
    };

interface Proof {
  readonly key: SealingKey;
  readonly header: BlockHeader;
  readonly certificate: Certificate;
}

/** Final heights that are looked through for a header with a certificate of its own. */
const HEIGHTS_SEARCHED_MAX = 256;

export function createSealingAnswer(parts: {
  readonly replica: Pick<Replica, "sealingKey" | "status">;
  readonly store: Pick<Store, "finalHeight" | "finality" | "blockAt">;
  /** Number of the suite that genesis names. */
  readonly suite: number;
}): () => SealingAnswer {
  const { replica, store, suite } = parts;
  let proof: Proof | undefined;

  function findProof(key: SealingKey): Proof | undefined {
    const lowest = Math.max(1, store.finalHeight - HEIGHTS_SEARCHED_MAX + 1);
    for (let height = Number(store.finalHeight); height >= lowest; height--) {
      const finality = store.finality(Height.of(height));
      if (finality === undefined || finality.certificate.ballot.blockHash !== finality.blockHash) continue;
      const header = store.blockAt(Height.of(height))?.header;
      // Older headers name no key either.
      if (header?.keyId !== key.keyId) return undefined;
      return { key, header, certificate: finality.certificate };
    }
    return undefined;
  }

  return () => {
    const { sealing } = replica.status;
    if (sealing === undefined) return { type: "off" };
    const { keygen } = sealing;
    const live = replica.sealingKey;
    if (live === undefined) return { type: "generating", detail: describeKeygen(keygen), keygen };
    if (proof?.key.keyId !== live.key.keyId) proof = findProof(live.key);
    if (proof === undefined)
      return { type: "generating", detail: "the key is made; the first final block that names it is awaited", keygen };
    const { key, activationHeight } = live;
    return { type: "live", key, suite, activationHeight, header: proof.header, certificate: proof.certificate };
  };
}

/** One sentence: how far the key generation is, and whom it waits for. */
export function describeKeygen({ phase, round, deals, dealsNeeded, answers, answersNeeded, missing, ownShare }: KeygenStatus): string {
  const attempt = round === 0 ? "" : ` (round ${round + 1})`;
  const whom = missing.length === 0 ? "" : `; waiting for ${missing.map((index) => `v${index}`).join(", ")}`;
  switch (phase) {
    case "dealing":
      return `making the sealing key${attempt}: ${deals} deals are final, ${dealsNeeded} are needed${whom}`;
    case "answering":
      return `making the sealing key${attempt}: ${answers} validators have checked their shares, ${answersNeeded} are needed${whom}`;
    case "live":
      return ownShare === "lost"
        ? "the sealing key is live; this validator has no share of it and opens nothing"
        : "the sealing key is live";
  }
}
