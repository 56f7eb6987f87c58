/** R12: evidence survives restart. One frame each, synced before the journal frame that covers it, each kept once.
 *  At most `evidencePerValidatorMax` against one validator: one is enough to convict, and an offender must not fill the disk. */

import { toHex } from "../types/bytes.ts";
import { type Evidence, evidenceCodec } from "../types/evidence.ts";
import type { ValidatorIndex } from "../types/ids.ts";
import { corruptError, versionError } from "./errors.ts";
import type { LogPosition, SegmentedLog } from "./segmented_log.ts";

export class EvidenceLog {
  readonly #log: SegmentedLog;
  readonly #kept: EvidenceSet;

  constructor(log: SegmentedLog, evidencePerValidatorMax: number) {
    this.#log = log;
    this.#kept = new EvidenceSet(evidencePerValidatorMax);
    for (const { payload } of log.frames({ segment: 1, length: 0 })) {
      const decoded = evidenceCodec.decode(payload);
      if (!decoded.ok && decoded.reason === "unknownVersion") throw versionError("An entry of the evidence log");
      if (!decoded.ok) throw corruptError(`The evidence log holds an entry that cannot be decoded (${decoded.reason}).`);
      this.#kept.add(decoded.value);
    }
  }

  get end(): LogPosition {
    return this.#log.end;
  }

  /** In the order of saving. */
  get all(): readonly Evidence[] {
    return this.#kept.all;
  }

  /** Appends and syncs what is new. */
  save(evidence: readonly Evidence[]): void {
    const fresh = evidence.filter((value) => this.#kept.add(value));
    if (fresh.length === 0) return;
    this.#log.append(fresh.map((value) => [evidenceCodec.encode(value)]));
    this.#log.sync();
  }

  close(): void {
    this.#log.close();
  }
}

/** Which evidence is kept: each once, a bounded number against one validator, the first ones. */
export class EvidenceSet {
  readonly #entries = new Map<string, Evidence>();
  readonly #counts = new Map<ValidatorIndex, number>();
  readonly #perValidatorMax: number;

  constructor(perValidatorMax: number) {
    this.#perValidatorMax = perValidatorMax;
  }

  get all(): readonly Evidence[] {
    return [...this.#entries.values()];
  }

  /** False when it is known or one too many. */
  add(evidence: Evidence): boolean {
    const key = toHex(evidenceCodec.encode(evidence));
    const accused = evidence.type === "doubleVote" ? evidence.first.validator : evidence.first.header.proposer;
    const count = this.#counts.get(accused) ?? 0;
    if (this.#entries.has(key) || count >= this.#perValidatorMax) return false;
    this.#entries.set(key, evidence);
    this.#counts.set(accused, count + 1);
    return true;
  }
}
