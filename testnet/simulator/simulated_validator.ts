/** What the cluster and its faults do with one simulated validator. */

import type { Replica } from "../../replica/interface.ts";
import type { Application } from "../../types/application.ts";
import type { ValidatorIndex } from "../../types/ids.ts";
import type { PeerStatus } from "../../types/sync.ts";
import type { SimulatedDisk } from "./disk.ts";
import type { WireMessage } from "./facts.ts";
import type { LocalClock } from "./local_clock.ts";

export type ValidatorState = "down" | "up" | "paused" | "refused" | "halted";

export interface SimulatedValidator {
  readonly index: ValidatorIndex;
  readonly state: ValidatorState;
  readonly life: number;
  /** False for an observer: a validator whose store was wiped. */
  readonly isSigning: boolean;
  readonly replica: Replica | undefined;
  /** The application of its machine. */
  readonly application: Application | undefined;
  readonly disk: SimulatedDisk;
  readonly clock: LocalClock;
  start(): void;
  stop(options: { readonly why: "crash" | "upgrade" | "diskFull" | "wipe" | "end"; readonly unsynced: "kept" | "lost" | "torn" }): void;
  pause(): void;
  resume(): void;
  /** Replaces the store by an empty one; the next start is an observer's. */
  wipe(): void;
  setDisk(change: { readonly isFull?: boolean; readonly syncMs?: readonly [number, number] }): void;
  receive(message: WireMessage, from: number): void;
  submit(bytes: Uint8Array, client: number): void;
  /** What a peer misses whose link has just come up. */
  greet(peer: number): void;
  tellStatus(peer: number): void;
  notePeerGone(peer: number): void;
  readonly status: PeerStatus;
  readonly inputQueueLength: number;
}
