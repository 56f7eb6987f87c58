/** Names that the planted bugs go by outside this folder. */

/** Names the bug that `preload.ts` plants. */
export const MUTANT_VARIABLE = "SEALSTONE_MUTANT";

/** The bug that every CI run must catch: R8, the rule that everything rests on. */
export const CANARY = "commits-after-timeout";
