/** What tests of the builder are made with: transactions of a toy application, bids, bundles, and the application's simulation, in which order matters:
 *  a nonce is used once, and a transaction may need another to have run before it. */

import { sha256 } from "../../crypto/hashes.ts";
import type { ParsedTransaction, SimulatedGroup, Simulation, TransactionReceipt } from "../../types/application.ts";
import type { Bid, OfferedBid } from "../../types/bid.ts";
import { asciiBytes, concatBytes, toHex } from "../../types/bytes.ts";
import { type AccountId, type BlockHash, type BodyRoot, Height, type TransactionHash, View, ZERO_HASH } from "../../types/ids.ts";
import type { SignedKeygenMessage } from "../../types/keygen.ts";
import type { KeyId } from "../../types/sealing.ts";

export const named = <T extends string>(name: string): T => toHex<T>(sha256(asciiBytes(name)));

export interface Shape {
  readonly sender?: string;
  readonly nonce?: number;
  readonly bytes?: number;
  readonly operations?: number;
  readonly expiry?: number;
  readonly isKeygen?: boolean;
  readonly variant?: number;
}

export function transaction(shape: Shape = {}): ParsedTransaction {
  const { sender = "alice", nonce = 0, bytes = 200, operations = 1, expiry = 1_000, isKeygen = false } = shape;
  const hash = named<TransactionHash>(JSON.stringify(shape));
  const plain = { hash, bytes: new Uint8Array(bytes), sender, nonce, expiryHeight: Height.of(expiry), operationCount: operations };
  return isKeygen ? { ...plain, keygen: {} as SignedKeygenMessage } : plain;
}

export interface BidShape {
  readonly builder?: string;
  readonly height?: number;
  readonly parent?: string;
  readonly sequence?: number;
  readonly value?: number;
  readonly expiryView?: number;
  readonly bundleBytes?: number;
  readonly variant?: number;
}

export function bid(shape: BidShape = {}): Bid {
  const {
    builder = "builder",
    height = 1,
    parent = "parent",
    sequence = 1,
    value = 10,
    expiryView = 9,
    bundleBytes = 0,
    variant = 0,
  } = shape;
  return {
    height: Height.of(height),
    parentHash: named<BlockHash>(parent),
    builder: named<AccountId>(builder),
    sequence,
    value: BigInt(value),
    expiryView: View.of(expiryView),
    keyId: ZERO_HASH as string as KeyId,
    bundle: new Uint8Array(bundleBytes),
    tailRoot: named<BodyRoot>(`tail ${variant}`),
    tailCount: 0,
    tailBytes: 0,
    gas: 0,
    signature: concatBytes([sha256(asciiBytes(JSON.stringify(shape))), new Uint8Array(32)]),
  };
}

export const offered = (shape: BidShape = {}): OfferedBid => ({ bid: bid(shape), tailHashes: [] });

/** What a transaction does in the toy application. */
export interface Behaviour {
  /** To the payee; taken as soon as the transaction is charged. */
  readonly pays: bigint;
  /** Must have run before, or it is refused. */
  readonly needs?: TransactionHash;
  /** Runs, pays its fee, and fails: a group with it is out. */
  readonly fails?: boolean;
}

export const TOY_CODES = { nonceUsed: 1, needsOther: 2, failed: 3 } as const;

export interface ToyApplication {
  /** What the next calls of `simulate` know. */
  behave(transaction: ParsedTransaction, behaviour: Behaviour): ParsedTransaction;
  /** Takes everything back at the end, like the real one. */
  simulate(groups: Simulation["groups"]): readonly SimulatedGroup[];
  readonly calls: number;
}

export function createToyApplication(): ToyApplication {
  const behaviours = new Map<TransactionHash, Behaviour>();
  let calls = 0;

  function run({ transactions, isAllOrNone }: Simulation["groups"][number], done: Set<string>): SimulatedGroup {
    const before = [...done];
    const receipts: TransactionReceipt[] = [];
    let gain = 0n;
    for (const [position, each] of transactions.entries()) {
      const { pays, needs, fails = false } = behaviours.get(each.hash) ?? { pays: 0n };
      const nonce = each.keygen === undefined && each.sender !== "" ? `${each.sender}/${each.nonce}` : each.hash;
      const code = done.has(nonce) ? TOY_CODES.nonceUsed : needs !== undefined && !done.has(needs) ? TOY_CODES.needsOther : 0;
      const isRefused = code !== 0;
      const operationCodes = isRefused || each.keygen !== undefined ? [] : [fails ? 1 : 0];
      const receipt = { hash: each.hash, code: isRefused ? code : fails ? TOY_CODES.failed : 0, operationCodes };
      if (isAllOrNone && receipt.code !== 0) {
        done.clear();
        for (const key of before) done.add(key);
        return { result: { isIncluded: false, failed: receipt, position }, gain: 0n };
      }
      receipts.push(receipt);
      if (isRefused) continue;
      done.add(nonce).add(each.hash);
      gain += pays;
    }
    return { result: { isIncluded: true, receipts }, gain };
  }

  return {
    behave(each, behaviour) {
      behaviours.set(each.hash, behaviour);
      return each;
    },
    simulate(groups) {
      calls++;
      const done = new Set<string>();
      return groups.map((group) => run(group, done));
    },
    get calls() {
      return calls;
    },
  };
}
