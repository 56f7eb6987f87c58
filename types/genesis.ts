/** Genesis: everything that all validators of a chain start from. Its hash is the chain id. */

import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { type AccountId, Epoch, TimestampMs } from "./ids.ts";
import { VALIDATORS_MAX, WEIGHT_MAX } from "./limits.ts";
import { type Validator, validatorType } from "./validator_set.ts";

export const GENESIS_ASSETS_MAX = 1_024;
export const GENESIS_BALANCES_MAX = 65_536;

export interface GenesisAsset {
  readonly asset: number;
  /** Digits after the point, for display. */
  readonly decimals: number;
  readonly issuer: AccountId;
}

export interface GenesisBalance {
  readonly account: AccountId;
  readonly asset: number;
  readonly amount: bigint;
}

/** Parameters that all validators must share. Times in ms; an amount is a bigint. */
export interface ChainParameters {
  /** Bounds of the adaptive message delay Δ. */
  readonly deltaMsMin: number;
  readonly deltaMsMax: number;
  /** An idle chain makes a block this often. */
  readonly heartbeatMs: number;
  /** Fee of a transaction and of each of its operations, in the smallest unit of `feeAsset`. */
  readonly feeAsset: number;
  readonly feePerTransaction: number;
  readonly feePerOperation: number;
  /** Suite of sealed transactions, a number of SEALING_SUITES; 0: this chain takes none. */
  readonly sealingSuite: number;
  /** Key generation waits this long for validators that are silent, in ms of block time. */
  readonly keygenWindowMs: number;
  /** The least bond of a builder, in the smallest unit of `feeAsset`; 0: this chain takes no builders. */
  readonly builderBondMin: bigint;
}

export interface Genesis {
  /** Printable ASCII, 1 to 64 characters. */
  readonly name: string;
  /** "ledger" or "null": which application executes. */
  readonly application: string;
  readonly timeMs: TimestampMs;
  readonly epoch: Epoch;
  readonly parameters: ChainParameters;
  readonly validators: readonly Validator[];
  readonly assets: readonly GenesisAsset[];
  readonly balances: readonly GenesisBalance[];
}

const text = ssz.byteList(64);
const encodeText = (value: string): Uint8Array => Uint8Array.from(value, (character) => character.charCodeAt(0));
const decodeText = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const PRINTABLE = /^[ -~]{1,64}$/;

const genesisType = ssz.container(
  {
    name: text,
    application: text,
    timeMs: ssz.uint64,
    epoch: ssz.uint64,
    parameters: ssz.container(
      {
        deltaMsMin: ssz.uint32,
        deltaMsMax: ssz.uint32,
        heartbeatMs: ssz.uint32,
        feeAsset: ssz.uint32,
        feePerTransaction: ssz.uint32,
        feePerOperation: ssz.uint32,
        sealingSuite: ssz.uint8,
        keygenWindowMs: ssz.uint32,
        builderBondMin: ssz.uint128,
      },
      "ChainParameters",
    ),
    validators: ssz.list(validatorType, VALIDATORS_MAX),
    assets: ssz.list(ssz.container({ asset: ssz.uint32, decimals: ssz.uint8, issuer: ssz.bytes(32) }, "GenesisAsset"), GENESIS_ASSETS_MAX),
    balances: ssz.list(
      ssz.container({ account: ssz.bytes(32), asset: ssz.uint32, amount: ssz.uint128 }, "GenesisBalance"),
      GENESIS_BALANCES_MAX,
    ),
  },
  "Genesis",
);

export const genesisCodec: Codec<Genesis> = defineCodec({
  name: "Genesis",
  version: 3,
  type: genesisType,
  bytesMax: 8 * 1024 * 1024,
  toSsz: (genesis: Genesis) => ({
    ...genesis,
    name: encodeText(genesis.name),
    application: encodeText(genesis.application),
    validators: genesis.validators.map((validator) => ({ ...validator, ed25519PublicKey: hashToBytes(validator.ed25519PublicKey) })),
    assets: genesis.assets.map((asset) => ({ ...asset, issuer: hashToBytes(asset.issuer) })),
    balances: genesis.balances.map((balance) => ({ ...balance, account: hashToBytes(balance.account) })),
  }),
  fromSsz: (value) => {
    const name = decodeText(value.name);
    const application = decodeText(value.application);
    if (!PRINTABLE.test(name) || !PRINTABLE.test(application) || value.validators.length === 0) return undefined;
    if (value.validators.some(({ weight }) => weight < 1 || weight > WEIGHT_MAX)) return undefined;
    return {
      name,
      application,
      timeMs: TimestampMs.of(value.timeMs),
      epoch: Epoch.of(value.epoch),
      parameters: value.parameters,
      validators: value.validators.map((validator) => ({ ...validator, ed25519PublicKey: hashFromBytes(validator.ed25519PublicKey) })),
      assets: value.assets.map((asset) => ({ ...asset, issuer: hashFromBytes<AccountId>(asset.issuer) })),
      balances: value.balances.map((balance) => ({ ...balance, account: hashFromBytes<AccountId>(balance.account) })),
    };
  },
});
