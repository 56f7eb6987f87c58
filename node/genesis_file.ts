/** Genesis as readable JSON: hashes and keys in hex, amounts as decimal strings. The chain id is the hash of the canonical
 *  encoding, not of this text, so layout and key order of the file do not matter. */

import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { fromHex, toHex, tryFromHex } from "../types/bytes.ts";
import { type ChainParameters, GENESIS_ASSETS_MAX, GENESIS_BALANCES_MAX, type Genesis, genesisCodec } from "../types/genesis.ts";
import { type AccountId, Epoch, TimestampMs } from "../types/ids.ts";
import { VALIDATORS_MAX, WEIGHT_MAX } from "../types/limits.ts";
import { SEALING_SUITES } from "../types/sealing.ts";
import { messageOf, NodeError } from "./errors.ts";
import { readJsonFile } from "./json_file.ts";

const hex = (bytes: number) => {
  const error = `must be ${bytes} bytes as ${2 * bytes} lower-case hex digits`;
  return z.string({ error }).refine((text) => tryFromHex(text)?.length === bytes, { error });
};
const integer = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};
const UINT32_MAX = 2 ** 32 - 1;
const uint32 = integer(0, UINT32_MAX);
const amountError = "must be a decimal string below 2^128";
const amount = z
  .string({ error: amountError })
  .regex(/^(0|[1-9][0-9]{0,38})$/, { error: amountError })
  .transform((text) => BigInt(text))
  .refine((value) => value < 1n << 128n, { error: amountError });
const printable = z.string().regex(/^[ -~]{1,64}$/, { error: "must be 1 to 64 printable ASCII characters" });

/** One validator as it publishes itself; `genesis` on the command line assembles a set of these. */
export const validatorSchema = z.strictObject({
  blsPublicKey: hex(48),
  blsPossession: hex(96),
  ed25519PublicKey: hex(32),
  sealingPublicKey: hex(32),
  weight: integer(1, WEIGHT_MAX),
});

export type ValidatorJson = z.output<typeof validatorSchema>;

const application = z.enum(["ledger", "null"], { error: 'must be "ledger" or "null"' });
const timeMs = integer(0, Number.MAX_SAFE_INTEGER);
const parameterFields = {
  deltaMsMin: integer(1, 600_000),
  deltaMsMax: integer(1, 600_000),
  heartbeatMs: integer(10, 86_400_000),
  feeAsset: uint32,
  feePerTransaction: uint32,
  feePerOperation: uint32,
  sealingSuite: integer(0, 1),
  keygenWindowMs: integer(100, 3_600_000),
  builderBondMin: amount,
};
const deltaRule = ({ deltaMsMin, deltaMsMax }: Pick<ChainParameters, "deltaMsMin" | "deltaMsMax">) => deltaMsMin <= deltaMsMax;
const deltaError = { error: "deltaMsMin must not exceed deltaMsMax" };
const parameters = z.strictObject(parameterFields).refine(deltaRule, deltaError);

/** Parameters of a chain whose operators choose nothing. */
export const DEFAULT_PARAMETERS: ChainParameters = {
  deltaMsMin: 50,
  deltaMsMax: 10_000,
  heartbeatMs: 1_000,
  feeAsset: 0,
  feePerTransaction: 0,
  feePerOperation: 0,
  sealingSuite: SEALING_SUITES.none,
  keygenWindowMs: 10_000,
  builderBondMin: 0n,
};

const assets = z.array(z.strictObject({ asset: uint32, decimals: integer(0, 38), issuer: hex(32) })).max(GENESIS_ASSETS_MAX);
const balances = z.array(z.strictObject({ account: hex(32), asset: uint32, amount })).max(GENESIS_BALANCES_MAX);

const genesisSchema = z.strictObject({
  name: printable,
  application,
  timeMs,
  epoch: integer(0, Number.MAX_SAFE_INTEGER),
  parameters,
  validators: z.array(validatorSchema).min(1).max(VALIDATORS_MAX),
  assets,
  balances,
});

/** What an operator may fix before the validators are known; everything has a default. */
export const genesisTemplateSchema = z.strictObject({
  application: application.default("ledger"),
  timeMs: timeMs.optional(),
  parameters: z
    .strictObject(parameterFields)
    .partial()
    .transform((chosen) => ({ ...DEFAULT_PARAMETERS, ...definedOf(chosen) }))
    .refine(deltaRule, deltaError)
    .prefault({}),
  assets: assets.default([]).transform((items) => items.map((item) => ({ ...item, issuer: item.issuer as AccountId }))),
  balances: balances.default([]).transform((items) => items.map((item) => ({ ...item, account: item.account as AccountId }))),
});

/** Reads and checks a genesis file. Throws NodeError "usage" naming every mistake by its path. */
export async function readGenesis(path: string): Promise<Genesis> {
  const json = await readJsonFile(path, "genesis", genesisSchema);
  const genesis: Genesis = {
    ...json,
    timeMs: TimestampMs.of(json.timeMs),
    epoch: Epoch.of(json.epoch),
    validators: json.validators.map(validatorFromJson),
    assets: json.assets.map((asset) => ({ ...asset, issuer: asset.issuer as AccountId })),
    balances: json.balances.map((balance) => ({ ...balance, account: balance.account as AccountId })),
  };
  const decoded = genesisCodec.decode(genesisCodec.encode(genesis));
  if (!decoded.ok) throw new NodeError("usage", `genesis ${path} has no canonical encoding (${decoded.reason})`);
  requireDistinctKeys(path, genesis);
  return decoded.value;
}

export function validatorFromJson(json: ValidatorJson): Genesis["validators"][number] {
  return {
    ...json,
    blsPublicKey: fromHex(json.blsPublicKey),
    blsPossession: fromHex(json.blsPossession),
    sealingPublicKey: fromHex(json.sealingPublicKey),
  };
}

/** The JSON value that `readGenesis` reads back to an equal genesis. */
export function genesisToJson(genesis: Genesis): z.input<typeof genesisSchema> {
  return {
    ...genesis,
    application: genesis.application === "null" ? "null" : "ledger",
    parameters: { ...genesis.parameters, builderBondMin: genesis.parameters.builderBondMin.toString() },
    validators: genesis.validators.map((validator) => ({
      ...validator,
      blsPublicKey: toHex(validator.blsPublicKey),
      blsPossession: toHex(validator.blsPossession),
      sealingPublicKey: toHex(validator.sealingPublicKey),
    })),
    assets: genesis.assets.map((asset) => ({ ...asset })),
    balances: genesis.balances.map((balance) => ({ ...balance, amount: balance.amount.toString() })),
  };
}

/** Writes `genesis` as readable JSON, replacing what was there. */
export async function writeGenesis(path: string, genesis: Genesis): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(genesisToJson(genesis), undefined, 2)}\n`);
  } catch (cause) {
    throw new NodeError("environment", `genesis ${path} cannot be written (${messageOf(cause)})`, { cause });
  }
}

function definedOf<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Two validators with one key would be one validator that seems to contradict itself. */
function requireDistinctKeys(path: string, genesis: Genesis): void {
  const seen = new Map<string, number>();
  for (const [index, validator] of genesis.validators.entries()) {
    for (const key of [toHex(validator.blsPublicKey), validator.ed25519PublicKey]) {
      const other = seen.get(key);
      if (other !== undefined) {
        throw new NodeError("usage", `genesis ${path}: validators[${index}] and validators[${other}] share a key; each needs its own`);
      }
      seen.set(key, index);
    }
  }
}
