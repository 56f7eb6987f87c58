/** No crash: no input, fault or restart makes an honest validator's machine throw, and none refuses to start unless its disk was
 *  damaged on purpose. */

import type { FaultType } from "../scenario/manifest.ts";
import type { CheckedCluster, Checker } from "./checker.ts";
import { accuserOf } from "./violations.ts";

const accuse = accuserOf("noCrash", "crash");

/** After these a validator is right to refuse. */
const DAMAGES: readonly FaultType[] = ["bitFlip", "truncate", "rollback"];

export function createNoCrashChecker({ honest }: Pick<CheckedCluster, "honest">): Checker {
  const damaged = new Set<number>();
  return {
    invariant: "noCrash",
    interests: ["fault", "halted", "refusedStart"],
    observe(fact) {
      switch (fact.type) {
        case "fault": {
          const { action } = fact.fault;
          if ("validator" in action && DAMAGES.includes(action.type)) damaged.add(action.validator);
          return undefined;
        }
        case "halted":
          if (!honest.has(fact.validator)) return undefined;
          return accuse(fact.atUs, [fact.validator], `Validator ${fact.validator} halted: ${fact.error}`);
        case "refusedStart":
          if (!honest.has(fact.validator) || damaged.has(fact.validator)) return undefined;
          return accuse(
            fact.atUs,
            [fact.validator],
            `Validator ${fact.validator} refuses to start although nobody damaged its disk: ${fact.reason}`,
          );
        default:
          return undefined;
      }
    },
  };
}
