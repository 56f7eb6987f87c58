/** Balances computed a second time, from what validators reported alone: each receipt that claims success moves its money here.
 *  If receipts are true, nobody but an issuer is ever overdrawn, nothing is posted that is not pending, and the supply of an asset
 *  changes by its issuer alone. Knows nothing of result codes but success, and nothing of the model. */

import type { TransactionReceipt } from "../../types/application.ts";
import { assert } from "../../types/assert.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import type { Genesis } from "../../types/genesis.ts";
import { BUILDER_BOND_ACCOUNT, FEE_ACCOUNT, OPERATION_KINDS, type Operation, type TransactionPayload } from "../../types/transaction.ts";
import type { LedgerModel } from "./ledger_model.ts";
import type { Actions, ModelSealed } from "./ledger_model_records.ts";
import type { AuditedBlock } from "./predictors.ts";

/** The fee was charged and operations ran. */
const CODES_WITH_FEE: readonly number[] = [0, 110];
/** The fee was charged and the content could not run. */
const FAILED_CODES: readonly number[] = [111, 112, 113, 114];

interface Bond {
  amount: bigint;
  recipient: string;
}

interface Balance {
  posted: bigint;
  /** Promised to others. */
  reserved: bigint;
}

interface Open {
  readonly payer: string;
  readonly payee: string;
  readonly asset: number;
  readonly amount: bigint;
  readonly expiresAtMs: number;
}

export interface ReceiptLedger {
  readonly height: number;
  /** Takes the next block with the receipts that a validator reported for it. What it says that cannot be is returned. */
  take(block: AuditedBlock, receipts: readonly TransactionReceipt[], bundleReceipts?: readonly TransactionReceipt[]): string | undefined;
  balance(account: string, asset: number): Readonly<Balance>;
  /** What an issuer has issued and not taken back. */
  supply(asset: number): bigint;
}

export function createReceiptLedger(genesis: Genesis): ReceiptLedger {
  return new Receipts(genesis);
}

/** Where the model is out of balance, in itself or against the balances that receipts lead to. Both stand at the same height. */
export function imbalance(model: LedgerModel, receipts: ReceiptLedger): string | undefined {
  const at = `At height ${model.height}`;
  if (model.imbalances().some((difference) => difference !== 0n)) return `${at} debits and credits differ.`;
  const held = new Map<number, bigint>();
  for (const { id, asset, isIssuer, creditsPosted, debitsPosted, debitsPending } of model.state.accounts) {
    const { posted, reserved } = receipts.balance(id, asset);
    if (posted !== creditsPosted - debitsPosted || reserved !== debitsPending) {
      return `${at} account ${id} owns ${creditsPosted - debitsPosted} of asset ${asset}, and by receipts ${posted}.`;
    }
    if (!isIssuer) held.set(asset, (held.get(asset) ?? 0n) + posted);
  }
  for (const [asset, amount] of held) {
    if (amount !== receipts.supply(asset))
      return `${at} accounts hold ${amount} of asset ${asset}, of which ${receipts.supply(asset)} were issued.`;
  }
  return undefined;
}

class Receipts implements ReceiptLedger {
  readonly #parameters: Genesis["parameters"];
  readonly #balances = new Map<string, Balance>();
  readonly #issuers = new Map<number, string>();
  readonly #supplies = new Map<number, bigint>();
  readonly #open = new Map<string, Open>();
  readonly #bonds = new Map<string, Bond>();
  /** Who has an account in the fee asset, as far as that decides who takes a fee. */
  readonly #holders = new Set<string>([FEE_ACCOUNT, BUILDER_BOND_ACCOUNT]);
  /** Of the block at hand. */
  #collector: string = FEE_ACCOUNT;
  height = 0;

  constructor({ assets, balances, parameters, validators }: Genesis) {
    this.#parameters = parameters;
    for (const { asset, issuer } of assets) this.#issuers.set(asset, issuer);
    for (const { ed25519PublicKey } of validators) this.#holders.add(ed25519PublicKey);
    for (const { account, asset } of balances) this.#hold(account, asset);
    for (const [asset, issuer] of this.#issuers) this.#hold(issuer, asset);
    for (const { account, asset, amount } of balances) {
      this.#move({ payer: this.#issuers.get(asset) ?? "", payee: account, asset, amount });
    }
  }

  balance(account: string, asset: number): Balance {
    const key = `${asset}/${account}`;
    const known = this.#balances.get(key);
    if (known !== undefined) return known;
    const fresh = { posted: 0n, reserved: 0n };
    this.#balances.set(key, fresh);
    return fresh;
  }

  supply(asset: number): bigint {
    return this.#supplies.get(asset) ?? 0n;
  }

  take(
    block: AuditedBlock,
    receipts: readonly TransactionReceipt[],
    bundleReceipts: readonly TransactionReceipt[] = [],
  ): string | undefined {
    const { header, transactions } = block;
    assert(header.height === this.height + 1, "receipts are taken in order of height");
    this.height = header.height;
    this.#collector = FEE_ACCOUNT;
    for (const [name, open] of this.#open) if (open.expiresAtMs !== 0 && open.expiresAtMs <= header.timeMs) this.#close(name, open, 0n);
    const unpaid = block.built === undefined ? undefined : this.#settle(block.built);
    if (unpaid !== undefined) return `At height ${header.height}: ${unpaid}`;
    for (const [index, { sealed, hash }] of transactions.entries()) {
      const flaw = sealed === undefined ? undefined : this.#charge(sealed, receipts[index]);
      if (flaw !== undefined) return `Transaction ${hash} at height ${header.height}: ${flaw}`;
    }
    for (const [index, { sealed, hash }] of transactions.entries()) {
      const receipt = receipts[index];
      if (sealed === undefined || receipt === undefined || !CODES_WITH_FEE.includes(receipt.code)) continue;
      const wrong = this.#content(sealed, receipt, header.timeMs);
      if (wrong !== undefined) return `Transaction ${hash} at height ${header.height}: ${wrong}`;
    }
    const opened = this.#bundle(block, bundleReceipts);
    if (opened !== undefined) return opened;
    for (const [index, { payload, hash }] of transactions.entries()) {
      const receipt = receipts[index];
      if (payload === undefined || receipt === undefined || !CODES_WITH_FEE.includes(receipt.code)) continue;
      const flaw = this.#transaction(payload, receipt, header.timeMs);
      if (flaw !== undefined) return `Transaction ${hash} at height ${header.height}: ${flaw}`;
    }
    return undefined;
  }

  /** Receipts of bundles claim success of what stands in a group; that a group is there as a whole is outcomes' business. */
  #bundle({ header, bundle = [] }: AuditedBlock, receipts: readonly TransactionReceipt[]): string | undefined {
    const named = new Map(
      bundle.flatMap(({ hashes, payloads = [] }) => payloads.map((payload, index) => [hashes[index], payload] as const)),
    );
    for (const receipt of receipts) {
      const payload = named.get(receipt.hash);
      const where = `Transaction ${receipt.hash} of the bundle at height ${header.height}`;
      if (payload === undefined || receipt.code !== 0) return `${where} has a receipt, and no place in a group that ran`;
      const flaw = this.#transaction(payload, receipt, header.timeMs);
      if (flaw !== undefined) return `${where}: ${flaw}`;
    }
    return undefined;
  }

  /** What a built block owes, and who takes its fees. That accounts have room for what they are due is taken for granted here. */
  #settle({ builder, value, proposer }: BuiltBlock): string | undefined {
    const bond = this.#bonds.get(builder);
    if (bond === undefined || bond.amount < value) return `builder ${builder} owes ${value}, which its bond does not cover`;
    bond.amount -= value;
    if (this.#holders.has(bond.recipient)) this.#collector = bond.recipient;
    return this.#move({ payer: BUILDER_BOND_ACCOUNT, payee: proposer, asset: this.#parameters.feeAsset, amount: value });
  }

  #hold(account: string, asset: number): void {
    if (asset === this.#parameters.feeAsset) this.#holders.add(account);
  }

  /** All fees of a sealed lane come before anything of it runs. */
  #charge({ envelope }: ModelSealed, receipt: TransactionReceipt | undefined): string | undefined {
    if (receipt === undefined || !(CODES_WITH_FEE.includes(receipt.code) || FAILED_CODES.includes(receipt.code))) return undefined;
    const { feeAsset } = this.#parameters;
    return this.#move({ payer: envelope.sender, payee: FEE_ACCOUNT, asset: feeAsset, amount: BigInt(envelope.fee) });
  }

  #content({ envelope, content }: ModelSealed, receipt: TransactionReceipt, timeMs: number): string | undefined {
    if (typeof content === "string") return `it ran, although it holds no operations (${content})`;
    return this.#operations({ sender: envelope.sender, nonce: envelope.nonce, operations: content }, receipt, timeMs);
  }

  #transaction(payload: TransactionPayload, receipt: TransactionReceipt, timeMs: number): string | undefined {
    const { feeAsset, feePerTransaction, feePerOperation } = this.#parameters;
    const { sender, operations } = payload;
    const fee = BigInt(feePerTransaction + feePerOperation * operations.length);
    const unpaid = this.#move({ payer: sender, payee: this.#collector, asset: feeAsset, amount: fee });
    return unpaid ?? this.#operations(payload, receipt, timeMs);
  }

  #operations({ sender, nonce, operations }: Actions, receipt: TransactionReceipt, timeMs: number): string | undefined {
    for (const [index, operation] of operations.entries()) {
      if (receipt.operationCodes[index] !== 0) continue;
      const flaw = this.#operation(operation, { sender, name: `${sender}/${nonce}/${index}`, timeMs });
      if (flaw !== undefined) return `operation ${index} succeeded: ${flaw}`;
    }
    return undefined;
  }

  #operation(operation: Operation, by: { readonly sender: string; readonly name: string; readonly timeMs: number }): string | undefined {
    const { kind, account, asset, amount, reference } = operation;
    const { sender, name, timeMs } = by;
    switch (kind) {
      case OPERATION_KINDS.openAccount:
        this.#hold(account, asset);
        return undefined;
      case OPERATION_KINDS.registerAsset:
        if (this.#issuers.has(asset)) return `asset ${asset} was issued by somebody else before`;
        this.#issuers.set(asset, sender);
        return undefined;
      case OPERATION_KINDS.transfer:
        return this.#move({ payer: sender, payee: account, asset, amount });
      case OPERATION_KINDS.pend: {
        this.#open.set(name, { payer: sender, payee: account, asset, amount, expiresAtMs: reference === 0 ? 0 : timeMs + reference });
        this.balance(sender, asset).reserved += amount;
        return this.#overdraft(sender, asset);
      }
      case OPERATION_KINDS.post:
      case OPERATION_KINDS.void: {
        const pending = `${account}/${reference}/${operation.index}`;
        const open = this.#open.get(pending);
        if (open === undefined) return `pending transfer ${pending} is not open`;
        if (amount > open.amount) return `${amount} was posted of ${open.amount} that were pending`;
        return this.#close(pending, open, kind === OPERATION_KINDS.post ? amount : 0n);
      }
      case OPERATION_KINDS.builderRegister:
        this.#bonds.set(sender, { amount: (this.#bonds.get(sender)?.amount ?? 0n) + amount, recipient: account });
        return this.#move({ payer: sender, payee: BUILDER_BOND_ACCOUNT, asset: this.#parameters.feeAsset, amount });
      case OPERATION_KINDS.builderUnbond:
        return this.#bonds.has(sender) ? undefined : "its sender is no builder";
      case OPERATION_KINDS.builderWithdraw: {
        const bond = this.#bonds.get(sender)?.amount ?? 0n;
        this.#bonds.delete(sender);
        return this.#move({ payer: BUILDER_BOND_ACCOUNT, payee: sender, asset: this.#parameters.feeAsset, amount: bond });
      }
      default:
        return `kind ${kind} has no meaning`;
    }
  }

  #close(name: string, open: Open, posted: bigint): string | undefined {
    this.#open.delete(name);
    this.balance(open.payer, open.asset).reserved -= open.amount;
    return posted === 0n ? undefined : this.#move({ ...open, amount: posted });
  }

  #move(moved: { readonly payer: string; readonly payee: string; readonly asset: number; readonly amount: bigint }): string | undefined {
    const { payer, payee, asset, amount } = moved;
    this.balance(payer, asset).posted -= amount;
    this.balance(payee, asset).posted += amount;
    const issuer = this.#issuers.get(asset);
    if (payer === issuer) this.#supplies.set(asset, this.supply(asset) + amount);
    if (payee === issuer) this.#supplies.set(asset, this.supply(asset) - amount);
    return this.#overdraft(payer, asset);
  }

  #overdraft(account: string, asset: number): string | undefined {
    const { posted, reserved } = this.balance(account, asset);
    if (posted >= reserved || account === this.#issuers.get(asset)) return undefined;
    return `account ${account} spends ${reserved - posted} of asset ${asset} that it does not have: money was made`;
  }
}
