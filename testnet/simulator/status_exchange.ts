/** Statuses between peers: looked at at intervals and sent when they changed, in any case after five intervals, as p2p/ does it. At
 *  the same moments each validator's sizes are told, for the checker of bounds. */

import type { Fact } from "./facts.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedValidator } from "./simulated_validator.ts";

const STATUS_INTERVAL_US = 1_000_000;
const STATUS_REPEAT_US = 5_000_000;

export interface StatusExchangeParts {
  readonly scheduler: Scheduler;
  /** Validators, then builders. */
  readonly nodes: readonly SimulatedValidator[];
  readonly emit: (fact: Fact) => void;
  readonly isLinked: (from: number, to: number) => boolean;
}

export function startStatusExchange(parts: StatusExchangeParts): void {
  for (const validator of parts.nodes) {
    const sent = { text: "", atUs: 0 };
    parts.scheduler.after(STATUS_INTERVAL_US + validator.index, () => exchange(parts, validator, sent));
  }
}

function exchange(parts: StatusExchangeParts, validator: SimulatedValidator, sent: { text: string; atUs: number }): void {
  const { scheduler, nodes, isLinked } = parts;
  scheduler.after(STATUS_INTERVAL_US, () => exchange(parts, validator, sent));
  if (validator.state !== "up") return;
  tellSizes(parts, validator);
  const { status, index } = validator;
  const text = `${status.view} ${status.finalHeight} ${status.oldestHeight}`;
  if (text === sent.text && scheduler.nowUs - sent.atUs < STATUS_REPEAT_US) return;
  sent.text = text;
  sent.atUs = scheduler.nowUs;
  for (const { index: to } of nodes) if (isLinked(index, to)) validator.tellStatus(to);
}

function tellSizes({ emit, scheduler }: StatusExchangeParts, { index, disk, inputQueueLength, replica }: SimulatedValidator): void {
  if (replica === undefined) return;
  const { poolTransactions, poolBytes, votesHeld, sealing } = replica.status;
  const { shareBlocks: _, ...stored } = disk.store.sizes;
  const sealed =
    sealing === undefined
      ? {}
      : {
          sealed: {
            transactions: sealing.waiting,
            bytes: sealing.waitingBytes,
            lists: sealing.lists,
            blocks: sealing.openings.length,
          },
        };
  const sizes = { ...stored, ...sealed, inputQueue: inputQueueLength, poolTransactions, poolBytes, votesHeld };
  emit({ type: "sizes", atUs: scheduler.nowUs, validator: index, ...sizes });
}
