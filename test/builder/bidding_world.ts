/** A builder with everything around it: an opportunity to ask about, a key with all its secrets, final blocks. The sealing suite is the simulator's
 *  double, the application a toy in which order matters. */

import { sealCheckOf } from "../../builder/bid_rules.ts";
import { BUILDER_LIMITS, createBuilder } from "../../builder/builder.ts";
import type { BundleId } from "../../builder/bundle.ts";
import type { BlockBuilder, BuilderLimits, ConsiderRequest, FinalOutcome } from "../../builder/interface.ts";
import type { Strategy } from "../../builder/strategy.ts";
import { sha256 } from "../../crypto/hashes.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import type { ParsedTransaction, TransactionReceipt } from "../../types/application.ts";
import { decodeBundle, NO_BID, type OfferedBid } from "../../types/bid.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import type { BuildingMaterial, BundleGroup, Opportunity } from "../../types/building.ts";
import {
  type AccountId,
  type BidHash,
  type BlockHash,
  type ChainId,
  Epoch,
  Height,
  TimestampMs,
  ValidatorIndex,
  type ValidatorSetHash,
  View,
} from "../../types/ids.ts";
import type { KeyId, SealingKey } from "../../types/sealing.ts";
import type { SigningDomain } from "../../types/signing.ts";
import { freshKey, sharesOf } from "../crypto/sealing/support.ts";
import { type Behaviour, createToyApplication, named, type Shape, transaction } from "./builder_world.ts";

export const suite = createFastSealing();
const secret = freshKey(suite, 4);
/** Opened by three of four. */
export const key: SealingKey = { ...secret, keyId: named<KeyId>("key") };
export const ACCOUNT = named<AccountId>("builder");
const RECIPIENT = named<AccountId>("recipient");
export const DOMAIN: SigningDomain = {
  chainId: named<ChainId>("chain"),
  epoch: Epoch.ZERO,
  validatorSetHash: named<ValidatorSetHash>("set"),
};
export const START_MS = 1_700_000_000_000;

/** A double of Ed25519: the hash of what is signed. */
export const sign = (message: Uint8Array): Uint8Array => {
  const signature = new Uint8Array(64);
  signature.set(sha256(message));
  return signature;
};

/** Bids half of the gain, whatever stands. */
const half: Strategy = { name: "half", valueOf: ({ gain, spendable }) => (gain / 2n < spendable ? gain / 2n : spendable) };

export interface Ask {
  readonly height?: number;
  readonly parent?: string;
  readonly view?: number;
  readonly transactions?: readonly ParsedTransaction[];
  readonly spendable?: bigint;
  readonly key?: SealingKey | undefined;
  readonly ancestorBids?: readonly BidHash[];
  readonly nowMs?: number;
}

export const opportunityOf = ({ height = 1, parent = "genesis", view = 1 }: Ask): Opportunity => ({
  height: Height.of(height),
  parentHash: named<BlockHash>(parent),
  view: View.of(view),
  leader: ValidatorIndex.of(view % 4),
});

export function createWorld(
  given: { readonly strategy?: Strategy; readonly limits?: Partial<BuilderLimits>; readonly isSealing?: boolean } = {},
) {
  const toy = createToyApplication();
  const builder = createBuilder({
    account: ACCOUNT,
    domain: DOMAIN,
    suite: given.isSealing === false ? undefined : suite,
    sign,
    strategy: given.strategy ?? half,
    limits: { ...BUILDER_LIMITS, ...given.limits },
  });
  const requestOf = (ask: Ask = {}): ConsiderRequest => {
    const material: BuildingMaterial = {
      executedHeight: Height.ZERO,
      spendable: ask.spendable ?? 1_000_000n,
      feeRecipient: RECIPIENT,
      key: "key" in ask ? ask.key : key,
      transactions: ask.transactions ?? [],
      ancestorBids: ask.ancestorBids ?? [],
    };
    return {
      opportunity: opportunityOf(ask),
      material,
      simulate: ({ payee, height, groups }) => {
        if (payee !== RECIPIENT || height !== (ask.height ?? 1)) throw new Error("simulated in the wrong place");
        return toy.simulate(groups);
      },
      nowMs: TimestampMs.of(ask.nowMs ?? START_MS),
      randomness: new Uint8Array(64).fill(ask.view ?? 1),
    };
  };
  return {
    builder,
    tx: (shape: Shape, behaviour: Partial<Behaviour> = {}) => toy.behave(transaction(shape), { pays: 10n, ...behaviour }),
    consider: (ask: Ask = {}) => builder.consider(requestOf(ask)),
    submit(transactions: readonly ParsedTransaction[], { tip = 5, from = 1, to = 9 } = {}): BundleId {
      const result = builder.submit({ from: Height.of(from), to: Height.of(to), tip: BigInt(tip), transactions });
      if (!result.ok) throw new Error(result.refusal.code);
      return result.id;
    },
  };
}

export const must = (offered: OfferedBid | undefined): OfferedBid => {
  if (offered === undefined) throw new Error("there is no bid");
  return offered;
};

/** What the validators do with the bundle of a final block. */
export function openedOf({ bid }: OfferedBid): readonly (readonly Uint8Array[])[] | undefined {
  const check = sealCheckOf(DOMAIN.chainId, bid);
  if (check === undefined) return undefined;
  const { label, sealed } = check;
  const place = { publicKey: key.publicKey, label, sealed };
  if (!suite.check(place)) throw new Error("the bundle does not pass its check");
  const seed = suite.combine({ shares: sharesOf(suite, secret, sealed).slice(0, key.threshold), label, sealed });
  if (seed === undefined || !suite.isSeedOf({ ...place, seed })) throw new Error("no seed");
  const opened = suite.open({ ...place, seed });
  return opened.ok ? decodeBundle(opened.message)?.groups : undefined;
}

export const receipt = ({ hash }: ParsedTransaction, code = 0): TransactionReceipt => ({ hash, code, operationCodes: [code] });
export const ran = (transactions: readonly ParsedTransaction[]): BundleGroup => ({
  hashes: transactions.map(({ hash }) => hash),
  result: { isIncluded: true, receipts: transactions.map((each) => receipt(each)) },
});

export interface Final {
  readonly height?: number;
  readonly bidHash?: BidHash;
  readonly receipts?: readonly TransactionReceipt[];
  readonly bundle?: readonly BundleGroup[];
  readonly failed?: boolean;
}

export function finalOf({ height = 1, bidHash = NO_BID, receipts = [], bundle, failed = false }: Final): FinalOutcome {
  const built: BuiltBlock = { builder: ACCOUNT, value: 1n, proposer: RECIPIENT, failed };
  return { blockHash: named<BlockHash>(`block ${height}`), header: { height: Height.of(height), bidHash }, receipts, built, bundle };
}

export const typeOf = (builder: BlockBuilder, id: BundleId): string => builder.statusOf(id)?.type ?? "unknown";
export const reasonOf = (builder: BlockBuilder, id: BundleId): unknown => {
  const status = builder.statusOf(id);
  return status?.type === "pending" ? status.last : status?.type === "notIncluded" ? status.reason : status?.type;
};
