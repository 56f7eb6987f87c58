/** When a validator has surely dealt with a message, and what it knows as final by then. What comes in while a write is under way waits for
 *  that write; whatever a step of the next turn wants on disk is in the write after it. So after three writes from the delivery on, the
 *  message was taken in, its durable part is on disk and its effects were performed. */

import type { Fact, FactType } from "../simulator/facts.ts";

export interface Processing {
  observe(fact: Fact): void;
  /** Writes of this validator so far. */
  saves(validator: number): number;
  /** The view that the validator entered last in this life; 0 while it has not started, and for observers. */
  view(validator: number): number;
  /** View of the highest CC that the validator has shown or saved. */
  finalView(validator: number): number;
  /** So many messages came since its last write that some may have been lost to a full queue. */
  isCrowded(validator: number): boolean;
}

export const PROCESSING_FACTS: readonly FactType[] = ["started", "stopped", "halted", "enteredView", "saved", "certificate", "delivered"];

/** Writes after which a message has surely been dealt with. */
export const SAVES_UNTIL_DONE = 3;
/** Well below what a queue holds of peers' messages. */
const WAITING_MAX = 2_048;

interface Progress {
  saves: number;
  view: number;
  finalView: number;
  isSigning: boolean;
  waiting: number;
}

export function createProcessing(count: number): Processing {
  const all = Array.from({ length: count }, (): Progress => ({ saves: 0, view: 0, finalView: 0, isSigning: true, waiting: 0 }));
  const of = (validator: number): Progress => all[validator] as Progress;

  function onSaved(own: Progress, finalView: number): void {
    own.saves++;
    own.waiting = 0;
    own.finalView = Math.max(own.finalView, finalView);
  }

  return {
    observe(fact) {
      switch (fact.type) {
        case "started":
          of(fact.validator).view = of(fact.validator).waiting = 0;
          of(fact.validator).isSigning = fact.isSigning;
          return;
        case "stopped":
        case "halted":
          of(fact.validator).view = 0;
          return;
        case "enteredView":
          if (of(fact.validator).isSigning) of(fact.validator).view = fact.view;
          return;
        case "certificate": {
          const { kind, view } = fact.certificate.ballot;
          const own = of(fact.validator);
          if (kind === "commit") own.finalView = Math.max(own.finalView, view);
          return;
        }
        case "saved":
          return onSaved(of(fact.validator), fact.durable.finality.at(-1)?.view ?? 0);
        case "delivered":
          of(fact.to).waiting++;
          return;
        default:
          return;
      }
    },
    saves: (validator) => of(validator).saves,
    view: (validator) => of(validator).view,
    finalView: (validator) => of(validator).finalView,
    isCrowded: (validator) => of(validator).waiting > WAITING_MAX,
  };
}
