/** Who takes part in a simulated ledger and what they own at genesis: all keys from the scenario's seed, before the chain id exists.
 *  Fixture accounts are rich or poor in just the way that brings the rarer result codes within reach. Never used for real value. */

import { toHex } from "../../types/bytes.ts";
import type { GenesisAsset, GenesisBalance } from "../../types/genesis.ts";
import type { AccountId } from "../../types/ids.ts";
import type { Scenario } from "../scenario/manifest.ts";
import { createStream } from "../simulator/streams.ts";

/** Signs for whoever holds the secret key. */
export interface Ed25519Keys {
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
}

export interface Actor {
  readonly account: AccountId;
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** The next nonce that it has not signed for. */
  nonce: number;
}

export interface Client {
  readonly index: number;
  /** Sends what should succeed. */
  readonly main: Actor;
  /** Sends what should fail or be refused, in whatever order: its nonces may jump. */
  readonly wild: Actor;
  /** Can pay for one transaction and no more. */
  readonly poor: Actor;
  /** Has no account at all. */
  readonly stranger: Actor;
}

/** The accounts with which a client sends sealed transactions: none of them sends what the client's others do. */
export interface Sealer {
  /** Sends what should succeed. */
  readonly main: Actor;
  /** Sends what should fail, in whatever order. */
  readonly wild: Actor;
  /** Can pay for one dear transaction and not for two. */
  readonly thin: Actor;
  readonly stranger: Actor;
}

/** Somebody who has a builder order transactions that nobody else sees before. */
export interface Searcher {
  /** Sends what should succeed. */
  readonly main: Actor;
  /** Sends what should fail, in whatever order. */
  readonly wild: Actor;
}

export interface Cast {
  readonly clients: readonly Client[];
  /** One per client; none where the scenario seals nothing. */
  readonly sealers: readonly Sealer[];
  /** As the scenario has them. */
  readonly builders: readonly Actor[];
  /** One for each builder. */
  readonly searchers: readonly Searcher[];
  /** Issuer of the fee asset, whose own debits almost fill their range. */
  readonly mint: Actor;
  /** Issuer of the other assets. */
  readonly issuer: Actor;
  /** Two holders of RARE_ASSET between whom half of all numbers goes to and fro. */
  readonly whales: readonly [Actor, Actor];
  /** Owns nearly all of the fee asset and never signs. */
  readonly vault: AccountId;
}

export const FEE_ASSET = 1;
export const SECOND_ASSET = 2;
/** Only the whales and the issuer hold it. */
export const RARE_ASSET = 3;
/** The fees that the chain of a simulated ledger must have. */
export const WORKLOAD_FEES = { feeAsset: FEE_ASSET, feePerTransaction: 2, feePerOperation: 1 } as const;
export const feeOf = (operationCount: number): number => WORKLOAD_FEES.feePerTransaction + WORKLOAD_FEES.feePerOperation * operationCount;

/** The least bond of a chain that takes builders. */
export const BUILDER_BOND_MIN = 1_000n;

/** What each client's main and wild account own of FEE_ASSET and SECOND_ASSET at genesis. */
export const FUNDS = 10n ** 12n;
/** What a thin account owns of FEE_ASSET. */
const THIN_FUNDS = 1_000n;
const RANGE = 2n ** 128n;
/** What the mint can still spend: the fee of one small transaction. */
const MINT_ROOM = BigInt(2 * feeOf(1) - 1);
export const WHALE_AMOUNT = RANGE / 2n;

/** What genesis must hold for the workload of this scenario; the same whenever it is asked. Its fees must be WORKLOAD_FEES. */
export function workloadGenesis(options: { readonly scenario: Scenario; readonly ed25519: Ed25519Keys }): {
  readonly assets: readonly GenesisAsset[];
  readonly balances: readonly GenesisBalance[];
} {
  if (options.scenario.application === "null") return { assets: [], balances: [] };
  const cast = createCast(options);
  const assets = [
    { asset: FEE_ASSET, decimals: 2, issuer: cast.mint.account },
    { asset: SECOND_ASSET, decimals: 0, issuer: cast.issuer.account },
    { asset: RARE_ASSET, decimals: 18, issuer: cast.issuer.account },
  ];
  const spenders = [...cast.clients, ...cast.sealers, ...cast.searchers].flatMap(({ main, wild }) => [main, wild]);
  const rich = [cast.issuer, ...cast.whales, ...spenders, ...cast.builders];
  const balances = [
    ...rich.map(({ account }) => ({ account, asset: FEE_ASSET, amount: FUNDS })),
    ...cast.clients.map(({ poor }) => ({ account: poor.account, asset: FEE_ASSET, amount: BigInt(feeOf(1)) })),
    ...cast.sealers.map(({ thin }) => ({ account: thin.account, asset: FEE_ASSET, amount: THIN_FUNDS })),
    ...spenders.map(({ account }) => ({ account, asset: SECOND_ASSET, amount: FUNDS })),
    { account: cast.whales[0].account, asset: RARE_ASSET, amount: WHALE_AMOUNT },
    { account: cast.whales[1].account, asset: RARE_ASSET, amount: 1n },
  ];
  let issued = 0n;
  for (const { asset, amount } of balances) if (asset === FEE_ASSET) issued += amount;
  balances.push({ account: cast.vault, asset: FEE_ASSET, amount: RANGE - 1n - MINT_ROOM - issued });
  return { assets, balances };
}

/** The secret keys of the scenario's builders. */
export function builderKeysOf({ seed, builders = [] }: Scenario): readonly Uint8Array[] {
  const stream = createStream(seed, "builders' keys");
  return builders.map(() => stream.bytes(32));
}

/** All actors, their keys drawn from the scenario's seed alone. */
export function createCast(options: { readonly scenario: Scenario; readonly ed25519: Ed25519Keys }): Cast {
  const { scenario, ed25519 } = options;
  const openStream = createStream(scenario.seed, "workload keys");
  const sealedStream = createStream(scenario.seed, "sealed workload keys");
  const actor = (stream = openStream): Actor => actorOf(stream.bytes(32));
  const actorOf = (secretKey: Uint8Array): Actor => {
    const account = toHex<AccountId>(ed25519.publicKeyOf(secretKey));
    return { account, sign: (message) => ed25519.sign(secretKey, message), nonce: 0 };
  };
  const shared = { mint: actor(), issuer: actor(), whales: [actor(), actor()] as const, vault: actor().account };
  const clients = Array.from({ length: scenario.workload.clients }, (_, index) => ({
    index,
    main: actor(),
    wild: actor(),
    poor: actor(),
    stranger: actor(),
  }));
  const sealers = clients.slice(0, scenario.sealing === undefined ? 0 : clients.length).map(() => ({
    main: actor(sealedStream),
    wild: actor(sealedStream),
    thin: actor(sealedStream),
    stranger: actor(sealedStream),
  }));
  const builders = builderKeysOf(scenario).map(actorOf);
  const searcherStream = createStream(scenario.seed, "searchers' keys");
  const searchers = builders.map(() => ({ main: actor(searcherStream), wild: actor(searcherStream) }));
  return { ...shared, clients, sealers, builders, searchers };
}
