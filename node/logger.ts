/** Structured logs: pino, one JSON object a line, on stderr; stdout belongs to the `ready` line and to command output.
 *  At `info` only what an operator acts on or dates things by; never a line for each block. */

import { destination, type Logger, pino } from "pino";
import type { LogLevel } from "./config.ts";

export type { Logger };

const STDERR = 2;

/** Writes synchronously: the last line before a crash is the one that matters. */
export function createLogger(options: { readonly level: LogLevel; readonly name: string }): Logger {
  return pino({ level: options.level, base: { node: options.name } }, destination({ dest: STDERR, sync: true }));
}
