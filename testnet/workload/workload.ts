/** The clients of a simulated cluster: what they send, where and when, from one stream of randomness and the facts that they hear.
 *  The same stream and facts give the same submissions. New transactions stop a little after the fault phase; what is under way is
 *  followed until it is final, refused for good or expired. Never predicts an outcome and never reads a clock. */

import { hashTransaction } from "../../crypto/hashes.ts";
import { assert, unreachable } from "../../types/assert.ts";
import { type ChainId, Height } from "../../types/ids.ts";
import { type Scenario, SEALED_KINDS, WORKLOAD_KINDS, type WorkloadKind } from "../scenario/manifest.ts";
import type { Fact } from "../simulator/facts.ts";
import { createStream, type Stream } from "../simulator/streams.ts";
import { createCourier, type Order, type Submission } from "./courier.ts";
import { type Client, createCast, type Ed25519Keys } from "./genesis.ts";
import { sendInvalid, sendReplay } from "./invalid_traffic.ts";
import { sendLie, sendOpaqueLie } from "./lies.ts";
import { type SealedTraffic, type SealingParts, sendSealed } from "./sealed_traffic.ts";
import { compose, operation, type Traffic } from "./traffic.ts";
import { sendDuplicate, sendLinked, sendPend, sendTransfer } from "./valid_traffic.ts";

export type { Submission } from "./courier.ts";
export { type Ed25519Keys, WORKLOAD_FEES, workloadGenesis } from "./genesis.ts";

export interface Workload {
  /** When `due` has something next; undefined: nothing until facts arrive. */
  readonly nextDueUs: number | undefined;
  /** Nothing new will come, and every transaction has its outcome. */
  readonly isSettled: boolean;
  /** Transactions without an outcome. */
  readonly openCount: number;
  /** What clients hand to validators now, in order. */
  due(nowUs: number): readonly Submission[];
  observe(fact: Fact): void;
  /** Follows a transaction that somebody else made. */
  follow(order: Order, atUs: number): void;
}

export interface WorkloadOptions {
  readonly scenario: Scenario;
  readonly chainId: ChainId;
  readonly stream: Stream;
  readonly ed25519: Ed25519Keys;
  /** Needed where the scenario seals. */
  readonly sealing?: SealingParts;
}

/** Transactions still begin so long after the fault phase, for the core to have work. */
const NEW_AFTER_FAULTS_US = 1_000_000;
const REGISTERS_AT_US = 1_000;
/** No run gets there. */
const LATE = Height.of(10_000_000);
/** Open transactions per client; beyond, it waits. A quarter of a nonce window. */
const OPEN_MAX = 64;

export function createWorkload(options: WorkloadOptions): Workload {
  const { scenario, stream, chainId } = options;
  const { clients, perSecond, mix } = scenario.workload;
  const traitors = new Set(scenario.byzantine.map(({ validator }) => validator));
  const courier = createCourier({ validators: scenario.weights.length, traitors, stream });
  const stopsAtUs = clients > 0 && perSecond > 0 ? scenario.phases.faultsMs * 1_000 + NEW_AFTER_FAULTS_US : 0;
  const isLedger = scenario.application === "ledger";
  const cast = createCast(isLedger ? options : { ...options, scenario: { ...scenario, workload: { ...scenario.workload, clients: 0 } } });
  const traffic: Traffic = { cast, chainId, stream, courier, stopsAtUs, recent: [] };
  const opaque = createOpaqueTraffic(traffic, clients);
  const pickKind = sharePicker(WORKLOAD_KINDS, mix, stream);
  const meanUs = perSecond > 0 ? Math.max(1, Math.floor(1_000_000 / perSecond)) : 1;
  let nowUs = 0;

  function arrive(): void {
    const atUs = nowUs;
    const nextUs = atUs + stream.between(1, 2 * meanUs);
    if (nextUs < stopsAtUs) schedule(nextUs);
    const kind = pickKind();
    const client = stream.below(clients);
    if (kind === undefined || courier.openCount >= OPEN_MAX * clients) return;
    if (isLedger) begin(traffic, { kind, client: cast.clients[client] as Client, atUs });
    else opaque.begin({ kind, client, atUs });
  }

  function schedule(atUs: number): void {
    courier.later(atUs, () => {
      nowUs = atUs;
      arrive();
    });
  }

  if (stopsAtUs > 0) schedule(stream.between(1, meanUs));
  const sealed = startSealedTraffic(options, traffic);
  registerBuilders(options, traffic);
  return {
    get nextDueUs() {
      return courier.nextDueUs;
    },
    get isSettled() {
      return courier.isIdle;
    },
    get openCount() {
      return courier.openCount;
    },
    due: (at) => courier.due(at),
    follow: (order, atUs) => courier.send(order, atUs),
    observe(fact) {
      if (sealed !== undefined && fact.type === "keyLive" && !traitors.has(fact.validator)) sealed.key = fact.key;
      courier.observe(fact);
    },
  };
}

/** Builders register with the first blocks, as clients after the others. */
function registerBuilders({ scenario }: WorkloadOptions, traffic: Traffic): void {
  const { builders = [], workload } = scenario;
  for (const [index, { bond }] of builders.entries()) {
    const actor = traffic.cast.builders[index];
    assert(actor !== undefined, "the cast has the scenario's builders");
    const register = operation("builderRegister", { account: actor.account, amount: BigInt(bond) });
    const composed = compose(traffic, actor, [register], { nonce: actor.nonce++, expiryHeight: LATE });
    traffic.courier.send({ client: workload.clients + index, ...composed }, REGISTERS_AT_US * (index + 1));
  }
}

/** Sealed transactions come from a stream of their own and at their own pace. */
function startSealedTraffic({ scenario, sealing }: WorkloadOptions, traffic: Traffic): SealedTraffic | undefined {
  const { sealing: plan, workload } = scenario;
  if (plan === undefined || plan.perSecond === 0 || workload.clients === 0) return undefined;
  assert(sealing !== undefined, "a scenario that seals brings the means");
  const stream = createStream(scenario.seed, "sealed workload");
  const sealed: SealedTraffic = { ...sealing, traffic, stream, key: undefined, recent: [] };
  const pickKind = sharePicker(SEALED_KINDS, plan.mix, stream);
  const meanUs = Math.max(1, Math.floor(1_000_000 / plan.perSecond));
  const stopsAtUs = scenario.phases.faultsMs * 1_000 + NEW_AFTER_FAULTS_US;
  const schedule = (atUs: number): void => {
    if (atUs >= stopsAtUs) return;
    traffic.courier.later(atUs, () => {
      schedule(atUs + stream.between(1, 2 * meanUs));
      const client = stream.below(traffic.cast.sealers.length);
      const kind = pickKind();
      const sealer = traffic.cast.sealers[client];
      if (kind === undefined || sealer === undefined || traffic.courier.openCount >= OPEN_MAX * workload.clients) return;
      sendSealed(sealed, kind, { client, sealer, atUs });
    });
  };
  schedule(stream.between(1, meanUs));
  return sealed;
}

interface Beginning<Who> {
  readonly kind: WorkloadKind;
  readonly client: Who;
  readonly atUs: number;
}

function begin(traffic: Traffic, { kind, client, atUs }: Beginning<Client>): void {
  switch (kind) {
    case "transfer":
      return sendTransfer(traffic, client, atUs);
    case "linked":
      return sendLinked(traffic, client, atUs);
    case "pend":
      return sendPend(traffic, client, atUs);
    case "invalid":
      return sendInvalid(traffic, client, atUs);
    case "duplicate":
      return sendDuplicate(traffic, client, atUs);
    case "replay":
      return sendReplay(traffic, client, atUs);
    case "lie":
      return sendLie(traffic, client, atUs);
    default:
      return unreachable(kind);
  }
}

const NEVER = Height.of(Number.MAX_SAFE_INTEGER);
const RECENT_MAX = 64;

/** For the null application: unique bytes, copies of them, and lies. */
function createOpaqueTraffic(traffic: Traffic, clients: number): { begin(beginning: Beginning<number>): void } {
  const { stream, courier } = traffic;
  const recent: Uint8Array[] = [];
  let count = 0;
  const unique = (): Uint8Array => {
    const bytes = new Uint8Array(stream.between(16, 256)).fill(0x5a);
    bytes.set(stream.bytes(8));
    new DataView(bytes.buffer).setUint32(8, count++, true);
    return bytes;
  };
  return {
    begin({ kind, client, atUs }) {
      if (kind === "lie") return sendOpaqueLie(traffic, client, atUs);
      const isCopy = (kind === "duplicate" || kind === "replay") && recent.length > 0;
      if (isCopy) return courier.sendOnce({ client: stream.below(clients), bytes: stream.pick(recent) }, atUs);
      const bytes = unique();
      courier.send({ client, bytes, hash: hashTransaction(bytes), expiryHeight: NEVER }, atUs);
      recent.push(bytes);
      if (recent.length > RECENT_MAX) recent.shift();
    },
  };
}

/** Draws a kind by its share; undefined when no kind has any. */
function sharePicker<Kind extends string>(
  kinds: readonly Kind[],
  mix: Readonly<Record<Kind, number>>,
  stream: Stream,
): () => Kind | undefined {
  const total = kinds.reduce((sum, kind) => sum + mix[kind], 0);
  return () => {
    let rest = stream.real() * total;
    for (const kind of kinds) {
      rest -= mix[kind];
      if (rest < 0) return kind;
    }
    return undefined;
  };
}
