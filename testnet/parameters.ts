/** Constants of every testnet: what its chain and its accounts start from. */

import type { ChainParameters } from "../types/genesis.ts";
import { SEALING_SUITES } from "../types/sealing.ts";
import type { ApplicationName } from "./options.ts";

/** Guards nothing; it is printed with --keep so that a validator can be run by hand. */
export const TESTNET_PASSPHRASE = "sealstone-testnet";
export const FEE_ASSET = 1;
export const PREFUNDED_AMOUNT = 10n ** 15n;

/** Fast for validators that share one machine: a lost leader costs 2Δ. Without sealed transactions, as the null application wants it. */
export const TESTNET_PARAMETERS: ChainParameters = {
  deltaMsMin: 100,
  deltaMsMax: 5_000,
  heartbeatMs: 1_000,
  feeAsset: FEE_ASSET,
  feePerTransaction: 2,
  feePerOperation: 1,
  sealingSuite: SEALING_SUITES.none,
  keygenWindowMs: 2_000,
  builderBondMin: 0n,
};

const BUILDER_BOND_MIN = 10n ** 6n;
/** What each builder of a testnet registers with: enough for years of bids. */
export const BUILDER_BOND = 10n ** 12n;

/** The ledger takes sealed transactions, whether any are submitted or not; builders only where there are some. */
export function parametersFor(application: ApplicationName, builders: number): ChainParameters {
  const sealingSuite = application === "ledger" ? SEALING_SUITES.tdh2Ristretto255 : SEALING_SUITES.none;
  return { ...TESTNET_PARAMETERS, sealingSuite, builderBondMin: builders > 0 ? BUILDER_BOND_MIN : 0n };
}

/** What one view costs a validator, and about as much a builder, in ms of a core, messages and signatures and writes together (`npm run bench`). */
const VIEW_CPU_MS = 10;
/** Of the cores, views may take so much; the rest is for transactions, clients and whoever else is on this machine. */
const VIEWS_SHARE = 0.5;
const PROPOSE_DELAY_MS_MIN = 15;
const PROPOSE_DELAY_MS_MAX = 200;

/** Validators on one machine share its cores: views that followed each other as fast as separate machines can would leave none for
 *  transactions. So views under load are spaced by what they cost all validators together. A lone transaction never waits. */
export function proposeDelayMsFor(nodes: number, cores: number): number {
  const spacingMs = Math.round((VIEW_CPU_MS * nodes) / (VIEWS_SHARE * Math.max(1, cores)));
  return Math.min(PROPOSE_DELAY_MS_MAX, Math.max(PROPOSE_DELAY_MS_MIN, spacingMs));
}

/** Transactions of a sender that are submitted and perhaps not final; a quarter of the ledger's nonce window. */
export const SENDER_UNFINISHED_MAX = 64;
/** Seconds of load that may be unfinished before the generator holds back. */
const UNFINISHED_SECONDS = 4;
const SENDERS_PER_LANE_MIN = 4;
const ACCOUNTS_MAX = 16_384;

/** Accounts that `load` transactions a second need, given how many each may have in flight. */
export function accountsFor(load: number, lanes: number): number {
  const wanted = Math.ceil((load * UNFINISHED_SECONDS) / SENDER_UNFINISHED_MAX);
  return Math.min(Math.max(wanted, lanes * SENDERS_PER_LANE_MIN), ACCOUNTS_MAX);
}

export interface AccountRange {
  readonly from: number;
  readonly count: number;
}

/** Which of a run's accounts send what: a nonce belongs to one kind of traffic. */
export function accountRangesOf(options: {
  readonly load: number;
  readonly sealed: number;
  readonly bundles: number;
  readonly validators: number;
}): { readonly open: AccountRange; readonly sealed: AccountRange; readonly bundles: AccountRange; readonly count: number } {
  const open = { from: 0, count: accountsFor(options.load, options.validators) };
  const sealed = { from: open.count, count: options.sealed === 0 ? 0 : accountsFor(options.sealed, options.validators) };
  // Two senders stand in each.
  const bundleAccounts = options.bundles === 0 ? 0 : 2 * accountsFor(options.bundles, options.validators);
  const bundles = { from: sealed.from + sealed.count, count: bundleAccounts };
  return { open, sealed, bundles, count: bundles.from + bundles.count };
}
