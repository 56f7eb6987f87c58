/** Validators with fast keys, and hand-made votes, certificates, headers and proposals for tests of the consensus core. */

import type { ConsensusConfig, ConsensusOptions, RecoveredConsensus } from "../../consensus/interface.ts";
import { bodyRootOf, genesisBlockHash, hashHeader, sha256, validatorSetContext } from "../../crypto/hashes.ts";
import { type BlockHeader, type Justification, PLAIN_BLOCK, type Proposal } from "../../types/block.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import {
  type BlockHash,
  Epoch,
  Height,
  type StateRoot,
  TimestampMs,
  type TransactionHash,
  ValidatorIndex,
  View,
  ZERO_HASH,
} from "../../types/ids.ts";
import type { PeerKey, Sender } from "../../types/sender.ts";
import { ballotSigningBytes, proposalSigningBytes, type SigningDomain } from "../../types/signing.ts";
import { Signers, type ValidatorSetContext } from "../../types/validator_set.ts";
import { type Ballot, type Certificate, type SignedVote, timeoutBallot } from "../../types/vote.ts";
import { CHAIN_ID } from "./chain.ts";
import { createFastBls, createFastEd25519, type FastBls } from "./fast_bls.ts";

export const GENESIS_TIME = TimestampMs.of(1_700_000_000_000);
export const GENESIS_HASH = genesisBlockHash(CHAIN_ID);
export const EXECUTED_ROOT = toHex<StateRoot>(sha256(asciiBytes("a state root")));
export const CONFIG: ConsensusConfig = { deltaMsMin: 50, deltaMsMax: 1_000, heartbeatMs: 1_000, proposeDelayMs: 0, resendMs: 300 };

export interface Fixture {
  readonly bls: FastBls;
  readonly domain: SigningDomain;
  readonly validators: ValidatorSetContext;
  readonly count: number;
  options(self: number | undefined, recovered?: Partial<RecoveredConsensus>): ConsensusOptions;
  vote(validator: number, ballot: Ballot): SignedVote;
  /** A certificate of `ballot` signed by `signers`. */
  certificate(ballot: Ballot, signers: readonly number[]): Certificate;
  sign(header: BlockHeader): Uint8Array;
  propose(header: BlockHeader, justification?: Partial<Justification>, transactionHashes?: readonly TransactionHash[]): Proposal;
}

export function createFixture(weights: readonly number[], epoch = Epoch.ZERO): Fixture {
  const bls = createFastBls();
  const ed25519 = createFastEd25519();
  const blsKeys = weights.map((_, index) => bls.deriveSecretKey(sha256(asciiBytes(`bls ${index}`))));
  const edKeys = weights.map((_, index) => sha256(asciiBytes(`ed25519 ${index}`)));
  const validators = validatorSetContext({
    epoch,
    validators: weights.map((weight, index) => ({
      blsPublicKey: bls.publicKeyOf(blsKeys[index] as Uint8Array),
      blsPossession: bls.provePossession(blsKeys[index] as Uint8Array),
      sealingPublicKey: new Uint8Array(32),
      ed25519PublicKey: toHex(ed25519.publicKeyOf(edKeys[index] as Uint8Array)),
      weight,
    })),
  });
  const domain: SigningDomain = { chainId: CHAIN_ID, epoch, validatorSetHash: validators.hash };

  const vote = (validator: number, ballot: Ballot): SignedVote => ({
    ballot,
    validator: ValidatorIndex.of(validator),
    signature: bls.sign(blsKeys[validator] as Uint8Array, ballotSigningBytes(domain, ballot)),
  });
  const sign = (header: BlockHeader): Uint8Array =>
    ed25519.sign(edKeys[header.proposer] as Uint8Array, proposalSigningBytes(domain, header.view, hashHeader(header)));

  return {
    bls,
    domain,
    validators,
    count: weights.length,
    options: (self, recovered) => ({
      domain,
      validators,
      self: self === undefined ? undefined : ValidatorIndex.of(self),
      bls,
      verifyEd25519: ed25519.verify,
      config: CONFIG,
      recovered: { ...GENESIS_STATE, ...recovered },
    }),
    vote,
    certificate(ballot, signers) {
      const signature = bls.aggregate(signers.map((signer) => vote(signer, ballot).signature));
      return { ballot, signers: Signers.of(signers.map(ValidatorIndex.of)), signature: signature as Uint8Array };
    },
    sign,
    propose: (header, justification, transactionHashes) => ({
      header,
      parentCertificate: justification?.parentCertificate,
      timeoutCertificates: justification?.timeoutCertificates ?? [],
      transactionHashes: transactionHashes ?? [],
      lists: [],
      signature: sign(header),
    }),
  };
}

export const GENESIS_STATE: RecoveredConsensus = {
  records: [],
  finalHead: {
    blockHash: GENESIS_HASH,
    height: Height.ZERO,
    view: View.ZERO,
    timeMs: GENESIS_TIME,
    executedHeight: Height.ZERO,
    executedRoot: EXECUTED_ROOT,
  },
  finalCertificate: undefined,
  proposals: [],
  recentFinalHeaders: [],
};

/** A header over `parent` (undefined: genesis), by the slot's owner, with an empty body; `change` overrides fields. */
export function headerOver(
  parent: BlockHeader | undefined,
  view: number,
  options: { readonly count: number; readonly change?: Partial<BlockHeader>; readonly transactionHashes?: readonly TransactionHash[] },
): BlockHeader {
  const transactionHashes = options.transactionHashes ?? [];
  return {
    epoch: Epoch.ZERO,
    height: Height.of((parent?.height ?? 0) + 1),
    view: View.of(view),
    proposer: ValidatorIndex.of(view % options.count),
    parentHash: parent === undefined ? GENESIS_HASH : hashHeader(parent),
    parentView: parent?.view ?? View.ZERO,
    timeMs: TimestampMs.plus(parent?.timeMs ?? GENESIS_TIME, 1),
    bodyRoot: bodyRootOf(transactionHashes),
    transactionCount: transactionHashes.length,
    bodyBytes: transactionHashes.length,
    executedHeight: Height.ZERO,
    executedRoot: EXECUTED_ROOT,
    ...PLAIN_BLOCK,
    ...options.change,
  };
}

export function ballotOf(kind: "vote" | "commit", header: BlockHeader): Ballot {
  return { kind, epoch: header.epoch, view: header.view, height: header.height, blockHash: hashHeader(header) };
}

export const timeoutOf = (view: number): Ballot => timeoutBallot(Epoch.ZERO, View.of(view));

export const directly = (validator: number): Sender => ({
  type: "validator",
  validator: ValidatorIndex.of(validator),
  peer: `peer ${validator}` as PeerKey,
});
export const RELAY: Sender = { type: "relay", peer: "some peer" as PeerKey };
export const SELF: Sender = { type: "self" };
export const NO_HASH: BlockHash = ZERO_HASH;
