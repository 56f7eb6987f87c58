/** The points of interest that a sweep should reach: situations in which consensus implementations were wrong before, each in words.
 *  A point that a sweep never reaches says that the sweep is blind there, not that the product is right. */

export type CoveragePoint = keyof typeof DESCRIPTIONS;

const DESCRIPTIONS = {
  qcAndTcOfOneView: "a QC and a TC of one view were both made",
  lateQcAfterTc: "a validator that had left a view by its TC got the view's QC afterwards",
  timeoutAfterVote: "a validator signed a timeout in a view in which it had voted",
  commitAndTimeoutInOneView: "in one view, one validator signed a commit vote and another one a timeout",
  commitAfterNextViewBegan: "a commit vote for a view was signed by a validator that already took part in a later one",
  commitLongAfterView: "a commit vote was signed four or more views after its own",
  commitAfterLostViews: "a commit vote was signed after its validator had left a later view by TC",
  ccOnlyByResend: "a CC was reached only after commit votes for it had been repeated",
  quorumAfterBadSignature: "a certificate was made in a view in which a validator had sent the maker a bad signature",
  enteredFarAhead: "a validator two or more views behind caught up by one certificate",
  viewsLostInARow: "a validator left two views in a row by TC",
  leaderPaused: "a view was led by a substitute, because the schedule paused its leader",
  skippedViewsFinal: "a final block whose parent is more than one view older",
  proposalSkippedMoreThan16Views: "a proposal skipped more views than its own TCs can show",
  timeoutCertificatesByRange: "TCs were fetched by range",
  blockByHash: "a block was fetched by its hash",
  bodyByHash: "transactions of a proposal were fetched by their hashes",
  catchUpByRange: "final blocks were fetched by range",
  rangeWithTrailingHeaders: "a range of final blocks ended with trailing headers",
  manyBlocksByOneCc: "one CC made two or more blocks final",
  blockTimeClamped: "a block's time was its parent's + 1 ms",
  restartBetweenRecordAndSend: "a validator crashed after its record was safe and before what it records was sent",
  repeatedAfterRestart: "a validator signed again after a restart what its records say",
  proposalRepeatedAfterRestart: "a leader that restarted proposed its recorded block again",
  unsyncedWriteLost: "a crash lost or tore a write that was under way",
  leaderCrashed: "the leader of the current view crashed",
  stoppedByFullDisk: "a validator stopped because its disk was full",
  upgraded: "a validator was stopped in order and started again",
  startRefused: "a validator refused to start from a damaged or outdated store",
  timeoutRightAfterPause: "the first thing that a paused validator signed afterwards was a timeout: its timer had run out meanwhile",
  snapshotTaken: "a snapshot was stored",
  restoredFromSnapshot: "a validator started from a snapshot",
  observerFollows: "an observer followed to a final block",
  finalWhileOneIsDown: "a block became final while some validator was down",
  twoProposalsDelivered: "one validator was handed two proposals for one view",
  twoVotesDelivered: "one validator was handed two ballots of one kind, view and signer",
  doubleVoteEvidence: "evidence of two ballots of one kind was stored",
  commitAndTimeoutEvidence: "evidence of a commit vote and a timeout in one view was stored",
  doubleProposalEvidence: "evidence of two proposals was stored",
  badCertificateRefused: "a sender was blamed for an invalid certificate",
  badProposalRefused: "a sender was blamed for an invalid proposal or block",
  badMessageRefused: "a sender was blamed for a malformed message or a flood",
  syncLieRefused: "a sender was blamed for a wrong or unsolicited answer",
  messageLost: "a message was lost on its link",
  messageDuplicated: "a message arrived more than once",
  messageOvertaken: "a message arrived after one that was sent later on its link",
  evictedFromPool: "a transaction was evicted from a full pool",
  transactionExpired: "a transaction expired in a pool",
} as const;

/** In the order in which they are reported. */
export const COVERAGE_POINTS: readonly { readonly point: CoveragePoint; readonly description: string }[] = (
  Object.keys(DESCRIPTIONS) as CoveragePoint[]
).map((point) => ({ point, description: DESCRIPTIONS[point] }));
