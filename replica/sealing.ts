/** What a chain with sealed transactions adds to the machine: the pool of those that wait, inclusion lists, lanes, openings and the key
 *  generation, and the rules that tie them to headers. A chain without has no `Sealing`, and its blocks no sealed lane.
 *
 *  SL1 a header names the key that was live at its executed height. SL2 a block carries n − f inclusion lists for its view exactly when it names
 *  a key and is at most UNOPENED_BLOCKS_MAX above its executed height; its sealed lane is Canon of them. Otherwise it has neither.
 *  SL3 shares leave when a CC is held; SL4 they are stored first; SL5 a block is executed when it is opened. */

import type { ConsensusEffect } from "../consensus/interface.ts";
import { isSameEntry } from "../mempool/canon.ts";
import { createInclusionKeeper, type InclusionKeeper, judgeLists } from "../mempool/inclusion.ts";
import type { Keygen } from "../mempool/keygen_interface.ts";
import { createListedStore, type ListedStore } from "../mempool/listed_store.ts";
import type { OpenPoolLimits } from "../mempool/open_pool.ts";
import { createOpenings } from "../mempool/opening.ts";
import type { OpeningConfig, Openings } from "../mempool/opening_interface.ts";
import { createSealedPool, type SealedPool } from "../mempool/sealed_pool.ts";
import { assert } from "../types/assert.ts";
import type { BlockHeader } from "../types/block.ts";
import { fromHex } from "../types/bytes.ts";
import { entryOf, type ListEntry } from "../types/envelope.ts";
import { type BlockHash, type Height, type TransactionHash, type ValidatorIndex, View, ZERO_HASH } from "../types/ids.ts";
import { type InclusionList, listSigningBytes } from "../types/inclusion_list.ts";
import { UNOPENED_BLOCKS_MAX } from "../types/limits.ts";
import type { KeyId, SealingSuite } from "../types/sealing.ts";
import type { PeerKey } from "../types/sender.ts";
import type { SigningDomain } from "../types/signing.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { ValidatorSetContext } from "../types/validator_set.ts";
import type { Body } from "./bodies.ts";
import { createLanes, type LaneBlock, type Lanes } from "./lanes.ts";

export interface SealingConfig {
  readonly pool: OpenPoolLimits;
  readonly opening: OpeningConfig;
  /** A validator that sees something new sends a newer list at most this often, in ms. */
  readonly listIntervalMs: number;
}

export interface SealingOptions {
  readonly suite: SealingSuite;
  /** Stands at the final head, as `recoverReplica` leaves it. */
  readonly keygen: Keygen;
  /** Ed25519 by our validator key, 64 bytes, for inclusion lists; undefined for an observer. */
  readonly sign: ((message: Uint8Array) => Uint8Array) | undefined;
  readonly config: SealingConfig;
}

export interface AskedEntries {
  readonly ids: ReadonlySet<TransactionHash>;
  readonly atMs: number;
  /** How often in a row: the maker first, then anybody. */
  readonly rounds: number;
}

export interface Sealing extends SealingOptions {
  readonly domain: SigningDomain;
  readonly self: ValidatorIndex | undefined;
  readonly validatorCount: number;
  /** n − f: lists that count, and shares that open. */
  readonly quorumCount: number;
  readonly pool: SealedPool;
  readonly inclusion: InclusionKeeper;
  /** What lists name and our pool does not hold: fetched because of a list, or let go by our pool. */
  readonly listed: ListedStore;
  /** What was last asked of the makers of lists, until it is asked again. */
  readonly asked: Map<ValidatorIndex, AskedEntries>;
  readonly lanes: Lanes;
  readonly openings: Openings;
  /** Peers at the other end of direct links, as far as they have spoken. */
  readonly links: Map<ValidatorIndex, PeerKey>;
  readonly verifyList: (list: InclusionList) => boolean;
  /** Numbers our lists; only the order within one view matters. */
  listSequence: number;
  /** The list that we sent last. */
  sentList: { readonly view: View; readonly leader: ValidatorIndex; readonly changes: number; readonly atMs: number } | undefined;
  /** The highest view of which a proposal was seen: lists for it come too late. */
  proposedView: View;
  /** Our own build, while too few lists are here. */
  waitingBuild: Extract<ConsensusEffect, { type: "build" }> | undefined;
  /** Grows with all that a waiting build may have lacked: what it was when the build was last tried. */
  triedAt: number;
  /** Valid blocks that the openings had no room for. */
  readonly unheld: Set<BlockHash>;
}

export function createSealing(
  options: SealingOptions & {
    readonly domain: SigningDomain;
    readonly validators: ValidatorSetContext;
    readonly self: ValidatorIndex | undefined;
    readonly verifyEd25519: VerifyEd25519;
    /** See `createLanes`. */
    readonly executed: readonly LaneBlock[];
    readonly head: BlockHash;
  },
): Sealing {
  const { suite, keygen, sign, config, domain, validators, self, verifyEd25519 } = options;
  const { validators: members, epoch } = validators.set;
  const validatorCount = members.length;
  const quorumCount = listQuorumOf(validatorCount);
  const createRoom = (limits: OpenPoolLimits): SealedPool => createSealedPool({ limits, chainId: domain.chainId, suite: suite.suite });
  return {
    suite,
    keygen,
    sign,
    config,
    domain,
    self,
    validatorCount,
    quorumCount,
    pool: createRoom(config.pool),
    inclusion: createInclusionKeeper({ epoch, validatorCount, self, view: View.ZERO }),
    listed: createListedStore({ validatorCount, createRoom }),
    asked: new Map(),
    lanes: createLanes({ ...options, threshold: validatorCount - quorumCount + 1 }),
    openings: createOpenings({ suite, self, validatorCount, config: config.opening }),
    links: new Map(),
    verifyList: (list) => {
      const key = members[list.validator]?.ed25519PublicKey;
      return key !== undefined && verifyEd25519(fromHex(key), listSigningBytes(domain, list), list.signature);
    },
    listSequence: 0,
    sentList: undefined,
    proposedView: View.ZERO,
    waitingBuild: undefined,
    triedAt: 0,
    unheld: new Set(),
  };
}

/** n − f by count: sealing asks for equal weights. */
export function listQuorumOf(validatorCount: number): number {
  return validatorCount - Math.floor((validatorCount - 1) / 3);
}

/** SL1: ZERO_HASH before there is a key. Asked only of heights that we have executed. */
export function keyIdAt(sealing: Sealing | undefined, executedHeight: Height): KeyId {
  const live = sealing?.keygen.live;
  return live !== undefined && live.activationHeight <= executedHeight + 1 ? live.key.keyId : NO_KEY;
}

export const NO_KEY = ZERO_HASH as string as KeyId;

/** SL2. */
export function needsLists(header: Pick<BlockHeader, "keyId" | "height" | "executedHeight">): boolean {
  return header.keyId !== NO_KEY && header.height - header.executedHeight <= UNOPENED_BLOCKS_MAX;
}

/** SL1 and SL2 of a complete body whose executed height we have reached. */
export function isLaneRight(sealing: Sealing | undefined, body: Body): boolean {
  const { header, lists, transactionHashes } = body.proposal;
  if (header.keyId !== keyIdAt(sealing, header.executedHeight)) return false;
  if (!needsLists(header)) return lists.length === 0 && header.sealedCount === 0;
  assert(sealing !== undefined, "a chain without sealing has no key");
  const { validatorCount, quorumCount, verifyList, lanes, domain } = sealing;
  const { view, height, parentHash, keyId } = header;
  // What we built ourselves is made of lists that were verified when they came.
  const verify = body.from.type === "self" ? () => true : verifyList;
  if (judgeLists({ lists, view, epoch: domain.epoch, quorumCount, validatorCount, verify }) !== undefined) return false;
  const { lane } = lanes.laneOver(parentHash, { height, lists });
  if (lane.length !== header.sealedCount) return false;
  return lane.every((entry, index) => transactionHashes[index] === entry.id && isEntryTrue(body, index, { entry, keyId }));
}

/** Does the held envelope say what its list entry says, and is it sealed to the live key? */
function isEntryTrue(body: Body, index: number, named: { readonly entry: ListEntry; readonly keyId: KeyId }): boolean {
  const envelope = body.transactions[index]?.sealed;
  return envelope?.keyId === named.keyId && isSameEntry(named.entry, entryOf(named.entry.id, envelope));
}

/** Ids of the sealed lane that a proposal names. */
export function laneIdsOf(header: BlockHeader, transactionHashes: readonly TransactionHash[]): readonly TransactionHash[] {
  return transactionHashes.slice(0, header.sealedCount);
}
