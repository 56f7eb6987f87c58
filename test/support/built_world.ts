/** A sealed world with a builder, played by the test: user BUILDER is registered, and a test bids for it with whatever it likes. */

import { bodyRootOf, sha256 } from "../../crypto/hashes.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { assert } from "../../types/assert.ts";
import { type BidContent, type BundleContent, bidSigningBytes, bundleLabelOf, encodeBundle, type OfferedBid } from "../../types/bid.ts";
import type { BuildingMaterial, Opportunity } from "../../types/building.ts";
import { asciiBytes, concatBytes, fromHex } from "../../types/bytes.ts";
import { Height, View, ZERO_HASH } from "../../types/ids.ts";
import type { KeyId } from "../../types/sealing.ts";
import type { PeerKey } from "../../types/sender.ts";
import { buildTransaction, OPERATION_KINDS, type Operation } from "../../types/transaction.ts";
import { CHAIN_ID } from "./chain.ts";
import type { Cluster, ClusterNode } from "./replica_cluster.ts";
import { signEd } from "./replica_members.ts";
import { createSealedWorld, type SealedWorld, userOf } from "./sealed_world.ts";

/** The user that is the builder; its own account takes the fees. */
export const BUILDER = 0;
export const BOND = 10_000n;
const FEE_ASSET = 1;
const FEE_MAX = 100n;

export interface BidGiven {
  readonly opportunity: Opportunity;
  readonly material: BuildingMaterial;
  readonly value: bigint;
  readonly groups?: BundleContent["groups"];
  /** What the bundle seals instead of an encoding of the groups. */
  readonly message?: Uint8Array;
  readonly tail?: readonly ParsedTransaction[];
  readonly change?: Partial<BidContent>;
  readonly signer?: number;
}

export interface BuiltWorld extends SealedWorld {
  /** Registers user BUILDER with BOND and waits until every node knows. */
  registerBuilder(): void;
  /** A signed open transaction with the sender's next nonce unless one is given. */
  transfer(user: number, change?: TransferChange): Uint8Array;
  /** The next opportunity as `node` sees it, on its final head. */
  opportunityAt(node: ClusterNode): { readonly opportunity: Opportunity; readonly material: BuildingMaterial };
  /** A right bid with all that waits in its tail, then as `change` says, signed. */
  bid(given: BidGiven): OfferedBid;
  /** Hands it to a node as the network does. */
  push(node: ClusterNode, offered: OfferedBid): void;
  bondAt(node: ClusterNode): bigint;
}

interface TransferChange {
  readonly to?: number;
  readonly amount?: bigint;
  readonly nonce?: number;
}

export function createBuiltWorld(options: Omit<Parameters<typeof createSealedWorld>[0], "builderBondMin">): BuiltWorld {
  const suite = createFastSealing();
  const world = createSealedWorld({ ...options, builderBondMin: 1_000n });
  const nonces = new Map<number, number>();
  let sequence = 0;

  const operationOf = (fields: Partial<Operation>): Operation => ({
    kind: OPERATION_KINDS.transfer,
    flags: 0,
    index: 0,
    asset: FEE_ASSET,
    account: userOf(7),
    amount: 1n,
    reference: 0,
    ...fields,
  });

  function open(user: number, operation: Operation, given?: number): Uint8Array {
    const nonce = given ?? nonces.get(user) ?? 100;
    if (given === undefined) nonces.set(user, nonce + 1);
    const payload = {
      chainId: CHAIN_ID,
      sender: userOf(user),
      nonce,
      expiryHeight: Height.of(10_000),
      feeMax: FEE_MAX,
      operations: [operation],
    };
    return buildTransaction({ payload, sign: (message) => signEd(fromHex(userOf(user)), message) });
  }

  function bundleOf({ opportunity, material, value, groups, message }: BidGiven, terms: Pick<BidContent, "sequence">) {
    if (groups === undefined && message === undefined) return { keyId: ZERO_HASH as string as KeyId, bundle: new Uint8Array(0) };
    const { key } = material;
    assert(key !== undefined, "a bundle needs a live key");
    const { height, parentHash } = opportunity;
    const label = bundleLabelOf(CHAIN_ID, { keyId: key.keyId, builder: userOf(BUILDER), height, parentHash, value, ...terms });
    const randomness = concatBytes([sha256(asciiBytes(`bundle ${terms.sequence}`)), sha256(asciiBytes(`nonce ${terms.sequence}`))]);
    const plain = message ?? encodeBundle({ groups: groups ?? [] });
    return { keyId: key.keyId, bundle: suite.seal({ publicKey: key.publicKey, label, message: plain, randomness }) };
  }

  return Object.assign(world, {
    registerBuilder(): void {
      const operation = operationOf({ kind: OPERATION_KINDS.builderRegister, asset: 0, account: userOf(BUILDER), amount: BOND });
      world.submit(0, open(BUILDER, operation));
      const isKnown = ({ application }: ClusterNode): boolean => application.builderOf?.(userOf(BUILDER)) !== undefined;
      assert(world.run({ forMs: 10_000, until: () => world.nodes.every(isKnown) }), "the builder is registered within 10 s");
    },
    transfer: (user: number, change: TransferChange = {}): Uint8Array =>
      open(user, operationOf({ account: userOf(change.to ?? 7), amount: change.amount ?? 1n }), change.nonce),
    opportunityAt(node: ClusterNode) {
      const { status } = node.replica;
      const { view, leader } = status;
      const opportunity = { height: Height.next(status.finalHeight), parentHash: status.finalHash, view, leader };
      const material = node.replica.materialFor(userOf(BUILDER), opportunity);
      assert(material !== undefined, "the final head is held");
      return { opportunity, material };
    },
    bid(given: BidGiven): OfferedBid {
      const { opportunity, material, value } = given;
      const tail = given.tail ?? material.transactions;
      const tailHashes = tail.map(({ hash }) => hash);
      const { height, parentHash, view } = opportunity;
      sequence++;
      const content: BidContent = {
        height,
        parentHash,
        builder: userOf(BUILDER),
        sequence,
        value,
        expiryView: View.plus(view, 8),
        ...bundleOf(given, { sequence }),
        tailRoot: bodyRootOf(tailHashes),
        tailCount: tail.length,
        tailBytes: tail.reduce((sum, { bytes }) => sum + bytes.length, 0),
        gas: tail.reduce((sum, { operationCount }) => sum + operationCount, 0),
        ...given.change,
      };
      const signature = signEd(fromHex(userOf(given.signer ?? BUILDER)), bidSigningBytes(world.domain, content));
      return { bid: { ...content, signature }, tailHashes };
    },
    push(node: ClusterNode, offered: OfferedBid): void {
      world.inject(node, { type: "bid", from: { type: "relay", peer: "builder" as PeerKey }, offered });
    },
    bondAt: ({ application }: ClusterNode): bigint => application.builderOf?.(userOf(BUILDER))?.bond ?? 0n,
  } satisfies Omit<BuiltWorld, keyof SealedWorld | keyof Cluster>);
}
