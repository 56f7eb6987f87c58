/** As leader, signs a header that is wrong in one place: root, executed height, time, counts, or a body that does not exist. R2 lets
 *  nobody vote for it, R14 bounds its time, R5 ends the view at once where the fault is signed, and a body that nobody has is
 *  asked for in vain until the view is over. */

import { type BodyRoot, Height, type StateRoot, TimestampMs } from "../../../types/ids.ts";
import { BLOCK_BODY_BYTES_MAX, BLOCK_TIME_DRIFT_MS_MAX } from "../../../types/limits.ts";
import type { Strategy, UnknownTransaction, UnsignedProposal } from "../strategy.ts";
import type { Stream } from "../streams.ts";
import { type ChainMemory, createChainMemory } from "./chain_memory.ts";
import { inventHash } from "./inventions.ts";
import { withBody } from "./variants.ts";

interface Fault {
  readonly name: string;
  readonly apply: (proposal: UnsignedProposal, stream: Stream) => UnsignedProposal;
}

/** An hour: beyond every clock's error. */
const FAR_AHEAD_MS = 3_600_000;

const FAULTS: readonly Fault[] = [
  { name: "a wrong state root", apply: (proposal, stream) => withHeader(proposal, { executedRoot: inventHash<StateRoot>(stream) }) },
  { name: "a root of another height", apply: claimMore },
  { name: "an executed height below the parent's", apply: (proposal) => withHeader(proposal, { executedHeight: Height.ZERO }) },
  { name: "a time far ahead", apply: ({ header, ...rest }) => later({ header, ...rest }, FAR_AHEAD_MS) },
  { name: "a time just too far ahead", apply: (proposal) => later(proposal, BLOCK_TIME_DRIFT_MS_MAX + 1) },
  { name: "a time before its parent's", apply: (proposal) => withHeader(proposal, { timeMs: TimestampMs.of(1) }) },
  { name: "a wrong body root", apply: (proposal, stream) => withHeader(proposal, { bodyRoot: inventHash<BodyRoot>(stream) }) },
  { name: "a wrong size of the body", apply: wrongBodyBytes },
  { name: "transactions that nobody has", apply: withUnknownTransaction },
  { name: "a transaction twice", apply: withRepeatedTransaction },
  { name: "more transactions than it counts", apply: withUncountedTransaction },
];

export function createWrongStateRoot(): Strategy {
  const chain = createChainMemory();
  const olderRoot: Fault = {
    name: "an executed height below the parent's with its true root",
    apply: (proposal) => claimLess(proposal, chain),
  };
  return {
    onReceive(message) {
      chain.note(message);
      return [message];
    },
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      if (!context.acts(view)) return [proposal];
      const fault = context.stream.pick([...FAULTS, olderRoot]);
      const spoilt = fault.apply(proposal, context.stream);
      context.note(view, `proposes ${fault.name}`);
      return [spoilt];
    },
  };
}

function withHeader(proposal: UnsignedProposal, change: Partial<UnsignedProposal["header"]>): UnsignedProposal {
  return { ...proposal, header: { ...proposal.header, ...change } };
}

function later(proposal: UnsignedProposal, byMs: number): UnsignedProposal {
  return withHeader(proposal, { timeMs: TimestampMs.plus(proposal.header.timeMs, byMs) });
}

/** Claims to have executed up to its own parent; where that is true, the root is wrong instead. */
function claimMore(proposal: UnsignedProposal, stream: Stream): UnsignedProposal {
  const executedHeight = Height.previous(proposal.header.height);
  const isTrue = executedHeight === proposal.header.executedHeight;
  return withHeader(proposal, isTrue ? { executedRoot: inventHash<StateRoot>(stream) } : { executedHeight });
}

/** What the nearest block below claims that claims less than the parent; where nothing is known, nothing is executed. */
function claimLess(proposal: UnsignedProposal, chain: ChainMemory): UnsignedProposal {
  const parent = chain.header(proposal.header.parentHash);
  for (let older = parent; older !== undefined; older = chain.header(older.parentHash)) {
    const { executedHeight, executedRoot } = older;
    if (executedHeight < (parent?.executedHeight ?? 0)) return withHeader(proposal, { executedHeight, executedRoot });
  }
  return withHeader(proposal, { executedHeight: Height.ZERO });
}

function wrongBodyBytes(proposal: UnsignedProposal): UnsignedProposal {
  const { bodyBytes } = proposal.header;
  return withHeader(proposal, { bodyBytes: bodyBytes === BLOCK_BODY_BYTES_MAX ? bodyBytes - 1 : bodyBytes + 1 });
}

/** Body withholding: root and count are right, the transaction does not exist. */
function withUnknownTransaction(proposal: UnsignedProposal, stream: Stream): UnsignedProposal {
  const hashes = [...proposal.transactionHashes, inventHash<UnknownTransaction>(stream)];
  return withBody(proposal, { hashes, bodyBytes: proposal.header.bodyBytes + 100 });
}

function withRepeatedTransaction(proposal: UnsignedProposal, stream: Stream): UnsignedProposal {
  const [first] = proposal.transactionHashes;
  if (first === undefined) return withUnknownTransaction(proposal, stream);
  return withBody(proposal, { hashes: [...proposal.transactionHashes, first], bodyBytes: proposal.header.bodyBytes + 100 });
}

/** The count is right, or no codec would pass it; the root is that of the list without the last. */
function withUncountedTransaction(proposal: UnsignedProposal, stream: Stream): UnsignedProposal {
  const more = withUnknownTransaction(proposal, stream);
  return withHeader(more, { bodyRoot: proposal.header.bodyRoot });
}
