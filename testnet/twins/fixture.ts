/** What all scenarios of one number of validators share: keys, validator set and genesis. Made once, so that a scenario costs none of
 *  them. Forgery is still detected: the checks of the machine run, over signatures that are remembered. */

import type { ConsensusConfig, ConsensusHarness, ConsensusOptions, RecoveredConsensus } from "../../consensus/interface.ts";
import { bodyRootOf, genesisBlockHash, sha256, validatorSetContext } from "../../crypto/hashes.ts";
import { type BlockHeader, PLAIN_BLOCK } from "../../types/block.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import { type BlockHash, type ChainId, Epoch, Height, type StateRoot, TimestampMs, ValidatorIndex, View } from "../../types/ids.ts";
import type { PeerKey, Sender } from "../../types/sender.ts";
import { ballotSigningBytes, proposalSigningBytes, type SigningDomain } from "../../types/signing.ts";
import type { Ballot, SignedVote } from "../../types/vote.ts";
import { blsPublicKeyOf, createRememberedSignatures, ed25519PublicKeyOf } from "./signatures.ts";

/** The clock stands still within a slot and jumps by this between slots: beyond every deadline and repetition. */
export const SLOT_MS = 1_000;
const CONFIG: ConsensusConfig = { deltaMsMin: 50, deltaMsMax: 100, heartbeatMs: 500, proposeDelayMs: 0, resendMs: 100 };
export const GENESIS_TIME = TimestampMs.of(1_700_000_000_000);
const CHAIN_ID = toHex<ChainId>(sha256(asciiBytes("twins")));
const EMPTY_BODY = bodyRootOf([]);

export interface TwinsFixture {
  readonly validators: number;
  readonly senders: readonly Sender[];
  options(validator: number, harness: ConsensusHarness): ConsensusOptions;
  vote(validator: number, ballot: Ballot): SignedVote;
  sign(header: BlockHeader, blockHash: BlockHash): Uint8Array;
  /** Begins a scenario: signatures of the one before mean nothing any more. */
  forget(): void;
  /** An empty block by an instance: the claimed state root differs by instance, so the blocks of two copies differ too. */
  header(build: BlockParts): BlockHeader;
}

export interface BlockParts extends Pick<BlockHeader, "height" | "view" | "parentHash" | "parentView" | "timeMs" | "executedHeight"> {
  readonly proposer: number;
  readonly instance: number;
}

export function createTwinsFixture(validators: number): TwinsFixture {
  const signatures = createRememberedSignatures();
  const indices = Array.from({ length: validators }, (_, index) => ValidatorIndex.of(index));
  const set = validatorSetContext({
    epoch: Epoch.ZERO,
    validators: indices.map((index) => ({
      blsPublicKey: blsPublicKeyOf(index),
      blsPossession: new Uint8Array(96),
      sealingPublicKey: new Uint8Array(32),
      ed25519PublicKey: toHex(ed25519PublicKeyOf(index)),
      weight: 1,
    })),
  });
  const domain: SigningDomain = { chainId: CHAIN_ID, epoch: Epoch.ZERO, validatorSetHash: set.hash };
  const roots = Array.from({ length: 2 * validators }, (_, instance) => toHex<StateRoot>(sha256(asciiBytes(`instance ${instance}`))));

  /** All instances sign the same few ballots. */
  const messages = new Map<string, Uint8Array>();

  function messageOf(ballot: Ballot): Uint8Array {
    const key = `${ballot.kind} ${ballot.view} ${ballot.height} ${ballot.blockHash}`;
    const message = messages.get(key) ?? ballotSigningBytes(domain, ballot);
    messages.set(key, message);
    return message;
  }

  return {
    validators,
    senders: indices.map((validator) => ({ type: "validator", validator, peer: `validator ${validator}` as PeerKey })),
    options: (validator, harness) => ({
      domain,
      validators: set,
      self: indices[validator],
      bls: signatures.bls,
      verifyEd25519: signatures.verifyEd25519,
      config: CONFIG,
      recovered: GENESIS_STATE,
      harness,
    }),
    vote: (validator, ballot) => ({
      ballot,
      validator: indices[validator] as ValidatorIndex,
      signature: signatures.sign(validator, messageOf(ballot)),
    }),
    sign: (header, blockHash) => signatures.sign(header.proposer, proposalSigningBytes(domain, header.view, blockHash)),
    forget() {
      signatures.forget();
      messages.clear();
    },
    header: ({ proposer, instance, height, view, parentHash, parentView, timeMs, executedHeight }) => ({
      epoch: Epoch.ZERO,
      height,
      view,
      proposer: indices[proposer] as ValidatorIndex,
      parentHash,
      parentView,
      timeMs,
      bodyRoot: EMPTY_BODY,
      transactionCount: 0,
      bodyBytes: 0,
      executedHeight,
      executedRoot: roots[instance] as StateRoot,
      ...PLAIN_BLOCK,
    }),
  };
}

const GENESIS_STATE: RecoveredConsensus = {
  records: [],
  finalHead: {
    blockHash: genesisBlockHash(CHAIN_ID),
    height: Height.ZERO,
    view: View.ZERO,
    timeMs: GENESIS_TIME,
    executedHeight: Height.ZERO,
    executedRoot: toHex<StateRoot>(sha256(asciiBytes("genesis"))),
  },
  finalCertificate: undefined,
  proposals: [],
  recentFinalHeaders: [],
};
