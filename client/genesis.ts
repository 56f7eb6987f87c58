/** Genesis from its JSON, as files and nodes give it. The chain id is the hash of all of it, so who knows the chain id can take the
 *  rest from anybody: a genesis that hashes to another id is refused. */

import { chainIdOf, validatorSetContext } from "../crypto/hashes.ts";
import { GENESIS_ASSETS_MAX, GENESIS_BALANCES_MAX, type Genesis, genesisCodec } from "../types/genesis.ts";
import { type AccountId, type ChainId, Epoch, TimestampMs } from "../types/ids.ts";
import { VALIDATORS_MAX } from "../types/limits.ts";
import type { Validator, ValidatorSetContext } from "../types/validator_set.ts";
import { amountOf, bytesOf, hashOf, integerOf, type JsonObject, listOf, objectOf, textOf } from "./json.ts";

/** A chain to deal with: what is signed names its id, what is certified is signed by its validators. */
export interface GenesisAnswer {
  readonly chainId: ChainId;
  readonly genesis: Genesis;
}

/** The validators that certificates of this genesis' epoch are checked against. */
export function validatorsOf({ epoch, validators }: Genesis): ValidatorSetContext {
  return validatorSetContext({ epoch, validators });
}

/** Undefined when a field is missing or out of range, or when the codec would not take it. */
export function genesisOf(json: unknown): Genesis | undefined {
  const answer = objectOf(json);
  const genesis = answer === undefined ? undefined : read(answer);
  if (genesis === undefined) return undefined;
  return genesisCodec.decode(genesisCodec.encode(genesis)).ok ? genesis : undefined;
}

/** `{ chainId, genesis }`; refused when the genesis has another id than the answer says. */
export function genesisAnswerOf(json: unknown): GenesisAnswer | undefined {
  const answer = objectOf(json);
  const chainId = hashOf<ChainId>(answer?.chainId);
  const genesis = genesisOf(answer?.genesis);
  return genesis === undefined || chainId === undefined || chainIdOf(genesis) !== chainId ? undefined : { chainId, genesis };
}

const UINT32_MAX = 2 ** 32 - 1;
const NAME_CHARACTERS_MAX = 64;

function read(answer: JsonObject): Genesis | undefined {
  const name = nameOf(answer.name);
  const application = nameOf(answer.application);
  const timeMs = integerOf(answer.timeMs);
  const epoch = integerOf(answer.epoch);
  const parameters = parametersOf(objectOf(answer.parameters));
  const validators = listOf(answer.validators, validatorOf, VALIDATORS_MAX);
  const assets = listOf(answer.assets, assetOf, GENESIS_ASSETS_MAX);
  const balances = listOf(answer.balances, balanceOf, GENESIS_BALANCES_MAX);
  if (name === undefined || application === undefined || timeMs === undefined || epoch === undefined) return undefined;
  if (parameters === undefined || validators === undefined || assets === undefined || balances === undefined) return undefined;
  return { name, application, timeMs: TimestampMs.of(timeMs), epoch: Epoch.of(epoch), parameters, validators, assets, balances };
}

function nameOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && text.length <= NAME_CHARACTERS_MAX && /^[ -~]+$/.test(text) ? text : undefined;
}

function uint(value: unknown, max: number): number | undefined {
  const integer = integerOf(value);
  return integer !== undefined && integer <= max ? integer : undefined;
}

/** NaN marks what is missing, so that one look at all numbers is enough. */
function parametersOf(json: JsonObject | undefined): Genesis["parameters"] | undefined {
  const field = (name: keyof Genesis["parameters"], max = UINT32_MAX): number => uint(json?.[name], max) ?? Number.NaN;
  const builderBondMin = amountOf(json?.builderBondMin);
  if (builderBondMin === undefined) return undefined;
  const parameters = {
    deltaMsMin: field("deltaMsMin"),
    deltaMsMax: field("deltaMsMax"),
    heartbeatMs: field("heartbeatMs"),
    feeAsset: field("feeAsset"),
    feePerTransaction: field("feePerTransaction"),
    feePerOperation: field("feePerOperation"),
    sealingSuite: field("sealingSuite", 255),
    keygenWindowMs: field("keygenWindowMs"),
    builderBondMin,
  };
  return Object.values(parameters).some(Number.isNaN) ? undefined : parameters;
}

function validatorOf(item: unknown): Validator | undefined {
  const json = objectOf(item);
  const exact = (value: unknown, length: number): Uint8Array | undefined => {
    const bytes = bytesOf(value, length);
    return bytes?.length === length ? bytes : undefined;
  };
  const blsPublicKey = exact(json?.blsPublicKey, 48);
  const blsPossession = exact(json?.blsPossession, 96);
  const sealingPublicKey = exact(json?.sealingPublicKey, 32);
  const ed25519PublicKey = hashOf<string>(json?.ed25519PublicKey);
  const weight = integerOf(json?.weight);
  if (blsPublicKey === undefined || blsPossession === undefined || sealingPublicKey === undefined) return undefined;
  if (ed25519PublicKey === undefined || weight === undefined) return undefined;
  return { blsPublicKey, blsPossession, ed25519PublicKey, sealingPublicKey, weight };
}

function assetOf(item: unknown): Genesis["assets"][number] | undefined {
  const json = objectOf(item);
  const asset = uint(json?.asset, UINT32_MAX);
  const decimals = uint(json?.decimals, 255);
  const issuer = hashOf<AccountId>(json?.issuer);
  return asset === undefined || decimals === undefined || issuer === undefined ? undefined : { asset, decimals, issuer };
}

function balanceOf(item: unknown): Genesis["balances"][number] | undefined {
  const json = objectOf(item);
  const account = hashOf<AccountId>(json?.account);
  const asset = uint(json?.asset, UINT32_MAX);
  const amount = amountOf(json?.amount);
  return account === undefined || asset === undefined || amount === undefined ? undefined : { account, asset, amount };
}
