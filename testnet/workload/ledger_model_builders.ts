/** Builders in the ledger's model: what they register and owe, from rules L17 to L20 alone. Like the rest of the model it collects all
 *  conditions that fail. Shares nothing with `ledger/` but the numbers of the result codes. */

import { OPERATION_CODES as OP } from "../../ledger/result_codes.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import { BUILDER_BOND_ACCOUNT, type Operation } from "../../types/transaction.ts";
import { isFunded, type ModelAccount, type ModelBuilder, type Parties } from "./ledger_model_records.ts";

const RANGE = 2n ** 128n;
const ZERO = "0".repeat(64);
const UNBONDING_HEIGHTS = 1_024;
const WINDOW_HEIGHTS = 256;
const FAILURES = 3;
const BOX_HEIGHTS = 256;

/** What of the model builders touch. */
export interface BuilderSurroundings {
  /** 0: the chain takes none. */
  readonly bondMin: bigint;
  readonly buildersMax: number;
  /** In the fee asset. */
  account(id: string): ModelAccount | undefined;
  move(parties: Parties, amount: bigint): void;
  onUndo(takeBack: () => void): void;
}

export class ModelBuilders {
  /** By slot, counted from 0; undefined: free. */
  readonly slots: (ModelBuilder | undefined)[] = [];
  readonly #model: BuilderSurroundings;

  constructor(model: BuilderSurroundings) {
    this.#model = model;
  }

  get(id: string): ModelBuilder | undefined {
    return this.slots.find((each) => each?.id === id);
  }

  isActiveAt(id: string, height: number): boolean {
    const builder = this.get(id);
    if (builder === undefined || builder.bond < this.#model.bondMin || height <= builder.boxedUntil) return false;
    return builder.unbondingAt === 0 || height <= builder.unbondingAt + 1;
  }

  /** Settles a built block; who takes the fees of its open lane, if anybody but the fee account. */
  settle({ builder: id, value, proposer, failed }: BuiltBlock, height: number): ModelAccount | undefined {
    const builder = this.get(id) as ModelBuilder;
    const payee = this.#model.account(proposer) as ModelAccount;
    if (payee.creditsPosted + payee.creditsPending + value < RANGE) {
      builder.bond -= value;
      this.#model.move({ payer: this.#bondAccount(), payee }, value);
    }
    if (failed) {
      builder.failures = [...builder.failures, height];
      if (builder.failures.filter((each) => each > height - WINDOW_HEIGHTS).length >= FAILURES) {
        builder.failures = [];
        builder.boxedUntil = height + BOX_HEIGHTS;
      }
    }
    return this.#model.account(builder.recipient);
  }

  /** Kinds 7 to 9. All conditions that fail; when none does, the operation has been carried out. */
  operation(sender: string, operation: Operation, { height, failing }: { readonly height: number; readonly failing: number[] }): number[] {
    const { kind, index, asset, account, amount, reference } = operation;
    if (this.#model.bondMin === 0n) return [...failing, OP.buildersOff];
    if (reference !== 0) failing.push(OP.reservedField);
    if (kind === 7) return this.#register(sender, operation, failing);
    if (index !== 0 || asset !== 0 || account !== ZERO || amount !== 0n) failing.push(OP.reservedField);
    const builder = this.get(sender);
    if (builder === undefined) return [...failing, OP.builderNotFound];
    return kind === 8 ? this.#unbond(builder, height, failing) : this.#withdraw(builder, height, failing);
  }

  #register(sender: string, { account, amount, asset, index }: Operation, failing: number[]): number[] {
    const payer = this.#model.account(sender) as ModelAccount;
    const payee = this.#bondAccount();
    const known = this.get(sender);
    if (account === ZERO) failing.push(OP.accountZero);
    if (!isFunded(payer, amount)) failing.push(OP.insufficientFunds);
    if (payer.debitsPosted + payer.debitsPending + amount >= RANGE) failing.push(OP.debitsOverflow);
    if (payee.creditsPosted + payee.creditsPending + amount >= RANGE) failing.push(OP.creditsOverflow);
    if ((asset === 0 && index !== 0) || (asset !== 0 && index === 0)) failing.push(OP.endpointIncomplete);
    if ((known?.bond ?? 0n) + amount < this.#model.bondMin) failing.push(OP.bondTooLow);
    const registered = this.slots.filter((each) => each !== undefined).length;
    if (known === undefined && registered >= this.#model.buildersMax) failing.push(OP.builderTableFull);
    if (failing.length > 0) return failing;
    const free = this.slots.indexOf(undefined);
    const slot = known !== undefined ? this.slots.indexOf(known) : free >= 0 ? free : this.slots.length;
    const kept = known ?? { failures: [], boxedUntil: 0, bond: 0n };
    const { failures, boxedUntil } = kept;
    const bond = kept.bond + amount;
    this.#put(slot, { id: sender, recipient: account, bond, ipv4: asset, port: index, unbondingAt: 0, failures, boxedUntil });
    this.#model.move({ payer, payee }, amount);
    return failing;
  }

  #unbond(builder: ModelBuilder, height: number, failing: number[]): number[] {
    if (builder.unbondingAt !== 0) failing.push(OP.builderUnbonding);
    if (failing.length === 0) this.#put(this.slots.indexOf(builder), { ...builder, unbondingAt: height });
    return failing;
  }

  #withdraw(builder: ModelBuilder, height: number, failing: number[]): number[] {
    const payee = this.#model.account(builder.id) as ModelAccount;
    if (payee.creditsPosted + payee.creditsPending + builder.bond >= RANGE) failing.push(OP.creditsOverflow);
    if (builder.unbondingAt === 0) failing.push(OP.builderNotUnbonding);
    else if (height - builder.unbondingAt < UNBONDING_HEIGHTS) failing.push(OP.bondLocked);
    if (failing.length > 0) return failing;
    this.#put(this.slots.indexOf(builder), undefined);
    this.#model.move({ payer: this.#bondAccount(), payee }, builder.bond);
    return failing;
  }

  #put(slot: number, builder: ModelBuilder | undefined): void {
    const isNew = slot === this.slots.length;
    const former = this.slots[slot];
    this.slots[slot] = builder;
    this.#model.onUndo(() => {
      if (isNew) this.slots.pop();
      else this.slots[slot] = former;
    });
  }

  #bondAccount(): ModelAccount {
    return this.#model.account(BUILDER_BOND_ACCOUNT) as ModelAccount;
  }
}
