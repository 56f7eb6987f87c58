/** Conditions of the safety rules without a planted bug of their own: removing one alone changes no history, since another guard stands
 *  before or behind it. Listed so that a test can ask for every condition, and so that nobody takes them for holes of the table. */

export interface SecondGuard {
  readonly file: string;
  readonly function: string;
  /** The reason that the condition returns. */
  readonly reason: string;
  /** Why no history shows its absence. */
  readonly why: string;
}

const RULES = "consensus/safety_rules.ts";
const HEADER = "consensus/proposal_check.ts";

const OWN_VIEW = "only the current view is asked about, and finality moves that above the final view in the same step";
const LEFT_BY_QC = "the QC before a commit vote has moved us out of its view, and a restart enters the highest view on record";
const CODEC = "the codec refuses such a header";
const PARENT_CERTIFICATE = "the parent's certificate names its view and height, and isJustificationShaped compares them with the header";

export const SECOND_GUARDS: readonly SecondGuard[] = [
  { file: RULES, function: "judgePropose", reason: "viewIsFinal", why: OWN_VIEW },
  { file: RULES, function: "judgePropose", reason: "notCurrentView", why: OWN_VIEW },
  { file: RULES, function: "judgeVote", reason: "viewIsFinal", why: OWN_VIEW },
  { file: RULES, function: "judgeVote", reason: "notCurrentView", why: OWN_VIEW },
  { file: RULES, function: "judgeVote", reason: "alreadyCommitted", why: LEFT_BY_QC },
  { file: RULES, function: "judgeCommit", reason: "viewIsFinal", why: "finality takes the views that it passes out of pendingCommits" },
  {
    file: RULES,
    function: "judgeCommit",
    reason: "alreadyCommitted",
    why: "a QC is considered once in a life; after a restart the same ballot is signed again, which is a repetition",
  },
  { file: RULES, function: "judgeTimeout", reason: "viewIsFinal", why: OWN_VIEW },
  { file: RULES, function: "judgeTimeout", reason: "notCurrentView", why: OWN_VIEW },
  { file: RULES, function: "judgeTimeout", reason: "alreadyCommitted", why: LEFT_BY_QC },
  { file: HEADER, function: "faultOfHeader", reason: "wrongEpoch", why: "onProposal drops it first, and a fetched block is certified" },
  {
    file: HEADER,
    function: "faultOfHeader",
    reason: "unknownProposer",
    why: "onProposal drops it first, and a fetched block is certified",
  },
  { file: HEADER, function: "faultOfHeader", reason: "viewOrder", why: CODEC },
  { file: HEADER, function: "faultOfHeader", reason: "executionOrder", why: `${CODEC}, and nobody knows the root of a height to come` },
  { file: HEADER, function: "faultOfHeader", reason: "bodyBounds", why: CODEC },
  { file: HEADER, function: "faultUnderParent", reason: "wrongHeight", why: PARENT_CERTIFICATE },
  { file: HEADER, function: "faultUnderParent", reason: "wrongParentView", why: PARENT_CERTIFICATE },
];
