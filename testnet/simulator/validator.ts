/** One simulated validator: the shipped replica under the driver's contract (node/driver.ts) in simulated time. Inputs of one turn are
 *  stepped in order, what they make durable is written in one write that takes its time, and only then are their effects
 *  performed (R9). Between any two of these points a fault may stop it. There is no second guard around its signatures, as
 *  node/signer.ts is one: what the machine decides is what gets signed. */

import type { Keygen } from "../../mempool/keygen_interface.ts";
import { mergeDurable } from "../../node/durable_batch.ts";
import { createInputQueue, type QueuedInput } from "../../node/input_queue.ts";
import { createLatestMessages } from "../../node/latest_messages.ts";
import { INPUT_QUEUE_LIMITS } from "../../node/limits.ts";
import { createSlicedSyncServer } from "../../node/sync_server.ts";
import type { ReplicaConfig } from "../../replica/context.ts";
import type { Durable, Replica, ReplicaEffect, ReplicaInput, ReplicaTimer } from "../../replica/interface.ts";
import type { Application } from "../../types/application.ts";
import { assert } from "../../types/assert.ts";
import type { Opportunity } from "../../types/building.ts";
import { Epoch, ValidatorIndex } from "../../types/ids.ts";
import type { PeerStatus } from "../../types/sync.ts";
import { acceptMessage } from "./accept_message.ts";
import { assemble, emptyDisk } from "./assembly.ts";
import type { SimulatedDisk } from "./disk.ts";
import { createEffects, type Effects, isForBuilders } from "./effects.ts";
import type { WireMessage } from "./facts.ts";
import type { Host } from "./host.ts";
import { createLocalClock, type LocalClock } from "./local_clock.ts";
import { createRequests, type Requests } from "./requests.ts";
import type { SimulatedValidator, ValidatorState } from "./simulated_validator.ts";
import { createStream } from "./streams.ts";
import { createTimerTickets } from "./timer_tickets.ts";
import type { TraitorMachine } from "./traitor.ts";
import { kindOf } from "./wire.ts";

export function createSimulatedValidator(options: {
  readonly index: number;
  readonly host: Host;
  readonly config: ReplicaConfig;
  readonly traitor: (machine: {
    readonly status: () => Replica["status"];
    readonly secretShare: () => Uint8Array | undefined;
  }) => TraitorMachine | undefined;
  /** Of a builder: a block that it may bid for. Left out: a validator. */
  readonly onBuildable?: (opportunity: Opportunity) => void;
}): SimulatedValidator {
  return new Validator(options);
}

/** Rounds of feeding back what was signed before others have their turn, as in node/driver.ts. */
const FEEDBACK_ROUNDS_MAX = 16;

type Options = Parameters<typeof createSimulatedValidator>[0];

class Validator implements SimulatedValidator {
  readonly index: ValidatorIndex;
  readonly clock: LocalClock;
  state: ValidatorState = "down";
  life = 0;
  isSigning: boolean;
  replica: Replica | undefined;
  application: Application | undefined;
  disk: SimulatedDisk;
  readonly #options: Options;
  readonly #host: Host;
  readonly #traitor: TraitorMachine | undefined;
  readonly #requests: Requests;
  readonly #diskStream;
  #queue = createInputQueue(INPUT_QUEUE_LIMITS);
  #timers = createTimerTickets();
  #latest = createLatestMessages();
  #effects: Effects | undefined;
  #answer: ReturnType<typeof createSlicedSyncServer> | undefined;
  #feedback: ReplicaInput[] = [];
  #isSaving = false;
  /** What became due while the process was frozen. */
  #onResume: (() => void)[] = [];
  #isDiskFull = false;
  #toldKeyIn = 0;
  #keygen: Keygen | undefined;
  #syncMs: readonly [number, number];

  constructor(options: Options) {
    const { host } = options;
    this.#options = options;
    this.isSigning = options.onBuildable === undefined;
    this.#host = host;
    this.index = ValidatorIndex.of(options.index);
    this.clock = createLocalClock(() => host.scheduler.nowUs);
    this.disk = emptyDisk(host.world, options.index);
    this.#diskStream = createStream(host.world.scenario.seed, `disk/${options.index}`);
    this.#syncMs = host.world.scenario.protocol.syncMs;
    this.#traitor = options.traitor({ status: () => this.#running().status, secretShare: () => this.#keygen?.secretShare });
    this.#requests = createRequests({
      self: options.index,
      host,
      input: (input) => this.#input(input),
      whenRunning: (act) => this.#whenRunning(act),
    });
  }

  get inputQueueLength(): number {
    return this.#queue.length;
  }

  get status(): PeerStatus {
    const { view, finalHeight, finalHash } = this.#running().status;
    return { epoch: Epoch.ZERO, view, finalHeight, finalHash, oldestHeight: this.disk.store.oldestHeight };
  }

  start(): void {
    if (this.state === "down") this.#guard(() => this.#start());
  }

  #start(): void {
    const { isSigning, index: validator } = this;
    const { nowUs: atUs } = this.#host.scheduler;
    const self = isSigning ? validator : undefined;
    const parts = { world: this.#host.world, disk: this.disk, self, config: this.#options.config, cheat: this.#traitor?.keygenCheat() };
    const assembly = assemble(parts);
    if (!assembly.ok) {
      this.state = "refused";
      return this.#host.emit({ type: "refusedStart", atUs, validator, reason: assembly.reason });
    }
    const { replica, restoredHeight, rewritten } = assembly;
    this.#keygen = assembly.keygen;
    this.application = assembly.application;
    if (rewritten !== undefined) this.#tellSaved(rewritten);
    this.#connect(replica);
    this.clock.restart();
    this.state = "up";
    this.life++;
    const { finalHeight } = replica.status;
    const from = restoredHeight === undefined ? {} : { restoredHeight };
    this.#host.emit({ type: "started", atUs, validator, life: this.life, finalHeight, isSigning, ...from });
    this.#queue.pushFirst([{ type: "start" }]);
    this.#pump();
  }

  stop({ why, unsynced }: Parameters<SimulatedValidator["stop"]>[0]): void {
    if (this.state !== "up" && this.state !== "paused") return;
    this.state = "down";
    const remains = this.#guard(() => this.disk.crash(unsynced));
    if (remains === undefined) return;
    if (remains.kept !== undefined) this.#tellSaved(remains.kept);
    this.#forget();
    this.#host.emit({ type: "stopped", atUs: this.#host.scheduler.nowUs, validator: this.index, why, lostWrites: remains.lostWrites });
  }

  pause(): void {
    if (this.state === "up") this.state = "paused";
  }

  resume(): void {
    if (this.state !== "paused") return;
    this.state = "up";
    const due = this.#onResume;
    this.#onResume = [];
    this.#guard(() => {
      for (const act of due) act();
    });
    this.#pump();
  }

  wipe(): void {
    this.disk = emptyDisk(this.#host.world, this.index);
    this.isSigning = false;
  }

  setDisk({ isFull, syncMs }: Parameters<SimulatedValidator["setDisk"]>[0]): void {
    if (isFull !== undefined) this.#isDiskFull = isFull;
    if (syncMs !== undefined) this.#syncMs = syncMs;
  }

  receive(message: WireMessage, from: number): void {
    if (this.state !== "up" && this.state !== "paused") return;
    const seen = this.#traitor === undefined ? [message] : this.#traitor.incoming(message, ValidatorIndex.of(from));
    this.#guard(() => {
      for (const each of seen) this.#accept(each, from);
    });
    this.#pump();
  }

  submit(bytes: Uint8Array, client: number): void {
    this.#guard(() => this.#effects?.fromClient(bytes, client));
    this.#pump();
  }

  greet(peer: number): void {
    this.#whenRunning(() => {
      const { weights } = this.#host.world.scenario;
      for (const message of this.#latest.all()) if (peer < weights.length || isForBuilders(message)) this.#send(peer, message);
      this.tellStatus(peer);
    });
  }

  tellStatus(peer: number): void {
    this.#send(peer, { type: "status", status: this.status });
  }

  notePeerGone(peer: number): void {
    this.#input({ type: "peerGone", peer: this.#host.peerOf(peer) });
  }

  /** Connects a machine with what is around it. */
  #connect(replica: Replica): void {
    const { store } = this.disk;
    this.replica = replica;
    this.#answer = createSlicedSyncServer({ store, replica, currentStatus: () => this.status });
    this.#effects = createEffects({
      index: this.index,
      host: this.#host,
      traitor: this.#traitor,
      latest: this.#latest,
      requests: this.#requests,
      replica,
      store,
      secretShare: () => this.#keygen?.secretShare,
      saveSnapshot: (snapshot) => {
        this.disk.saveSnapshot(snapshot);
        this.#host.emit({ type: "snapshot", atUs: this.#host.scheduler.nowUs, validator: this.index, height: snapshot.height });
      },
      input: (input) => this.#queue.push({ input, ticket: undefined }),
      buildable: (opportunity) => this.#options.onBuildable?.(opportunity),
      send: (to, message) => this.#send(to, message),
    });
  }

  #running(): Replica {
    assert(this.replica !== undefined, "the validator runs");
    return this.replica;
  }

  #forget(): void {
    this.replica = undefined;
    this.#effects = undefined;
    this.#answer = undefined;
    this.#queue = createInputQueue(INPUT_QUEUE_LIMITS);
    this.#timers = createTimerTickets();
    this.#latest = createLatestMessages();
    this.#feedback = [];
    this.#isSaving = false;
    this.#onResume = [];
    this.#requests.clear();
  }

  #input(input: ReplicaInput): void {
    if (this.replica === undefined) return;
    this.#queue.push({ input, ticket: undefined });
    this.#pump();
  }

  #accept(message: WireMessage, from: number): void {
    if (this.#effects === undefined) return;
    acceptMessage(message, {
      from,
      sender: this.#host.senderOf(from, this.index),
      effects: this.#effects,
      requests: this.#requests,
      serve: (request) => this.#whenRunning(() => this.#serve(request, from)),
      input: (input) => this.#queue.push({ input, ticket: undefined }),
    });
  }

  #serve({ requestId, request }: Extract<WireMessage, { type: "request" }>, from: number): void {
    const slices = this.#answer?.(request);
    let slice = slices?.next();
    while (slice?.done === false) slice = slices?.next();
    if (slice?.done === true) this.#send(from, { type: "response", requestId, response: slice.value });
  }

  #send(to: number, message: WireMessage): void {
    if (this.#traitor === undefined) return this.#host.transmit(this.index, to, message, 0);
    const { view } = this.#running().status;
    for (const outgoing of this.#traitor.outgoing(message, { to: ValidatorIndex.of(to), kind: kindOf(message), view })) {
      this.#host.transmit(this.index, to, outgoing.message, outgoing.delayMs * 1_000);
    }
  }

  /** Now, or when a frozen process goes on. */
  #whenRunning(act: () => void): void {
    if (this.state === "paused") this.#onResume.push(act);
    else act();
  }

  #pump(): void {
    for (let round = 0; this.state === "up" && !this.#isSaving && this.#queue.length > 0; round++) {
      if (round === FEEDBACK_ROUNDS_MAX) return this.#host.scheduler.after(0, () => this.#pump());
      this.#guard(() => this.#turn());
    }
  }

  #turn(): void {
    const durables: Durable[] = [];
    const effects: ReplicaEffect[] = [];
    for (const queued of this.#queue.takeAll()) {
      this.#step(queued, durables, effects);
      if (this.state !== "up") return;
    }
    const durable = mergeDurable(durables);
    if (durable === undefined) return this.#perform(effects);
    this.#save(durable, effects);
  }

  #step({ input, ticket }: QueuedInput, durables: Durable[], effects: ReplicaEffect[]): void {
    if (ticket !== undefined && !this.#timers.isCurrent(ticket)) return;
    const step = this.#running().step(input, this.clock.now());
    this.#tellKey();
    for (const effect of step.effects) {
      if (effect.type === "setTimer" || effect.type === "cancelTimer") this.#timers.invalidate(effect.timer);
    }
    if (step.durable !== undefined) durables.push(step.durable);
    if (durables.length === 0) this.#perform(step.effects);
    else effects.push(...step.effects);
  }

  /** Once per life. */
  #tellKey(): void {
    const live = this.replica?.sealingKey;
    if (live === undefined || this.#toldKeyIn === this.life) return;
    this.#toldKeyIn = this.life;
    const { nowUs: atUs } = this.#host.scheduler;
    const secretShare = this.#keygen?.secretShare;
    this.#host.emit({ type: "keyLive", atUs, validator: this.index, ...live, secretShare });
  }

  #save(durable: Durable, effects: readonly ReplicaEffect[]): void {
    const { scheduler } = this.#host;
    const { life } = this;
    this.#isSaving = true;
    this.#host.onSave(this.index, durable, "before");
    if (this.life !== life || this.replica === undefined) return;
    const written = this.#traitor === undefined ? durable : this.#traitor.persisted(durable);
    if (written !== undefined) this.disk.begin(written);
    const [min, max] = this.#syncMs;
    scheduler.after(Math.round((min + this.#diskStream.real() * (max - min)) * 1_000), () => {
      if (this.life !== life || this.replica === undefined) return;
      this.#whenRunning(() => this.#saved(written, durable, effects));
    });
  }

  #saved(written: Durable | undefined, durable: Durable, effects: readonly ReplicaEffect[]): void {
    const { life } = this;
    if (this.#isDiskFull) return this.stop({ why: "diskFull", unsynced: "lost" });
    if (written !== undefined) {
      const isSaved = this.#guard(() => {
        this.disk.commit();
        return true;
      });
      if (isSaved !== true) return;
      this.#tellSaved(written);
    }
    this.#isSaving = false;
    this.#host.onSave(this.index, durable, "after");
    if (this.life !== life || this.replica === undefined) return;
    this.#whenRunning(() => {
      this.#perform(effects);
      this.#pump();
    });
  }

  #perform(effects: readonly ReplicaEffect[]): void {
    for (const effect of effects) {
      if (this.state !== "up" || this.#effects === undefined) return;
      if (effect.type === "setTimer") this.#arm(effect.timer, effect.afterMs);
      else if (effect.type !== "cancelTimer") this.#effects.perform(effect, (signed) => this.#feedback.push(signed));
      if (effect.type === "enteredView") this.#traitor?.viewEntered(effect.view);
    }
    if (this.#feedback.length === 0) return;
    this.#queue.pushFirst(this.#feedback);
    this.#feedback = [];
  }

  #arm(timer: ReplicaTimer, afterMs: number): void {
    const ticket = this.#timers.ticketOf(timer);
    const { life } = this;
    this.#host.scheduler.after(this.clock.durationUs(Math.max(0, afterMs)), () => {
      if (this.life !== life || this.replica === undefined || !this.#timers.isCurrent(ticket)) return;
      this.#queue.push({ input: { type: "timer", timer }, ticket });
      this.#pump();
    });
  }

  #tellSaved(durable: Durable): void {
    const { nowUs: atUs } = this.#host.scheduler;
    this.#host.emit({ type: "saved", atUs, validator: this.index, durable });
    for (const evidence of durable.evidence) this.#host.emit({ type: "evidence", atUs, validator: this.index, evidence });
  }

  /** Runs a piece of the product. What it throws is a bug, or a refusal of the store: the process ends. */
  #guard<Result>(act: () => Result): Result | undefined {
    try {
      return act();
    } catch (error) {
      this.state = "halted";
      this.#forget();
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      this.#host.emit({ type: "halted", atUs: this.#host.scheduler.nowUs, validator: this.index, error: text });
      return undefined;
    }
  }
}
