/** The strategies that ship, by the name that an operator gives. Another one is another file and another row. */

import { aggressive } from "./strategies/aggressive.ts";
import { plain } from "./strategies/plain.ts";
import type { Strategy } from "./strategy.ts";

export const STRATEGIES = { plain, aggressive } as const satisfies Readonly<Record<string, Strategy>>;
export type StrategyName = keyof typeof STRATEGIES;
