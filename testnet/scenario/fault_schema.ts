/** The shapes of triggers and fault actions in a scenario file. */

import { z } from "zod";
import {
  integer,
  listOf,
  milliseconds,
  millisecondsRange,
  oneOf,
  probability,
  strict,
  VALIDATOR_INDEX_MAX,
  validatorIndex,
  variants,
} from "./fields.ts";
import { MESSAGE_KINDS } from "./manifest.ts";

const TIME_MS_MAX = 3_600_000;
const DELAY_MS_MAX = 600_000;

export const SAVE_CONTENTS = ["proposal", "vote", "commit", "timeout", "admission", "finality", "block", "shares"] as const;

const count = integer(1, 1_000_000);
const viewOrHeight = integer(0, Number.MAX_SAFE_INTEGER);
const kind = oneOf(MESSAGE_KINDS);
const validators = listOf(validatorIndex, { what: "validators", min: 1, max: VALIDATOR_INDEX_MAX + 1 });
const ends = { from: validators, to: validators };
const one = { validator: validatorIndex };
const hidden = z.boolean({ error: "must be true or false" });

export const triggerSchema = variants("on", [
  strict({ on: z.literal("time"), atMs: milliseconds(TIME_MS_MAX) }),
  strict({ on: z.literal("height"), height: viewOrHeight, validator: validatorIndex.exactOptional() }),
  strict({ on: z.literal("view"), view: viewOrHeight, validator: validatorIndex.exactOptional() }),
  strict({ on: z.literal("leader"), ...one, nth: count.default(1) }),
  strict({ on: z.literal("save"), ...one, content: oneOf(SAVE_CONTENTS), edge: oneOf(["before", "after"]), nth: count.default(1) }),
]);

const message = strict({
  from: validatorIndex,
  to: validatorIndex,
  kind,
  view: viewOrHeight.default(0),
  nth: integer(0, 1_000_000_000).default(0),
});

export const actionSchema = variants("type", [
  strict({
    type: z.literal("partition"),
    groups: listOf(listOf(validatorIndex, { what: "validators", max: VALIDATOR_INDEX_MAX + 1 }), { what: "groups of validators", max: 64 }),
  }),
  strict({ type: z.literal("cut"), ...ends }),
  strict({
    type: z.literal("link"),
    ...ends,
    kinds: listOf(kind, { what: `kinds of messages (${MESSAGE_KINDS.join(", ")})`, max: MESSAGE_KINDS.length }).default([]),
    loss: probability.default(0),
    duplicate: probability.default(0),
    reorder: probability.default(0),
    reorderMs: milliseconds(DELAY_MS_MAX).default(0),
    extraDelayMs: millisecondsRange(DELAY_MS_MAX).default([0, 0]),
  }),
  strict({ type: z.literal("bandwidth"), ...ends, bytesPerSecond: integer(1, 1_000_000_000) }),
  strict({ type: z.literal("stall"), ...ends }),
  strict({ type: z.literal("reset"), ...ends }),
  strict({ type: z.literal("message"), message, delaysMs: listOf(milliseconds(DELAY_MS_MAX), { what: "delays in ms", max: 16 }) }),
  strict({ type: z.literal("crash"), ...one, unsynced: oneOf(["kept", "lost", "torn"]).default("lost") }),
  strict({ type: z.literal("pause"), ...one }),
  strict({ type: z.literal("upgrade"), ...one }),
  strict({ type: z.literal("lateStart"), ...one }),
  strict({ type: z.literal("wipe"), ...one }),
  strict({ type: z.literal("diskFull"), ...one }),
  strict({ type: z.literal("slowDisk"), ...one, syncMs: millisecondsRange(60_000) }),
  strict({ type: z.literal("bitFlip"), ...one }),
  strict({ type: z.literal("truncate"), ...one }),
  strict({ type: z.literal("rollback"), ...one, saves: count.default(1), hidesCounter: hidden.exactOptional() }),
  strict({ type: z.literal("clockSkew"), ...one, offsetMs: integer(-600_000, 600_000) }),
  strict({ type: z.literal("clockDrift"), ...one, partsPerMillion: integer(-500_000, 500_000) }),
]);
