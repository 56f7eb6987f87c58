/** Why nothing becomes final right now, in one plain sentence that names whose move it is; null when all is well. */

import type { PeerInfo } from "../../p2p/interface.ts";
import type { ReplicaStatus } from "../../replica/interface.ts";
import { isQuorum } from "../../types/validator_set.ts";

export interface FinalityView {
  readonly replica: ReplicaStatus;
  /** Our own index; undefined for an observer. */
  readonly self: number | undefined;
  readonly weights: readonly number[];
  /** Validators with a direct link to us. */
  readonly connected: ReadonlySet<number>;
}

/** Failure 10, or a store that was rolled back: following goes on, signing does not. */
export const KEY_USED_ELSEWHERE =
  "this validator's key signed something that its own records do not know: another process uses the key, or the store was rolled back; " +
  "it follows and signs nothing: find the other process, and restart only the one with the newest data directory";

/** The same from what a node has at hand. */
export function whyNotFinalAt(state: {
  readonly replica: ReplicaStatus;
  readonly self: number | undefined;
  readonly validators: readonly { readonly weight: number }[];
  readonly peers: readonly Pick<PeerInfo, "validator">[];
}): string | null {
  const { replica, self, validators, peers } = state;
  const connected = new Set<number>(peers.flatMap(({ validator }) => (validator === undefined ? [] : [validator])));
  return whyNotFinal({ replica, self, weights: validators.map(({ weight }) => weight), connected });
}

export function whyNotFinal(view: FinalityView): string | null {
  const { replica, self } = view;
  if (replica.hasDiverged) return "this node's state differs from a certified one: it has stopped signing; restore it from a healthy node";
  if (replica.hasStoppedSigning) return KEY_USED_ELSEWHERE;
  if (replica.isCatchingUp) return `catching up: executed height ${replica.executedHeight}, asking peers for final blocks`;
  if (replica.waitingFor === "idle") return null;
  const unreachable = quorumSentence(view);
  if (unreachable !== undefined) return unreachable;
  const place = `view ${replica.view}`;
  const leader = replica.leader === self ? "this node" : `v${replica.leader}`;
  switch (replica.waitingFor) {
    case "start":
      return "starting";
    case "proposal":
      if (replica.consecutiveTimeouts > 0)
        return `${place}: waiting for ${leader} to propose, after ${replica.consecutiveTimeouts} lost views`;
      return `${place}: waiting for ${leader} to propose`;
    case "body":
      return `${place}: waiting for transactions of ${leader}'s proposal that have not arrived yet`;
    case "votes":
      return `${place}: ${leader} proposed; ${heardSentence(view, "voted")}`;
    case "timeouts":
      return `${place}: leader ${leader} is silent or failed; ${heardSentence(view, "gave up the view")}`;
    case "lists":
      return `${place}: this node leads it and lacks transactions that the validators' inclusion lists name; it asks for them`;
    case "openings":
      return openingSentence(replica);
    case "certificates":
      return `${place}: waiting for certificates of skipped views from peers`;
    case "catchUp":
      return "catching up with final blocks";
    case "stopped":
      return "this node has stopped";
    default:
      return replica.waitingFor satisfies never;
  }
}

/** Final blocks whose sealed transactions nobody can read yet: whose shares or seeds are awaited. */
function openingSentence({ sealing }: ReplicaStatus): string {
  const final = (sealing?.openings ?? []).filter(({ isFinal }) => isFinal);
  const [first] = final;
  if (first === undefined) return "final blocks wait to be opened";
  const { height, openedCount, positionCount, waitingFor } = first;
  const whose = waitingFor.length === 0 ? "" : `; waiting for ${names(waitingFor)}`;
  const more = final.length === 1 ? "" : `, and ${final.length - 1} more blocks`;
  return `final block ${height} has ${openedCount} of ${positionCount} sealed transactions open${more}${whose}`;
}

/** A sentence when the connected validators are no quorum; undefined when they are. */
function quorumSentence({ self, weights, connected }: FinalityView): string | undefined {
  const present = weights.map((_, index) => index === self || connected.has(index));
  const total = sum(weights);
  const weight = sum(weights.filter((_, index) => present[index]));
  if (isQuorum(weight, total)) return undefined;
  const missing = names(weights.flatMap((_, index) => (present[index] ? [] : [index])));
  const count = present.filter(Boolean).length;
  return `${count} of ${weights.length} validators connected (weight ${weight} of ${total}); a quorum needs weight ${quorumWeight(total)}: waiting for ${missing}`;
}

function heardSentence({ replica, weights }: FinalityView, did: string): string {
  const total = sum(weights);
  const weight = sum(replica.heardFrom.map((index) => weights[index] ?? 0));
  const heard = new Set<number>(replica.heardFrom);
  const silent = weights.flatMap((_, index) => (heard.has(index) ? [] : [index]));
  const rest = silent.length === 0 ? "" : `, not yet ${names(silent)}`;
  return `weight ${weight} of the ${quorumWeight(total)} needed ${did}${rest}`;
}

/** The smallest whole weight that is a quorum. */
export function quorumWeight(total: number): number {
  return Math.floor((2 * total) / 3) + 1;
}

const names = (indices: readonly number[]): string => indices.map((index) => `v${index}`).join(", ");

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
