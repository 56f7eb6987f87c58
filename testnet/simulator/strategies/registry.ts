/** Every strategy by its name in scenarios. A factory makes the strategy of one validator, with memories of its own. */

import type { StrategyName } from "../../scenario/manifest.ts";
import type { StrategyFactory } from "../strategy.ts";
import { createAmnesia } from "./amnesia.ts";
import { createBidCensoring } from "./bid_censoring.ts";
import { createBundleCopying } from "./bundle_copying.ts";
import { createCensoringLeader } from "./censoring_leader.ts";
import { createCensoringLists } from "./censoring_lists.ts";
import { createColludingLane } from "./colluding_lane.ts";
import { createCopiedCiphertexts } from "./copied_ciphertexts.ts";
import { createCorruptedShares } from "./corrupted_shares.ts";
import { createDelayedReplay } from "./delayed_replay.ts";
import { createDoubleVote } from "./double_vote.ts";
import { createEarlyShares } from "./early_shares.ts";
import { createEarlyTimeout } from "./early_timeout.ts";
import { createEquivocatingLeader } from "./equivocating_leader.ts";
import { createFalseFailures } from "./false_failures.ts";
import { createForgedVotes } from "./forged_votes.ts";
import { createFutureViewFlood } from "./future_view_flood.ts";
import { createInvalidCertificates } from "./invalid_certificates.ts";
import { createKeygenCheating } from "./keygen_cheating.ts";
import { createMalformedMessages } from "./malformed_messages.ts";
import { createMutatedMessages } from "./mutated_messages.ts";
import { createNearlyTrueAnswers } from "./nearly_true_answers.ts";
import { createOutOfTurn } from "./out_of_turn.ts";
import { createPoisonedProposal } from "./poisoned_proposal.ts";
import { createRelayedForgeries } from "./relayed_forgeries.ts";
import { createReturnedProposals } from "./returned_proposals.ts";
import { createRevokedBlock } from "./revoked_block.ts";
import { createSelectiveSending } from "./selective_sending.ts";
import { createShareWithholding } from "./share_withholding.ts";
import { createSilentLeader } from "./silent_leader.ts";
import { createSkippedCertificate } from "./skipped_certificate.ts";
import { createSplitBrain } from "./split_brain.ts";
import { createStaleCertificates } from "./stale_certificates.ts";
import { createSwappedTail } from "./swapped_tail.ts";
import { createSyncLies } from "./sync_lies.ts";
import { createUnbidBundle } from "./unbid_bundle.ts";
import { createUncertifiedParent } from "./uncertified_parent.ts";
import { createVoteWithholding } from "./vote_withholding.ts";
import { createWrongSeeds } from "./wrong_seeds.ts";
import { createWrongStateRoot } from "./wrong_state_root.ts";

export const STRATEGY_FACTORIES: Readonly<Record<StrategyName, StrategyFactory>> = {
  equivocatingLeader: createEquivocatingLeader,
  doubleVote: createDoubleVote,
  amnesia: createAmnesia,
  voteWithholding: createVoteWithholding,
  silentLeader: createSilentLeader,
  revokedBlock: createRevokedBlock,
  staleCertificates: createStaleCertificates,
  invalidCertificates: createInvalidCertificates,
  wrongStateRoot: createWrongStateRoot,
  selectiveSending: createSelectiveSending,
  futureViewFlood: createFutureViewFlood,
  malformedMessages: createMalformedMessages,
  mutatedMessages: createMutatedMessages,
  syncLies: createSyncLies,
  delayedReplay: createDelayedReplay,
  forgedVotes: createForgedVotes,
  splitBrain: createSplitBrain,
  poisonedProposal: createPoisonedProposal,
  skippedCertificate: createSkippedCertificate,
  uncertifiedParent: createUncertifiedParent,
  outOfTurn: createOutOfTurn,
  earlyTimeout: createEarlyTimeout,
  relayedForgeries: createRelayedForgeries,
  nearlyTrueAnswers: createNearlyTrueAnswers,
  returnedProposals: createReturnedProposals,
  shareWithholding: createShareWithholding,
  corruptedShares: createCorruptedShares,
  wrongSeeds: createWrongSeeds,
  falseFailures: createFalseFailures,
  censoringLeader: createCensoringLeader,
  censoringLists: createCensoringLists,
  earlyShares: createEarlyShares,
  copiedCiphertexts: createCopiedCiphertexts,
  keygenCheating: createKeygenCheating,
  bidCensoring: createBidCensoring,
  bundleCopying: createBundleCopying,
  swappedTail: createSwappedTail,
  colludingLane: createColludingLane,
  unbidBundle: createUnbidBundle,
};
