/** Key generation messages behind the golden vectors, written out or computed from their position like the values of samples.ts. */

import { toHex } from "../../types/bytes.ts";
import { Epoch, ValidatorIndex, ZERO_HASH } from "../../types/ids.ts";
import type { KeygenMessage } from "../../types/keygen.ts";
import type { KeyId } from "../../types/sealing.ts";
import { CHAIN_ID, counting } from "./samples.ts";

const head = {
  chainId: CHAIN_ID,
  epoch: Epoch.of(1),
  previousKeyId: ZERO_HASH as string as KeyId,
  round: 0,
  validator: ValidatorIndex.of(2),
};

/** A deal, an ack in a resharing with the largest numbers that count, and a complaint about two dealers. */
export const keygenMessages: readonly KeygenMessage[] = [
  {
    ...head,
    body: {
      kind: "deal",
      deal: {
        commitments: [counting(32, 0x01), counting(32, 0x02), counting(32, 0x03)],
        ephemeral: counting(32, 0x04),
        sealedShares: [counting(32, 0x05), counting(32, 0x06), counting(32, 0x07), counting(32, 0x08)],
        proof: counting(96, 0x09),
      },
    },
  },
  {
    ...head,
    epoch: Epoch.of(Number.MAX_SAFE_INTEGER),
    previousKeyId: toHex<KeyId>(counting(32, 0x21)),
    round: 65_535,
    validator: ValidatorIndex.of(127),
    body: { kind: "ack" },
  },
  {
    ...head,
    round: 1,
    body: {
      kind: "complaint",
      complaints: [
        { dealer: ValidatorIndex.of(0), disclosure: { sharedPoint: counting(32, 0x0a), proof: counting(64, 0x0b) } },
        { dealer: ValidatorIndex.of(3), disclosure: { sharedPoint: counting(32, 0x0c), proof: counting(64, 0x0d) } },
      ],
    },
  },
];
