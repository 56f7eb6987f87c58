/** What the tests of the opening share: keys, blocks of honest and forged sealed parts, a suite that counts its calls. */

import { createOpenings } from "../../mempool/opening.ts";
import type { HeldBlock, OpeningConfig, OpeningEffect, Openings, SealedItem } from "../../mempool/opening_interface.ts";
import { asciiBytes } from "../../types/bytes.ts";
import { type BlockHash, Height, ValidatorIndex, View } from "../../types/ids.ts";
import type { OpeningMessage } from "../../types/opening_message.ts";
import type { KeyId, OpenResult, SealingKey, SealingSuite } from "../../types/sealing.ts";
import { fast, freshKey, type Lie, type Tested } from "../crypto/sealing/support.ts";
import { createPrng, type Prng } from "../support/prng.ts";

export const CONFIG: OpeningConfig = { fewSealed: 0, openMs: 100 };
export const blockHashOf = (number: number): BlockHash => number.toString(16).padStart(64, "0") as BlockHash;
export const index = ValidatorIndex.of;

export interface Keys {
  readonly key: SealingKey;
  readonly secretShares: readonly Uint8Array[];
}

export function keysOf(tested: Tested, validatorCount: number): Keys {
  const { publicKey, shareKeys, secretShares, threshold } = freshKey(tested.suite, validatorCount);
  return { key: { keyId: "k" as KeyId, publicKey, shareKeys, threshold }, secretShares };
}

/** An honest sealed part, or how its sealer lied. */
export type Sealed = "honest" | Lie;

export interface TestItem extends SealedItem {
  readonly kind: Sealed;
  /** The seed that a lying sealer may show. */
  readonly forgedSeed: Uint8Array;
  readonly expected: OpenResult;
}

export function itemOf(
  tested: Tested,
  { key, kind, prng }: { readonly key: SealingKey; readonly kind: Sealed; readonly prng: Prng },
): TestItem {
  const label = prng.bytes(24);
  const { publicKey } = key;
  const forgedSeed = prng.bytes(32);
  if (kind === "honest") {
    const message = prng.bytes(16);
    const sealed = tested.suite.seal({ publicKey, label, message, randomness: prng.bytes(64) });
    return { label, sealed, kind, forgedSeed, expected: { ok: true, message } };
  }
  const sealed = tested.forge({ publicKey, label, lie: kind, seed: forgedSeed, factor: 77 });
  return { label, sealed, kind, forgedSeed, expected: { ok: false, reason: kind === "wrongBody" ? "badBody" : "badSeed" } };
}

export function blockOf(
  given: { readonly items: readonly SealedItem[]; readonly key: SealingKey } & { readonly number?: number; readonly view?: number },
): HeldBlock {
  const { items, key, number = 1, view = 0 } = given;
  return { blockHash: blockHashOf(number), height: Height.of(number), view: View.of(view), key, items };
}

export type Counted = "shareOf" | "combine" | "isSeedOf" | "proveShares" | "verifyShares";

/** The same suite, counting. */
export function countingSuite(suite: SealingSuite): { readonly suite: SealingSuite; readonly counts: Record<Counted, number> } {
  const counts = { shareOf: 0, combine: 0, isSeedOf: 0, proveShares: 0, verifyShares: 0 };
  const counted: SealingSuite = {
    ...suite,
    shareOf: (...given) => {
      counts.shareOf++;
      return suite.shareOf(...given);
    },
    combine: (given) => {
      counts.combine++;
      return suite.combine(given);
    },
    isSeedOf: (given) => {
      counts.isSeedOf++;
      return suite.isSeedOf(given);
    },
    proveShares: (given) => {
      counts.proveShares++;
      return suite.proveShares(given);
    },
    verifyShares: (given) => {
      counts.verifyShares++;
      return suite.verifyShares(given);
    },
  };
  return { suite: counted, counts };
}

/** One machine under test with the shares of everybody at hand. */
export interface Bench {
  readonly openings: Openings;
  readonly block: HeldBlock;
  readonly keys: Keys;
  readonly counts: Record<Counted, number>;
  /** Right shares of a validator. */
  shares(validator: number, positions: readonly number[]): OpeningMessage;
  /** A validator's honest answer to a request for proofs. */
  proofs(validator: number, positions: readonly number[], isSeparate?: boolean): OpeningMessage;
  seedOf(position: number): Uint8Array;
  receive(from: number, message: OpeningMessage, nowMs?: number): readonly OpeningEffect[];
  release(): readonly OpeningEffect[];
}

export function benchOf(
  tested: Tested,
  given: {
    readonly validatorCount: number;
    readonly self: number;
    readonly kinds: readonly Sealed[];
    readonly prng: Prng;
    readonly config?: OpeningConfig;
  },
): Bench {
  const { validatorCount, self, kinds, prng, config = CONFIG } = given;
  const keys = keysOf(tested, validatorCount);
  const { key, secretShares } = keys;
  const items = kinds.map((kind) => itemOf(tested, { key, kind, prng }));
  const block = blockOf({ items, key });
  const { blockHash } = block;
  const { suite, counts } = countingSuite(tested.suite);
  const openings = createOpenings({ suite, self: index(self), validatorCount, config });
  const sealedAt = (position: number): Uint8Array => (items[position] as TestItem).sealed;
  const shareOf = (validator: number, position: number) => ({
    position,
    share: tested.suite.shareOf(secretShares[validator] as Uint8Array, sealedAt(position)),
  });
  return {
    openings,
    block,
    keys,
    counts,
    shares: (validator, positions) => ({
      type: "shares",
      blockHash,
      shares: positions.map((position) => shareOf(validator, position)),
    }),
    proofs(validator, positions, isSeparate = false) {
      const lists = isSeparate ? positions.map((position) => [position]) : [positions];
      const secretShare = secretShares[validator] as Uint8Array;
      const batches = lists.map((list) => ({
        shares: list.map((position) => shareOf(validator, position)),
        proof: tested.suite.proveShares({ secretShare, sealed: list.map(sealedAt) }),
      }));
      return { type: "proofs", blockHash, batches };
    },
    seedOf(position) {
      const { label, sealed } = items[position] as TestItem;
      const shares = Array.from({ length: key.threshold }, (_, validator) => ({
        validator: index(validator),
        share: shareOf(validator, position).share,
      }));
      return tested.suite.combine({ shares, label, sealed }) ?? asciiBytes("");
    },
    receive: (from, message, nowMs = 0) => openings.receive({ from: index(from), message, nowMs }),
    release: () => openings.release({ blockHash, secretShare: secretShares[self] }),
  };
}

/** Validator under test of four: in view 0 it opens positions 1, 5, 9 …; three shares open. */
export const SELF = 1;
export const lane = (count: number): Sealed[] => Array.from({ length: count }, () => "honest");

export function benchOfFour(kinds: readonly Sealed[], config: OpeningConfig = CONFIG): Bench {
  return benchOf(fast, { validatorCount: 4, self: SELF, kinds, prng: createPrng(7), config });
}

/** With its block held. */
export function heldOfFour(kinds: readonly Sealed[], config: OpeningConfig = CONFIG): Bench {
  const made = benchOfFour(kinds, config);
  made.openings.hold(made.block);
  return made;
}

export const seeds = (of: Bench, positions: readonly number[]): OpeningMessage => ({
  type: "seeds",
  blockHash: of.block.blockHash,
  openings: positions.map((position) => ({ position, opening: { type: "seed", seed: of.seedOf(position) } })),
});
export const ask = (of: Bench, positions: readonly number[]): OpeningMessage => ({
  type: "openingRequest",
  blockHash: of.block.blockHash,
  positions,
});
export const askProofs = (of: Bench, positions: readonly number[], isSeparate = false): OpeningMessage => ({
  type: "proofRequest",
  blockHash: of.block.blockHash,
  positions,
  isSeparate,
});

/** Effects in short: what is sent where, and who is penalized for what. */
export function brief(effects: readonly OpeningEffect[]): string[] {
  return effects.map((effect) => {
    switch (effect.type) {
      case "send":
        return `${effect.to}<${describe(effect.message)}`;
      case "broadcast":
        return `*<${describe(effect.message)}`;
      case "penalize":
        return `${effect.offence}:${effect.validator}`;
      case "storeShares":
      case "opened":
      case "proceed":
        return effect.type;
      default:
        return "unknown";
    }
  });
}

function describe(message: OpeningMessage): string {
  switch (message.type) {
    case "shares":
      return `shares ${message.shares.map(({ position }) => position).join()}`;
    case "seeds":
      return `seeds ${message.openings.map(({ position, opening }) => `${position}${opening.type === "failed" ? "!" : ""}`).join()}`;
    case "openingRequest":
      return `ask ${message.positions.join()}`;
    case "proofRequest":
      return `prove ${message.positions.join()}${message.isSeparate ? " separately" : ""}`;
    case "proofs":
      return `proofs ${message.batches.map(({ shares }) => shares.map(({ position }) => position).join("+")).join()}`;
    default:
      return "unknown";
  }
}
