/** The planted bug that every CI run must catch. Alone in its file, so that the gate can name it without loading anything. */

/** R8, the rule that everything rests on: no commit vote after the timeout. */
export const CANARY = "commits-after-timeout";
