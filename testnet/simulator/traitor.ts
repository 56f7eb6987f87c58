/** Runs the strategies of one Byzantine validator at the four hooks. Several strategies of one validator apply one after the other. */

import type { Durable, ReplicaStatus } from "../../replica/interface.ts";
import type { Proposal } from "../../types/block.ts";
import type { ValidatorIndex } from "../../types/ids.ts";
import type { Ballot, SignedVote } from "../../types/vote.ts";
import type { MessageKind, Traitor } from "../scenario/manifest.ts";
import type { WireMessage } from "./facts.ts";
import { STRATEGY_FACTORIES } from "./strategies/registry.ts";
import type { KeygenCheat, Outgoing, Strategy, TraitorContext, TraitorSealing, UnsignedProposal } from "./strategy.ts";
import { createStream } from "./streams.ts";

export interface TraitorMachine {
  ballots(ballot: Ballot): readonly Ballot[];
  proposals(proposal: UnsignedProposal): readonly UnsignedProposal[];
  outgoing(
    message: WireMessage,
    route: { readonly to: ValidatorIndex; readonly kind: MessageKind; readonly view: number },
  ): readonly Outgoing[];
  incoming(message: WireMessage, from: ValidatorIndex): readonly WireMessage[];
  persisted(durable: Durable): Durable | undefined;
  viewEntered(view: number): void;
  /** Undefined: it takes part honestly. */
  keygenCheat(): KeygenCheat | undefined;
}

export interface TraitorParts {
  readonly seed: number;
  readonly self: ValidatorIndex;
  readonly count: number;
  /** The roles of this validator. */
  readonly roles: readonly Traitor[];
  readonly traitors: readonly ValidatorIndex[];
  readonly shared: Map<string, unknown>;
  readonly status: () => ReplicaStatus;
  readonly signVote: (ballot: Ballot) => SignedVote;
  readonly signProposal: (unsigned: Omit<Proposal, "signature">) => Proposal;
  readonly sealing: TraitorSealing | undefined;
  readonly colluders: TraitorContext["colluders"];
  readonly aggregate: (signatures: readonly Uint8Array[]) => Uint8Array | undefined;
  readonly send: (to: ValidatorIndex, message: WireMessage, delayMs: number) => void;
  readonly onDeed: (strategy: string, view: number, what: string) => void;
  /** A strategy was asked about a view for the first time, and acts in it. */
  readonly onActs: (strategy: string, view: number) => void;
}

interface Role {
  readonly strategy: Strategy;
  readonly context: TraitorContext;
}

export function createTraitor(parts: TraitorParts): TraitorMachine {
  const roles = parts.roles.map((role): Role => ({ strategy: STRATEGY_FACTORIES[role.strategy](), context: contextOf(parts, role) }));

  /** Passes items through one hook of every strategy that has it. */
  function through<Item>(first: Item, hook: (role: Role, item: Item) => readonly Item[] | undefined): readonly Item[] {
    let items: readonly Item[] = [first];
    for (const role of roles) items = items.flatMap((item) => hook(role, item) ?? [item]);
    return items;
  }

  return {
    ballots: (ballot) => through(ballot, ({ strategy, context }, item) => strategy.beforeVote?.(item, context)),
    proposals: (proposal) => through(proposal, ({ strategy, context }, item) => strategy.beforeProposal?.(item, context)),
    outgoing: (message, route) =>
      through<Outgoing>({ message, delayMs: 0 }, ({ strategy, context }, item) =>
        strategy.onSend?.(item.message, route, context)?.map((each) => ({ message: each.message, delayMs: each.delayMs + item.delayMs })),
      ),
    incoming: (message, from) => through(message, ({ strategy, context }, item) => strategy.onReceive?.(item, from, context)),
    persisted(durable) {
      let kept: Durable | undefined = durable;
      for (const { strategy, context } of roles) {
        if (kept !== undefined && strategy.onPersist !== undefined) kept = strategy.onPersist(kept, context);
      }
      return kept;
    },
    keygenCheat() {
      const { sealing } = parts;
      if (sealing === undefined) return undefined;
      for (const { strategy, context } of roles) if (strategy.onKeygen !== undefined) return strategy.onKeygen(sealing.suite, context);
      return undefined;
    },
    viewEntered(view) {
      for (const { strategy, context } of roles) strategy.onView?.(view, context);
    },
  };
}

/** Views whose decision is remembered. */
const DECISIONS_MAX = 4_096;

function contextOf(parts: TraitorParts, role: Traitor): TraitorContext {
  const name = `traitor/${role.validator}/${role.strategy}`;
  const decisions = createStream(parts.seed, `${name}/acts`);
  const decided = new Map<number, boolean>();
  const listed = role.views === undefined ? undefined : new Set(role.views);
  return {
    self: parts.self,
    count: parts.count,
    stream: createStream(parts.seed, name),
    get status() {
      return parts.status();
    },
    traitors: parts.traitors,
    shared: parts.shared,
    acts(view) {
      if (listed !== undefined) return listed.has(view);
      let does = decided.get(view);
      if (does === undefined) {
        does = decisions.chance(role.chance);
        if (decided.size >= DECISIONS_MAX) decided.clear();
        decided.set(view, does);
        if (does) parts.onActs(role.strategy, view);
      }
      return does;
    },
    note: (view, what) => parts.onDeed(role.strategy, view, what),
    sealing: parts.sealing,
    colluders: parts.colluders,
    signVote: parts.signVote,
    signProposal: parts.signProposal,
    aggregate: parts.aggregate,
    send: parts.send,
  };
}
