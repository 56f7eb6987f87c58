/** What a run tells its observers: checkers, coverage, trace hash, report. Facts come in order and are never changed afterwards;
 *  an observer must not change what it is given. Times are whole microseconds of simulated time since the start of the run. */

import type { Durable, FinalizedBlock, OrderedBlock } from "../../replica/interface.ts";
import type { Refusal } from "../../types/application.ts";
import type { OfferedBid } from "../../types/bid.ts";
import type { Proposal } from "../../types/block.ts";
import type { Evidence } from "../../types/evidence.ts";
import type { BlockHash, TransactionHash, ValidatorIndex, View } from "../../types/ids.ts";
import type { Message } from "../../types/message.ts";
import type { SealingKey } from "../../types/sealing.ts";
import type { PenaltyReason, Sender } from "../../types/sender.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../../types/sync.ts";
import type { Certificate, SignedVote } from "../../types/vote.ts";
import type { Fault, MessageKind } from "../scenario/manifest.ts";

/** What travels between validators. `bytes`: a raw frame, which the receiver has to decode. */
export type WireMessage =
  | Message
  | { readonly type: "status"; readonly status: PeerStatus }
  | { readonly type: "request"; readonly requestId: number; readonly request: SyncRequest }
  | { readonly type: "response"; readonly requestId: number; readonly response: SyncResponse }
  | { readonly type: "bytes"; readonly frame: Uint8Array };

export type Phase = "faults" | "core" | "heal" | "end";

export type Fact =
  | { readonly type: "phase"; readonly atUs: number; readonly phase: Phase; readonly core: readonly number[] }
  | { readonly type: "fault"; readonly atUs: number; readonly index: number; readonly fault: Fault; readonly edge: "begin" | "end" }
  /** A replica runs. `life` counts its starts from 1; `isSigning` is false for an observer. `restoredHeight`: of the snapshot that
   *  its state came from; absent where all was executed from genesis. */
  | {
      readonly type: "started";
      readonly atUs: number;
      readonly validator: number;
      readonly life: number;
      readonly finalHeight: number;
      readonly isSigning: boolean;
      readonly restoredHeight?: number;
    }
  /** `lostWrites`: durable writes that were under way and that the crash lost or tore; absent: none. */
  | {
      readonly type: "stopped";
      readonly atUs: number;
      readonly validator: number;
      readonly why: "crash" | "upgrade" | "diskFull" | "wipe" | "end";
      readonly lostWrites?: number;
    }
  | { readonly type: "refusedStart"; readonly atUs: number; readonly validator: number; readonly reason: string }
  /** The machine threw: always a bug. */
  | { readonly type: "halted"; readonly atUs: number; readonly validator: number; readonly error: string }
  /** One message left `from`; its copies arrive after these delays (none: lost). `view` is 0 where the message has none. */
  | {
      readonly type: "sent";
      readonly atUs: number;
      readonly from: number;
      readonly to: number;
      readonly kind: MessageKind;
      readonly view: number;
      readonly nth: number;
      readonly message: WireMessage;
      readonly delaysUs: readonly number[];
      /** A link fault decided about it. */
      readonly isShaped?: boolean;
    }
  | {
      readonly type: "delivered";
      readonly atUs: number;
      readonly from: number;
      readonly to: number;
      readonly kind: MessageKind;
      readonly view: number;
      readonly nth: number;
      readonly message: WireMessage;
    }
  /** Signed by the validator's own key and about to leave it. `isHonest` is false for what a traitor's strategy made. */
  | {
      readonly type: "signedVote";
      readonly atUs: number;
      readonly validator: number;
      readonly vote: SignedVote;
      readonly isResend: boolean;
    }
  | { readonly type: "signedProposal"; readonly atUs: number; readonly validator: number; readonly proposal: Proposal }
  /** The durable write is synced. */
  | { readonly type: "saved"; readonly atUs: number; readonly validator: number; readonly durable: Durable }
  /** The state after `height` is stored as a snapshot. */
  | { readonly type: "snapshot"; readonly atUs: number; readonly validator: number; readonly height: number }
  | {
      readonly type: "enteredView";
      readonly atUs: number;
      readonly validator: number;
      readonly view: View;
      readonly by: "start" | "QC" | "TC" | "CC";
      readonly leader: ValidatorIndex;
    }
  | { readonly type: "certified"; readonly atUs: number; readonly validator: number; readonly view: View; readonly blockHash: BlockHash }
  | { readonly type: "certificate"; readonly atUs: number; readonly validator: number; readonly certificate: Certificate }
  | { readonly type: "finalized"; readonly atUs: number; readonly validator: number; readonly blocks: readonly FinalizedBlock[] }
  /** The validator holds the network's sealing key for the first time in this life. */
  | {
      readonly type: "keyLive";
      readonly atUs: number;
      readonly validator: number;
      readonly activationHeight: number;
      readonly key: SealingKey;
      /** Its own share of the key; undefined for an observer, and for whoever a dealer cheated while it was away. For checkers alone. */
      readonly secretShare: Uint8Array | undefined;
    }
  /** These blocks are irrevocable; their contents may still be sealed. */
  | { readonly type: "ordered"; readonly atUs: number; readonly validator: number; readonly blocks: readonly OrderedBlock[] }
  /** All of the block's sealed lane is open to the validator. */
  | { readonly type: "opened"; readonly atUs: number; readonly validator: number; readonly blockHash: BlockHash }
  | { readonly type: "evidence"; readonly atUs: number; readonly validator: number; readonly evidence: Evidence }
  | {
      readonly type: "penalized";
      readonly atUs: number;
      readonly validator: number;
      readonly sender: Sender;
      readonly reason: PenaltyReason;
    }
  | {
      readonly type: "diverged";
      readonly atUs: number;
      readonly validator: number;
      readonly height: number;
      readonly ours: string;
      readonly certified: string;
    }
  /** A client handed bytes to a validator. `hash` is undefined where they do not parse. */
  | {
      readonly type: "submitted";
      readonly atUs: number;
      readonly validator: number;
      readonly client: number;
      readonly bytes: Uint8Array;
      readonly hash: TransactionHash | undefined;
    }
  /** The validator's answer to the client; `refusal` undefined: accepted. */
  | {
      readonly type: "answered";
      readonly atUs: number;
      readonly validator: number;
      readonly client: number;
      readonly hash: TransactionHash | undefined;
      readonly refusal: Refusal | undefined;
    }
  | {
      readonly type: "dropped";
      readonly atUs: number;
      readonly validator: number;
      readonly hash: TransactionHash;
      readonly refusal: Refusal;
    }
  /** What a validator's machine holds at the moment, for the checker of bounds. `records` and `pendingBlocks`: on its disk, above
   *  the last final view and height. */
  | {
      readonly type: "sizes";
      readonly atUs: number;
      readonly validator: number;
      readonly inputQueue: number;
      readonly records: number;
      readonly pendingBlocks: number;
      readonly poolTransactions: number;
      readonly poolBytes: number;
      readonly votesHeld: number;
      /** Where the chain takes sealed transactions: those that wait, inclusion lists, and blocks held for their opening. */
      readonly sealed?: { readonly transactions: number; readonly bytes: number; readonly lists: number; readonly blocks: number };
    }
  /** The builder of this node pushes a bid to a leader. */
  | {
      readonly type: "bidMade";
      readonly atUs: number;
      readonly validator: number;
      readonly leader: number;
      readonly offered: OfferedBid;
      readonly inside: BundleInside;
    }
  /** A searcher hands a group of transactions to the builder of this node, for blocks of these heights. */
  | {
      readonly type: "bundleSubmitted";
      readonly atUs: number;
      readonly validator: number;
      readonly searcher: number;
      readonly transactions: readonly Uint8Array[];
      readonly heights: readonly [number, number];
      /** What the searcher says that it brings the builder. */
      readonly tip: bigint;
    }
  /** A traitor's strategy did something that an honest validator would not have. */
  | {
      readonly type: "betrayal";
      readonly atUs: number;
      readonly validator: number;
      readonly strategy: string;
      readonly view: number;
      readonly what: string;
    };

/** What a bid's bundle really holds, for checkers alone. unreadable: whoever opens it finds no groups. broken: nobody may take it. */
export type BundleInside =
  | { readonly type: "none" }
  | { readonly type: "groups"; readonly groups: readonly (readonly Uint8Array[])[] }
  | { readonly type: "unreadable" }
  | { readonly type: "broken" };

export type FactType = Fact["type"];
export type FactOf<Type extends FactType> = Extract<Fact, { readonly type: Type }>;

/** A fact of a builder's node, or of a link with one: what concerns validators alone does not hear it. */
export function isOfBuilders(fact: Fact, validators: number): boolean {
  if (fact.type === "sent" || fact.type === "delivered") return fact.from >= validators || fact.to >= validators;
  return "validator" in fact && fact.validator >= validators;
}

/** Takes every fact in order. */
export type Observer = (fact: Fact) => void;
