/** How far each validator has come, as facts show it: its view, its last final view, its durable writes; and whether so much was handed to
 *  it since its last write that its input queue may have dropped something. Never judges; checkers ask it when a machine must have
 *  dealt with a message. */

import type { Fact, FactType } from "../simulator/facts.ts";

export const TURN_FACTS: readonly FactType[] = ["started", "stopped", "enteredView", "saved", "delivered"];

/** A message that arrives during one write is taken in with the next turn, whose write follows: with the second, all it caused is on disk. */
export const SAVES_UNTIL_DONE = 2;

/** Far below the bound of the input queue. */
const WAITING_MAX = 1_024;

export interface Turns {
  observe(fact: Fact): void;
  /** The view that it entered last in this life; 0 where it does not run. */
  view(validator: number): number;
  finalView(validator: number): number;
  /** Durable writes so far. */
  saves(validator: number): number;
  isCrowded(validator: number): boolean;
}

interface Turn {
  view: number;
  finalView: number;
  saves: number;
  delivered: number;
}

export function createTurns(count: number): Turns {
  const turns = Array.from({ length: count }, (): Turn => ({ view: 0, finalView: 0, saves: 0, delivered: 0 }));
  const of = (validator: number): Turn => turns[validator] as Turn;
  return {
    observe(fact) {
      switch (fact.type) {
        case "started":
        case "stopped":
          of(fact.validator).view = 0;
          of(fact.validator).delivered = 0;
          return;
        case "enteredView":
          of(fact.validator).view = fact.view;
          return;
        case "saved": {
          const turn = of(fact.validator);
          turn.saves++;
          turn.delivered = 0;
          turn.finalView = Math.max(turn.finalView, fact.durable.finality.at(-1)?.view ?? 0);
          return;
        }
        case "delivered":
          of(fact.to).delivered++;
          return;
        default:
          return;
      }
    },
    view: (validator) => of(validator).view,
    finalView: (validator) => of(validator).finalView,
    saves: (validator) => of(validator).saves,
    isCrowded: (validator) => of(validator).delivered > WAITING_MAX,
  };
}
