/** What the opening of sealed lanes offers and asks for: inputs, effects, limits. `createOpenings` in `opening.ts` implements it.
 *  Every method returns what should happen, in order: an effect is carried out only when those before it are done. */

import type { BlockHash, Height, ValidatorIndex, View } from "../types/ids.ts";
import type { OpeningMessage } from "../types/opening_message.ts";
import type { Opening, OpenResult, SealingKey, SealingSuite } from "../types/sealing.ts";

/** One sealed transaction. It has passed the suite's `check` under its label. */
export interface SealedItem {
  readonly label: Uint8Array;
  readonly sealed: Uint8Array;
  /** Our own share under the block's key where it was computed ahead (by a worker); it is trusted and, like any other, leaves only after
   *  `release`. */
  readonly share?: Uint8Array;
}

export interface HeldBlock {
  readonly blockHash: BlockHash;
  readonly height: Height;
  readonly view: View;
  readonly key: SealingKey;
  /** Those that the block will execute, in the order of the lane: all of it, a part from its front, or none at the end of an epoch. */
  readonly items: readonly SealedItem[];
}

export interface OpeningConfig {
  /** Blocks with fewer sealed transactions send their shares to everybody at once. 0: never. */
  readonly fewSealed: number;
  /** After a block is final, seeds are waited for this long before everybody sends shares to everybody, in ms. */
  readonly openMs: number;
}

/** Group multiplications (roughly) after which a step hands back and asks for another one with `proceed`. */
export const STEP_WORK_MAX = 1_024;
/** Blocks held at once. When there is no room, the one of the lowest view that is not final gives way; when all are final, a newcomer is
 *  not taken. */
export const HELD_BLOCKS_MAX = 64;
/** Opened blocks whose openings are still answered for after `forget`, oldest dropped first. */
export const RECENT_BLOCKS_MAX = 32;
/** Messages kept for blocks that are not held yet, of each validator: number and encoded bytes, roughly. The oldest gives way. */
export const EARLY_MESSAGES_MAX = 8;
export const EARLY_BYTES_MAX = 256 * 1024;
/** Repetition in the fall-back waits openMs, then twice as long each time, up to this many times openMs. */
export const BACK_OFF_MAX = 16;

/** What a validator did that no honest one does. The driver counts it against the peer. */
export type OpeningOffence =
  /** A share that its sender's own proof, or its failing proof, shows to be wrong. */
  | "invalidShare"
  /** A seed that does not give back U. */
  | "invalidSeed"
  /** A failed opening without threshold proven shares, or whose shares do combine to a seed. */
  | "falseFailure"
  /** A position that the block does not open. */
  | "wrongPosition"
  /** A second share for a position that differs from the first. */
  | "conflictingShare";

export type OpeningEffect =
  /** On disk before any later effect of the same list is carried out. */
  | { readonly type: "storeShares"; readonly blockHash: BlockHash; readonly bytes: Uint8Array }
  | { readonly type: "send"; readonly to: ValidatorIndex; readonly message: OpeningMessage }
  /** To every other validator. */
  | { readonly type: "broadcast"; readonly message: OpeningMessage }
  /** `openingsOf` and `resultsOf` of this block are complete. Once per block; final or not. */
  | { readonly type: "opened"; readonly blockHash: BlockHash }
  | { readonly type: "penalize"; readonly validator: ValidatorIndex; readonly offence: OpeningOffence }
  /** Work is left: call `proceed` after other inputs had their turn. */
  | { readonly type: "proceed" };

export interface OpeningStatus {
  readonly blockHash: BlockHash;
  readonly height: Height;
  readonly isReleased: boolean;
  readonly isFinal: boolean;
  readonly positionCount: number;
  readonly openedCount: number;
  /** Whose share we lack for a position that we combine, and who combines the unopened others. */
  readonly waitingFor: readonly ValidatorIndex[];
}

export interface Openings {
  /** The block's body is here. `false`: no room (see HELD_BLOCKS_MAX); offer it again when blocks were forgotten. Held already: true. */
  hold(block: HeldBlock): { readonly isHeld: boolean; readonly effects: readonly OpeningEffect[] };
  isHeld(blockHash: BlockHash): boolean;
  /** A CC of the block or of a descendant is held: the only way shares ever come out. `secretShare` is
   *  undefined when we hold no share of the key. Not held, or released before: nothing happens. */
  release(given: { readonly blockHash: BlockHash; readonly secretShare: Uint8Array | undefined }): readonly OpeningEffect[];
  /** The block is final: from now on its openings are waited for. Not held: nothing happens. */
  finalize(given: { readonly blockHash: BlockHash; readonly nowMs: number }): readonly OpeningEffect[];
  /** A decoded message over an authenticated link from validator `from`. */
  receive(given: { readonly from: ValidatorIndex; readonly message: OpeningMessage; readonly nowMs: number }): readonly OpeningEffect[];
  /** The driver calls this at `dueMs` or later. */
  timer(nowMs: number): readonly OpeningEffect[];
  readonly dueMs: number | undefined;
  /** Carries on with work that a step left; asked for by the effect of this name. */
  proceed(): readonly OpeningEffect[];
  /** Openings from elsewhere (sync): judged, and taken when they are right. */
  adopt(given: { readonly blockHash: BlockHash; readonly openings: readonly Opening[] }): {
    readonly ok: boolean;
    readonly effects: readonly OpeningEffect[];
  };
  /** After a restart, for a held block: stored shares count as released and go out again. Bytes that are no shares of this block: nothing. */
  restoreShares(given: {
    readonly blockHash: BlockHash;
    readonly bytes: Uint8Array;
    readonly secretShare: Uint8Array | undefined;
  }): readonly OpeningEffect[];
  /** After a restart: openings of an executed block come back to be answered for. */
  restoreOpenings(given: { readonly blockHash: BlockHash; readonly openings: readonly Opening[] }): void;
  /** All openings in lane order, also of recently forgotten blocks; undefined while one is missing or the block is unknown. */
  openingsOf(blockHash: BlockHash): readonly Opening[] | undefined;
  /** What the held block's sealed transactions turned out to be, in lane order; undefined while an opening is missing. */
  resultsOf(blockHash: BlockHash): readonly OpenResult[] | undefined;
  /** Executed, or never to be final: drops everything but the openings of a complete block. */
  forget(blockHash: BlockHash): void;
  /** Held blocks by height, then hash. */
  status(): readonly OpeningStatus[];
}

export interface OpeningsOptions {
  readonly suite: SealingSuite;
  /** Our validator index; undefined for a node that only follows. */
  readonly self: ValidatorIndex | undefined;
  readonly validatorCount: number;
  readonly config: OpeningConfig;
}
