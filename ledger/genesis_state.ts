/** Builds the state at height 0 from genesis: assets, the fee account, what builders need (L17, L19), then balances as transfers from their issuers (L1). */

import { assert } from "../types/assert.ts";
import type { Genesis } from "../types/genesis.ts";
import { BUILDER_BOND_ACCOUNT, FEE_ACCOUNT } from "../types/transaction.ts";
import { AMOUNT_WORDS, writeAmount } from "./amounts.ts";
import type { LedgerState } from "./ledger_state.ts";
import { ASSET_DECIMALS_MAX } from "./limits.ts";
import { ACCOUNT, idWords } from "./record_layout.ts";

export type GenesisFlaw =
  | "wrongApplication"
  | "duplicateAsset"
  | "tooManyDecimals"
  | "feeAssetMissing"
  | "accountZero"
  | "reservedAccount"
  | "unknownAsset"
  | "issuerBalance"
  | "zeroBalance"
  | "duplicateBalance"
  | "supplyOverflow";

const ZERO_ID = "0".repeat(64);

/** Why the ledger cannot start from this genesis; undefined when it can. */
export function findGenesisFlaw(genesis: Genesis): GenesisFlaw | undefined {
  if (genesis.application !== "ledger") return "wrongApplication";
  const issuers = new Map<number, string>();
  for (const { asset, decimals, issuer } of genesis.assets) {
    if (issuers.has(asset)) return "duplicateAsset";
    if (decimals > ASSET_DECIMALS_MAX) return "tooManyDecimals";
    const reserved = reservedFlaw(issuer);
    if (reserved !== undefined) return reserved;
    issuers.set(asset, issuer);
  }
  if (!issuers.has(genesis.parameters.feeAsset)) return "feeAssetMissing";
  if (genesis.parameters.builderBondMin > 0n) {
    for (const { ed25519PublicKey } of genesis.validators) {
      const reserved = reservedFlaw(ed25519PublicKey);
      if (reserved !== undefined) return reserved;
    }
  }
  const supplies = new Map<number, bigint>();
  const seen = new Set<string>();
  for (const { account, asset, amount } of genesis.balances) {
    const reserved = reservedFlaw(account);
    if (reserved !== undefined) return reserved;
    if (!issuers.has(asset)) return "unknownAsset";
    if (issuers.get(asset) === account) return "issuerBalance";
    if (amount === 0n) return "zeroBalance";
    const name = `${account}/${asset}`;
    if (seen.has(name)) return "duplicateBalance";
    seen.add(name);
    const supply = (supplies.get(asset) ?? 0n) + amount;
    if (supply >> 128n !== 0n) return "supplyOverflow";
    supplies.set(asset, supply);
  }
  return undefined;
}

/** Why nobody can be this account. */
function reservedFlaw(account: string): GenesisFlaw | undefined {
  if (account === ZERO_ID) return "accountZero";
  return account === BUILDER_BOND_ACCOUNT ? "reservedAccount" : undefined;
}

/** Fills a fresh state. Asserts that `findGenesisFlaw` found none. */
export function applyGenesis(state: LedgerState, genesis: Genesis): void {
  const flaw = findGenesisFlaw(genesis);
  assert(flaw === undefined, `genesis suits the ledger: ${flaw ?? "yes"}`);
  state.meta.advance(0, genesis.timeMs);
  const issuerSlots = new Map<number, number>();
  for (const { asset, decimals, issuer } of genesis.assets) {
    const key = accountKey(issuer, asset);
    const issuerSlot = state.openAccount(key, true);
    issuerSlots.set(asset, issuerSlot);
    state.assets.add({ asset, decimals, issuer: key, issuerSlot });
  }
  for (const account of feeAssetAccounts(genesis)) {
    const key = accountKey(account, genesis.parameters.feeAsset);
    if (state.accounts.find(key) === 0) state.openAccount(key, false);
  }
  const amountWords = new Uint32Array(AMOUNT_WORDS);
  for (const { account, asset, amount } of genesis.balances) {
    const key = accountKey(account, asset);
    const found = state.accounts.find(key);
    const slot = found === 0 ? state.openAccount(key, false) : found;
    writeAmount(amountWords, 0, amount);
    const isExact = state.accounts.move(issuerSlots.get(asset) as number, slot, amountWords, 0);
    assert(isExact, "the supply at genesis is in range");
  }
}

/** Accounts that are open in the fee asset whether they own anything or not. */
function feeAssetAccounts({ parameters, validators }: Genesis): readonly string[] {
  if (parameters.builderBondMin === 0n) return [FEE_ACCOUNT];
  return [FEE_ACCOUNT, BUILDER_BOND_ACCOUNT, ...validators.map(({ ed25519PublicKey }) => ed25519PublicKey)];
}

/** Key of an account record: 8 words of id, 1 of asset. */
export function accountKey(account: string, asset: number): Uint32Array {
  const key = new Uint32Array(ACCOUNT.keyWords);
  key.set(idWords(account));
  key[ACCOUNT.asset] = asset;
  return key;
}
