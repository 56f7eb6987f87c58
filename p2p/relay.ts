/** When does a message have to go around a missing direct link? Pure rules over who is linked with whom.
 *
 *  A gap is a pair of live validators without a direct link. A validator that nobody is linked with is down, which is no gap.
 *  Gossip goes around a gap only after it has lasted a while (links come up one by one at start), and for a while longer
 *  than it lasts. */

import { ValidatorIndex } from "../types/ids.ts";
import { Signers } from "../types/validator_set.ts";

/** A linked validator and whom it says it is linked with; undefined until it has said so. */
export interface LinkView {
  readonly validator: ValidatorIndex;
  readonly links: Uint8Array | undefined;
}

/** Is there a validator that we are not linked with but somebody else is? */
export function hasOwnGap(options: {
  /** Undefined for a builder, which has links with validators too. */
  readonly self: ValidatorIndex | undefined;
  readonly count: number;
  readonly views: readonly LinkView[];
}): boolean {
  const linked = new Set(options.views.map(({ validator }) => validator));
  for (let index = 0; index < options.count; index++) {
    const other = ValidatorIndex.of(index);
    if (other === options.self || linked.has(other)) continue;
    if (options.views.some(({ links }) => links !== undefined && Signers.has(links, other))) return true;
  }
  return false;
}

/** Linked validators that lack a link with another validator that we are linked with: they need our help. */
export function peersWithGap(views: readonly LinkView[]): ReadonlySet<ValidatorIndex> {
  const found = new Set<ValidatorIndex>();
  for (const { validator, links } of views) {
    if (links === undefined) continue;
    if (views.some((other) => other.validator !== validator && !Signers.has(links, other.validator))) found.add(validator);
  }
  return found;
}

export interface Lasting {
  /** Takes what holds now; returns whether it has held for `delayMs`, or held so within the last `lingerMs`. */
  update(holds: boolean, nowMs: number): boolean;
}

export function createLasting(times: { readonly delayMs: number; readonly lingerMs: number }): Lasting {
  let sinceMs: number | undefined;
  let lastMs: number | undefined;
  return {
    update(holds, nowMs) {
      sinceMs = holds ? (sinceMs ?? nowMs) : undefined;
      if (sinceMs !== undefined && nowMs - sinceMs >= times.delayMs) lastMs = nowMs;
      return lastMs !== undefined && nowMs - lastMs <= times.lingerMs;
    },
  };
}
