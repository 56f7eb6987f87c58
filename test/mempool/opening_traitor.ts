/** What a traitor makes of the messages that its machine sends. It knows its own secret share, all ciphertexts, and the seeds that lying
 *  sealers chose. `lie` draws one of the others for each message. */

import type { HeldBlock } from "../../mempool/opening_interface.ts";
import type { OpeningMessage, PositionedShare } from "../../types/opening_message.ts";
import type { Opening, ProvenShare } from "../../types/sealing.ts";
import type { Tested } from "../crypto/sealing/support.ts";
import type { Prng } from "../support/prng.ts";
import { index, type Keys, type TestItem } from "./opening_fixture.ts";

export const BETRAYALS = [
  "withhold",
  "withholdShares",
  "withholdSeeds",
  "corruptShares",
  "corruptAndDeny",
  "corruptAndProveOther",
  "rubbishProofs",
  "wrongSeeds",
  "falseFailures",
  "forgedSeeds",
  "noise",
  "lie",
] as const;
export type Betrayal = (typeof BETRAYALS)[number];

export interface TraitorWorld {
  readonly tested: Tested;
  readonly keys: Keys;
  readonly self: number;
  readonly blocks: readonly HeldBlock[];
  readonly prng: Prng;
}

interface Given {
  readonly world: TraitorWorld;
  readonly to: number;
  readonly message: OpeningMessage;
}

/** What goes out to one receiver instead of the message. */
export function betray(betrayal: Betrayal, given: Given): readonly OpeningMessage[] {
  const { message, world } = given;
  switch (betrayal) {
    case "withhold":
      return [];
    case "withholdShares":
      return message.type === "shares" || message.type === "proofs" ? [] : [message];
    case "withholdSeeds":
      return message.type === "seeds" ? [] : [message];
    case "corruptShares":
    case "corruptAndProveOther":
      return message.type === "shares" ? [{ ...message, shares: message.shares.map((share) => corrupt(world, share)) }] : [message];
    case "corruptAndDeny":
      if (message.type === "proofs") return [];
      return betray("corruptShares", given);
    case "rubbishProofs":
      if (message.type !== "proofs") return betray("corruptShares", given);
      return [{ ...message, batches: message.batches.map((batch) => ({ ...batch, proof: world.prng.bytes(64) })) }];
    case "wrongSeeds":
      return message.type === "seeds" ? [claim(message.blockHash, message.openings, () => wrongSeed(world))] : [message];
    case "falseFailures":
      if (message.type !== "seeds") return [message];
      return [claim(message.blockHash, message.openings, (position) => falseFailure(world, { blockHash: message.blockHash, position }))];
    case "forgedSeeds":
      return [message, ...forged(world, message.blockHash)];
    case "noise":
      return noise(given);
    case "lie": {
      const other = BETRAYALS[world.prng.below(BETRAYALS.length - 1)] as Betrayal;
      return betray(other, given);
    }
    default:
      return [];
  }
}

const wrongSeed = ({ prng }: TraitorWorld): Opening => ({ type: "seed", seed: prng.bytes(32) });

function claim(
  blockHash: OpeningMessage["blockHash"],
  positions: readonly { readonly position: number }[],
  make: (position: number) => Opening,
): OpeningMessage {
  return { type: "seeds", blockHash, openings: positions.map(({ position }) => ({ position, opening: make(position) })) };
}

const itemsOf = ({ blocks }: TraitorWorld, hash: string): readonly TestItem[] =>
  blocks.filter(({ blockHash }) => blockHash === hash).flatMap(({ items }) => items as readonly TestItem[]);

/** Sometimes no point at all, sometimes the share of another secret. */
function corrupt({ tested, prng }: TraitorWorld, { position, share }: PositionedShare): PositionedShare {
  if (prng.below(2) === 0) return { position, share: prng.bytes(32) };
  const other = tested.suite.publicKeyOf(tested.suite.deriveSecretKey(prng.bytes(32)));
  return { position, share: prng.below(8) === 0 ? share : other };
}

/** One share is proven by its right owner; the others are made up. */
function falseFailure(world: TraitorWorld, at: { readonly blockHash: string; readonly position: number }): Opening {
  const { tested, keys, self, prng } = world;
  const { sealed } = itemsOf(world, at.blockHash)[at.position] as TestItem;
  const secretShare = keys.secretShares[self] as Uint8Array;
  const own = { share: tested.suite.shareOf(secretShare, sealed), proof: tested.suite.proveShares({ secretShare, sealed: [sealed] }) };
  const count = keys.key.threshold - prng.below(2);
  const first = prng.below(keys.key.shareKeys.length - count + 1);
  const shares: ProvenShare[] = Array.from({ length: count }, (_, place) => ({ validator: index(first + place), ...own }));
  return { type: "failed", shares };
}

/** The seeds that lying sealers gave to the traitor: U fits, or c does. */
function forged(world: TraitorWorld, hash: OpeningMessage["blockHash"]): readonly OpeningMessage[] {
  const items = itemsOf(world, hash);
  const lies = items.flatMap(({ kind }, position) => (kind === "honest" ? [] : [{ position }]));
  if (lies.length === 0) return [];
  return [claim(hash, lies, (position) => ({ type: "seed", seed: (items[position] as TestItem).forgedSeed }))];
}

/** Repetition, positions that do not exist, unknown blocks, proofs nobody asked for, requests for everything. */
function noise({ message, world }: Given): readonly OpeningMessage[] {
  const { prng } = world;
  const { blockHash } = message;
  const extra: OpeningMessage[] = [
    message,
    { type: "shares", blockHash, shares: [{ position: 2_000, share: prng.bytes(32) }] },
    { type: "openingRequest", blockHash, positions: [0] },
    { type: "proofRequest", blockHash, positions: [0], isSeparate: prng.below(2) === 0 },
    { type: "proofs", blockHash, batches: [{ shares: [{ position: 0, share: prng.bytes(32) }], proof: prng.bytes(64) }] },
    { type: "seeds", blockHash, openings: [{ position: 2_047, opening: { type: "seed", seed: prng.bytes(32) } }] },
    { type: "shares", blockHash: "f".repeat(64) as typeof blockHash, shares: [{ position: 0, share: prng.bytes(32) }] },
  ];
  return [message, extra[prng.below(extra.length)] as OpeningMessage];
}
