/** Brings transactions to validators as clients do: one validator at a time, another one after silence, a refusal that allows it or
 *  too long a wait, until the transaction is final, refused for good or past its expiry height. What is sent "once" (copies, lies)
 *  is not followed. Clients believe what validators without a strategy say: that a block is final (a real client believes its proof), or
 *  that a transaction is refused for good (a real client asks several). */

import type { Refusal } from "../../types/application.ts";
import { assert } from "../../types/assert.ts";
import type { Height, TransactionHash } from "../../types/ids.ts";
import type { Fact, FactOf } from "../simulator/facts.ts";
import type { Stream } from "../simulator/streams.ts";
import { createAgenda } from "./agenda.ts";

export interface Submission {
  readonly client: number;
  readonly validator: number;
  readonly bytes: Uint8Array;
}

export type Outcome =
  | { readonly type: "final"; readonly atUs: number; readonly code: number; readonly operationCodes: readonly number[] }
  | { readonly type: "refused"; readonly atUs: number; readonly code: string }
  | { readonly type: "expired"; readonly atUs: number };

export interface Order {
  readonly client: number;
  readonly bytes: Uint8Array;
  readonly hash: TransactionHash;
  readonly expiryHeight: Height;
  /** Where it goes first; anywhere when left out. */
  readonly validator?: number | undefined;
  /** Refusals that allow a retry after which the client gives up; left out: never. */
  readonly refusalsMax?: number;
  readonly onDone?: ((outcome: Outcome) => void) | undefined;
}

export interface Courier {
  readonly nextDueUs: number | undefined;
  /** Transactions that nobody has settled yet. */
  readonly openCount: number;
  /** Neither is anything open nor is anything planned. */
  readonly isIdle: boolean;
  readonly finalHeight: number;
  due(nowUs: number): readonly Submission[];
  observe(fact: Fact): void;
  /** Follows this transaction until it is settled. */
  send(order: Order, atUs: number): void;
  /** Hands bytes to one validator and forgets them. */
  sendOnce(copy: { readonly client: number; readonly bytes: Uint8Array; readonly validator?: number }, atUs: number): void;
  later(atUs: number, act: () => void): void;
  pickValidator(nowUs: number): number;
}

export const ANSWER_WITHIN_US = 2_000_000;
const FINAL_WITHIN_US = 4_000_000;
const FINAL_WITHIN_US_MAX = 15_000_000;
const RETRY_US: readonly [number, number] = [200_000, 1_200_000];
/** Clients do not ask a validator again that did not answer, for so long. */
const AVOIDED_US = 5_000_000;
/** Codes that say that the validator has the transaction. */
const HELD_CODES: ReadonlySet<string> = new Set(["duplicate", "alreadyFinal", "alreadyOrdered"]);

interface Ticket {
  readonly order: Order;
  validator: number;
  state: "new" | "asked" | "accepted" | "waiting" | "done";
  /** Number of its entry in the agenda that counts; others are stale. */
  wake: number;
  refusals: number;
  patienceUs: number;
}

type Plan = { readonly type: "wake"; readonly ticket: Ticket; readonly wake: number } | { readonly type: "act"; readonly act: () => void };

export function createCourier(options: {
  readonly validators: number;
  readonly traitors: ReadonlySet<number>;
  readonly stream: Stream;
}): Courier {
  return new ClientCourier(options);
}

class ClientCourier implements Courier {
  readonly #stream: Stream;
  readonly #traitors: ReadonlySet<number>;
  readonly #agenda = createAgenda<Plan>();
  readonly #open = new Map<TransactionHash, Ticket>();
  readonly #avoidedUntilUs: number[];
  #outgoing: Submission[] = [];
  #finalHeight = 0;
  #plannedActs = 0;

  constructor(options: { readonly validators: number; readonly traitors: ReadonlySet<number>; readonly stream: Stream }) {
    assert(options.validators > 0, "clients have somebody to ask");
    this.#stream = options.stream;
    this.#traitors = options.traitors;
    this.#avoidedUntilUs = new Array<number>(options.validators).fill(0);
  }

  get nextDueUs(): number | undefined {
    return this.#agenda.nextUs;
  }

  get openCount(): number {
    return this.#open.size;
  }

  get isIdle(): boolean {
    return this.#open.size === 0 && this.#plannedActs === 0;
  }

  get finalHeight(): number {
    return this.#finalHeight;
  }

  due(nowUs: number): readonly Submission[] {
    for (let plan = this.#agenda.take(nowUs); plan !== undefined; plan = this.#agenda.take(nowUs)) {
      if (plan.type === "act") {
        this.#plannedActs -= 1;
        plan.act();
      } else if (plan.wake === plan.ticket.wake && plan.ticket.state !== "done") this.#ask(plan.ticket, nowUs);
    }
    const submissions = this.#outgoing;
    this.#outgoing = [];
    return submissions;
  }

  send(order: Order, atUs: number): void {
    if (this.#open.has(order.hash)) return;
    const ticket: Ticket = { order, validator: -1, state: "new", wake: 0, refusals: 0, patienceUs: FINAL_WITHIN_US };
    this.#open.set(order.hash, ticket);
    this.#wakeAt(ticket, atUs);
  }

  sendOnce(copy: { readonly client: number; readonly bytes: Uint8Array; readonly validator?: number }, atUs: number): void {
    const { client, bytes } = copy;
    this.later(atUs, () => {
      this.#outgoing.push({ client, bytes, validator: copy.validator ?? this.pickValidator(atUs) });
    });
  }

  later(atUs: number, act: () => void): void {
    this.#plannedActs += 1;
    this.#agenda.add(atUs, { type: "act", act });
  }

  pickValidator(nowUs: number, except = -1): number {
    const all = [...this.#avoidedUntilUs.keys()];
    const others = all.filter((validator) => validator !== except);
    const answering = others.filter((validator) => (this.#avoidedUntilUs[validator] ?? 0) <= nowUs);
    return this.#stream.pick(answering.length > 0 ? answering : others.length > 0 ? others : all);
  }

  observe(fact: Fact): void {
    switch (fact.type) {
      case "answered":
        return this.#onAnswer(fact);
      case "dropped":
        return this.#onDropped(fact);
      case "saved":
        return this.#traitors.has(fact.validator) ? undefined : this.#onSaved(fact);
      case "stopped":
      case "halted":
        return this.#onSilence(fact.validator, fact.atUs);
      case "phase":
        return fact.phase === "heal" ? this.#retryAll(fact.atUs) : undefined;
      default:
        return;
    }
  }

  #ask(ticket: Ticket, nowUs: number): void {
    const { order } = ticket;
    if (this.#finalHeight >= order.expiryHeight && ticket.state !== "new") return this.#settle(ticket, { type: "expired", atUs: nowUs });
    if (ticket.state === "asked") this.#avoidedUntilUs[ticket.validator] = nowUs + AVOIDED_US;
    const isFirst = ticket.state === "new" && order.validator !== undefined;
    ticket.validator = isFirst ? (order.validator as number) : this.pickValidator(nowUs, ticket.validator);
    ticket.state = "asked";
    this.#outgoing.push({ client: order.client, validator: ticket.validator, bytes: order.bytes });
    this.#wakeAt(ticket, nowUs + ANSWER_WITHIN_US);
  }

  #onAnswer({ atUs, validator, client, hash, refusal }: FactOf<"answered">): void {
    this.#avoidedUntilUs[validator] = 0;
    const ticket = hash === undefined ? undefined : this.#open.get(hash);
    if (ticket === undefined || ticket.validator !== validator || ticket.order.client !== client) return;
    if (refusal !== undefined && !HELD_CODES.has(refusal.code)) return this.#onRefusal(ticket, refusal, atUs);
    ticket.state = "accepted";
    this.#wakeAt(ticket, atUs + ticket.patienceUs);
    ticket.patienceUs = Math.min(FINAL_WITHIN_US_MAX, Math.floor(ticket.patienceUs * 1.5));
  }

  #onDropped({ atUs, validator, hash, refusal }: FactOf<"dropped">): void {
    const ticket = this.#open.get(hash);
    if (ticket !== undefined && ticket.validator === validator && ticket.state === "accepted") this.#onRefusal(ticket, refusal, atUs);
  }

  #onRefusal(ticket: Ticket, { code, canRetry }: Refusal, atUs: number): void {
    const isBelieved = !this.#traitors.has(ticket.validator);
    if (isBelieved) ticket.refusals += 1;
    if (isBelieved && (!canRetry || ticket.refusals === ticket.order.refusalsMax))
      return this.#settle(ticket, { type: "refused", atUs, code });
    ticket.state = "waiting";
    this.#wakeAt(ticket, atUs + this.#stream.between(...RETRY_US));
  }

  /** Final is what a validator's store says, which answers when a client asks for a hash: a crash between the write and its report
   *  hides nothing. */
  #onSaved({ atUs, durable }: FactOf<"saved">): void {
    for (const { height, receipts, bundleReceipts } of durable.operations) {
      if (height <= this.#finalHeight) continue;
      this.#finalHeight = height;
      for (const { hash, code, operationCodes } of [...receipts, ...bundleReceipts]) {
        const ticket = this.#open.get(hash);
        if (ticket !== undefined) this.#settle(ticket, { type: "final", atUs, code, operationCodes });
      }
    }
  }

  /** The connection broke: whoever waits there for an answer asks elsewhere. */
  #onSilence(validator: number, atUs: number): void {
    this.#avoidedUntilUs[validator] = atUs + AVOIDED_US;
    for (const ticket of this.#open.values()) {
      if (ticket.validator === validator && ticket.state === "asked") this.#wakeAt(ticket, atUs + this.#stream.between(...RETRY_US));
    }
  }

  #retryAll(atUs: number): void {
    this.#avoidedUntilUs.fill(0);
    for (const ticket of this.#open.values()) {
      if (ticket.state === "new") continue;
      ticket.state = "waiting";
      ticket.patienceUs = FINAL_WITHIN_US;
      this.#wakeAt(ticket, atUs + this.#stream.between(...RETRY_US));
    }
  }

  #wakeAt(ticket: Ticket, atUs: number): void {
    ticket.wake += 1;
    this.#agenda.add(atUs, { type: "wake", ticket, wake: ticket.wake });
  }

  #settle(ticket: Ticket, outcome: Outcome): void {
    ticket.state = "done";
    this.#open.delete(ticket.order.hash);
    ticket.order.onDone?.(outcome);
  }
}
