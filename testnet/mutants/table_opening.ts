/** Planted bugs in the opening of sealed lanes: when shares leave, what is believed, whom a dispute blames, what a restart keeps. */

import type { Mutant } from "./mutant.ts";

const FLOW = "replica/opening_flow.ts";
const JUDGE = "mempool/opening_judge.ts";
const WORK = "mempool/opening_work.ts";
const OPENING = "mempool/opening.ts";

const OUR_LIST = '  if (context.sealing !== undefined && ballot.kind !== "commit") sendListAfter(context, ballot.view);';
const OPENING_IMPORT = {
  file: "replica/replica.ts",
  find: "import { acceptOpeningMessage, onOpeningTimer, tendOpenings }",
  replace: "import { acceptOpeningMessage, onOpeningTimer, openFinalBlock, tendOpenings }",
};

/** Opens the block as if it were final, with our ballot of this kind for it. */
const releasedWith = (kind: "vote" | "commit"): string => `${OUR_LIST}
  const body = context.bodies.get(ballot.blockHash);
  if (body !== undefined && ballot.kind === "${kind}") openFinalBlock(context, body);`;

export const OPENING_MUTANTS: readonly Mutant[] = [
  {
    name: "shares-with-vote",
    rule: "SL3",
    class: "sealing",
    file: "replica/replica.ts",
    find: OUR_LIST,
    replace: releasedWith("vote"),
    also: [OPENING_IMPORT],
    what: "Shares leave with the vote, before the block's place is certain.",
  },
  {
    name: "shares-with-commit-vote",
    rule: "SL3",
    class: "sealing",
    file: "replica/replica.ts",
    find: OUR_LIST,
    replace: releasedWith("commit"),
    also: [OPENING_IMPORT],
    what: "Shares leave with the commit vote, whose block can be lost; what it ordered stands in the next one.",
  },
  {
    name: "shares-at-proposal",
    rule: "SL3",
    class: "sealing",
    file: FLOW,
    find: "  carryOut(context, sealing, { blockHash, height }, effects);\n",
    replace:
      "  carryOut(context, sealing, { blockHash, height }, effects);\n  carryOut(context, sealing, { blockHash, height }, sealing.openings.release({ blockHash, secretShare: sealing.keygen.secretShare }));\n",
    what: "Shares leave as soon as a proposal is judged right.",
  },
  {
    name: "shares-not-stored",
    rule: "SL4",
    class: "sealing",
    file: FLOW,
    find: "        outbox.durable.shares.push({ blockHash: effect.blockHash, height, shares: effect.bytes });\n",
    replace: "",
    what: "Shares are sent without being stored.",
  },
  {
    name: "seed-not-checked",
    rule: "O2",
    class: "sealing",
    file: WORK,
    find: "if (isSeedRight({ ...judged, seed: opening.seed })) settle",
    replace: "if (opening.seed.length > 0) settle",
    what: "Any seed that a peer tells is taken for the right one.",
  },
  {
    name: "combined-seed-not-checked",
    rule: "O2",
    class: "sealing",
    file: WORK,
    find: "if (seed !== undefined && isSeedRight({ suite: shop.suite, key, item, seed })) {",
    replace: "if (seed !== undefined && isSeedRight !== undefined) {",
    what: "Whatever shares combine to is taken for the seed.",
  },
  {
    name: "unproven-failure",
    rule: "O2",
    class: "sealing",
    file: JUDGE,
    find: '  if (!isProven) return { type: "unproven" };\n',
    replace: '  if (!isProven && shares.length === 0) return { type: "unproven" };\n',
    what: "A failure is believed whose shares are not proven.",
  },
  {
    name: "failure-of-few",
    rule: "O2",
    class: "sealing",
    file: JUDGE,
    find: 'if (shares.length !== key.threshold) return { type: "unproven" };',
    replace: 'if (shares.length > key.threshold) return { type: "unproven" };',
    what: "A failure is believed that fewer than n − f proven shares show.",
  },
  {
    name: "served-openings-not-judged",
    rule: "SL5",
    class: "sealing",
    file: FLOW,
    find: "  if (!judgeOpenings({ suite, key, items, openings })) return undefined;\n",
    replace: "  if (openings.length !== items.length || judgeOpenings === undefined) return undefined;\n",
    what: "Openings that come with final blocks are believed.",
    needs: "Somebody who catches up from a liar.",
  },
  {
    name: "blames-all-suspects",
    rule: "O3",
    class: "sealing",
    file: WORK,
    find: "if (last !== undefined && position.suspects.size === 1 && !position.isExplained) catchSender(shop, state, last);",
    replace: "if (last !== undefined && position.suspects.size > 0) catchSender(shop, state, last);",
    what: "Of several who may have sent a wrong share, one is blamed before the others have proven theirs.",
  },
  {
    name: "no-fall-back",
    rule: "O5",
    class: "sealing",
    file: OPENING,
    find: "if (state.dueMs !== undefined && state.dueMs <= nowMs) this.#fallBack(state, nowMs);",
    replace: "if (state.dueMs !== undefined && state.dueMs <= nowMs) state.dueMs = nowMs + this.#shop.config.openMs;",
    what: "What an opener does not open stays closed.",
    needs: "An opener that is down or withholds.",
  },
];
