/** What a simulated validator needs of the cluster around it. */

import type { Durable } from "../../replica/interface.ts";
import type { ValidatorIndex } from "../../types/ids.ts";
import type { PeerKey, Sender } from "../../types/sender.ts";
import type { Fact, WireMessage } from "./facts.ts";
import type { Scheduler } from "./scheduler.ts";
import type { TransactionChecker } from "./transaction_checker.ts";
import type { World } from "./world.ts";

export interface Host {
  readonly world: World;
  readonly scheduler: Scheduler;
  readonly transactions: TransactionChecker;
  emit(fact: Fact): void;
  /** Sends one message; what becomes of it is the network's business. */
  transmit(from: number, to: number, message: WireMessage, extraDelayUs: number): void;
  /** Just before or after a write is synced. A fault may stop the validator in it. */
  onSave(validator: number, durable: Durable, edge: "before" | "after"): void;
  peerOf(validator: number): PeerKey;
  validatorOf(peer: PeerKey): number | undefined;
  /** How `receiver` knows the sender of a message. */
  senderOf(from: number, receiver: number): Exclude<Sender, { readonly type: "self" }>;
  /** Validators that run and that this one has a link with, in order. */
  linked(validator: number): readonly ValidatorIndex[];
}
