/** Validity: every final block follows from its parent and from what was executed, is signed by its proposer, and has a body under its
 *  root, which was stored before the block was final. With the ledger, no honest leader orders a transaction twice, nor anybody one
 *  that has expired. R2, R14; execution lag as in docs/decisions/0005. */

import type { Block, BlockHeader } from "../../types/block.ts";
import { compareBytes } from "../../types/bytes.ts";
import type { BlockHash } from "../../types/ids.ts";
import { BLOCK_BODY_BYTES_MAX, BLOCK_TRANSACTIONS_MAX } from "../../types/limits.ts";
import { proposalSigningBytes } from "../../types/signing.ts";
import type { Fact, FactOf } from "../simulator/facts.ts";
import { bodyOf, expiryHeightOf } from "./bodies.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { CHAIN_FACTS, type FinalBlockSeen, type FinalChain } from "./final_chain.ts";
import { createRecentMap, type RecentMap } from "./recent_map.ts";
import { accuserOf, brief } from "./violations.ts";
import { wipedBy } from "./wiped.ts";

/** Of docs/decisions/0005, not taken from the product's table. */
const LAG_MAX = 64;
/** B4, likewise. */
const TAIL_TRANSACTIONS = 8_192;
const BLOCKS_MAX = 16_384;

const accuse = accuserOf("validity", "safety");

interface JudgedBlock {
  readonly block: Block;
  readonly transactionHashes: readonly string[];
}

export function createValidityChecker(
  cluster: CheckedCluster,
  options: { readonly chain: FinalChain; readonly application: "ledger" | "null"; readonly blockTransactionsMax: number },
): Checker {
  const { chain, application, blockTransactionsMax } = options;
  const { honest } = cluster;
  /** Blocks whose body and signature were found right, by hash. */
  const judged = createRecentMap<string, JudgedBlock>(BLOCKS_MAX);
  const stored = cluster.weights.map((): RecentMap<string, true> => createRecentMap(BLOCKS_MAX));
  const orderedAt = new Map<string, number>();
  const isOneOfTwo = application === "ledger";

  function judgeStored({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    for (const { blockHash, block } of durable.blocks) {
      (stored[validator] as RecentMap<string, true>).set(blockHash, true);
      const known = judged.get(blockHash);
      if (known !== undefined && areSame(known.block, block)) continue;
      const isCaughtUp = durable.finality.some((entry) => entry.blockHash === blockHash);
      const flaw = chain.hashOf(block.header) === blockHash ? flawOfBody(block) : "whose header has another hash";
      const isSigned = flaw === undefined && isSignedByProposer(block, blockHash);
      // Catch-up rests on the CC alone: what comes without the proposer's signature is no fault of who stores it.
      const unsigned = isSigned || isCaughtUp ? undefined : `without the signature of its proposer, validator ${block.header.proposer}`;
      const what = flaw ?? unsigned;
      if (what !== undefined) return accuse(atUs, [validator], `Validator ${validator} stored block ${brief(blockHash)} ${what}.`);
      if (isSigned) judged.set(blockHash, { block, transactionHashes: bodyOf(block).hashes });
    }
    return undefined;
  }

  function flawOfBody(block: Block): string | undefined {
    const { header } = block;
    const body = bodyOf(block);
    if (body.hashes.length !== header.transactionCount)
      return `with ${body.hashes.length} transactions instead of ${header.transactionCount}`;
    if (body.bytes !== header.bodyBytes) return `with ${body.bytes} bytes of transactions instead of ${header.bodyBytes}`;
    return body.root === header.bodyRoot
      ? undefined
      : `whose transactions have root ${brief(body.root)} instead of ${brief(header.bodyRoot)}`;
  }

  function isSignedByProposer({ header, signature }: Block, blockHash: BlockHash): boolean {
    const publicKey = cluster.ed25519PublicKeys[header.proposer];
    return (
      publicKey !== undefined && cluster.verifyEd25519(publicKey, proposalSigningBytes(cluster.domain, header.view, blockHash), signature)
    );
  }

  /** How full an open lane of its own may be is a validator's configuration; of a builder's and of others' blocks the protocol's limits are asked. */
  function judgeProposed({ atUs, validator, proposal }: FactOf<"signedProposal">): Violation | undefined {
    const { height, transactionCount, sealedCount } = proposal.header;
    const openCount = transactionCount - sealedCount;
    const countMax = proposal.bid === undefined ? blockTransactionsMax : TAIL_TRANSACTIONS;
    if (!honest.has(validator) || openCount <= countMax) return undefined;
    const detail = `Validator ${validator} proposed a block of height ${height} with ${openCount} open transactions; it is to put in at most ${countMax}.`;
    return accuse(atUs, [validator], detail);
  }

  function judgeFinal(seen: FinalBlockSeen, atUs: number): Violation | undefined {
    const { height, blockHash, header, parent, validator } = seen;
    const what = flawOfHeader(header, parent, cluster) ?? (isOneOfTwo ? flawOfTransactions(seen) : undefined);
    if (what === undefined) return undefined;
    return accuse(
      atUs,
      [validator],
      `Final block ${brief(blockHash)} of height ${height}, proposed by validator ${header.proposer}, ${what}.`,
    );
  }

  function flawOfTransactions({ height, blockHash, header }: FinalBlockSeen): string | undefined {
    const block = judged.get(blockHash);
    if (block === undefined) return undefined;
    for (const [index, hash] of block.transactionHashes.entries()) {
      const expiryHeight = expiryHeightOf(block.block.transactions[index] as Uint8Array);
      if (expiryHeight !== undefined && expiryHeight < height)
        return `holds transaction ${brief(hash)}, which expired at height ${expiryHeight}`;
      const earlier = orderedAt.get(hash);
      // A traitor may order a transaction again; then its nonce is used, and the auditor sees to it that nothing happens.
      if (earlier !== undefined && honest.has(header.proposer))
        return `holds transaction ${brief(hash)}, which is in the final block of height ${earlier} already`;
      orderedAt.set(hash, height);
    }
    return undefined;
  }

  function judgeHeld({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    const own = stored[validator] as RecentMap<string, true>;
    for (const { height, blockHash } of durable.finality) {
      const isStored = own.get(blockHash) !== undefined;
      own.delete(blockHash);
      if (!isStored)
        return accuse(
          atUs,
          [validator],
          `Validator ${validator} saved height ${height} as final without having stored block ${brief(blockHash)}.`,
        );
    }
    return undefined;
  }

  function onStored(fact: Fact): Violation | undefined {
    const wiped = wipedBy(fact);
    if (wiped !== undefined) stored[wiped]?.clear();
    if (fact.type !== "saved" || !honest.has(fact.validator)) return undefined;
    return judgeStored(fact) ?? judgeHeld(fact);
  }

  return {
    invariant: "validity",
    interests: [...CHAIN_FACTS, "stopped", "fault"],
    observe(fact) {
      const violation = fact.type === "signedProposal" ? judgeProposed(fact) : onStored(fact);
      if (violation !== undefined) return violation;
      for (const seen of chain.read(fact)) {
        const found = judgeFinal(seen, fact.atUs);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

function flawOfHeader(header: BlockHeader, parent: BlockHeader | undefined, { domain, weights }: CheckedCluster): string | undefined {
  const { height, view, executedHeight, timeMs } = header;
  if (header.epoch !== domain.epoch) return `is of epoch ${header.epoch}`;
  if (header.proposer >= weights.length) return "names a proposer that is no validator";
  if (height !== (parent?.height ?? 0) + 1) return `stands on height ${parent?.height ?? 0}`;
  if (view <= (parent?.view ?? 0)) return `is of view ${view}, its parent of view ${parent?.view ?? 0}`;
  if (parent !== undefined && timeMs <= parent.timeMs) return `has time ${timeMs}, its parent ${parent.timeMs}`;
  if (executedHeight >= height) return `claims that height ${executedHeight} was executed before it`;
  if (parent !== undefined && executedHeight < parent.executedHeight) {
    return `claims executed height ${executedHeight}, its parent ${parent.executedHeight}`;
  }
  if (height - executedHeight > LAG_MAX && header.transactionCount > 0) {
    return `holds ${header.transactionCount} transactions while execution is at height ${executedHeight}, more than ${LAG_MAX} behind`;
  }
  if (header.transactionCount > BLOCK_TRANSACTIONS_MAX || header.bodyBytes > BLOCK_BODY_BYTES_MAX) {
    return `is too large: ${header.transactionCount} transactions, ${header.bodyBytes} bytes`;
  }
  return undefined;
}

/** The same signature over the same bytes of transactions; validators mostly share them. */
function areSame(left: Block, right: Block): boolean {
  if (left.transactions.length !== right.transactions.length || compareBytes(left.signature, right.signature) !== 0) return false;
  return left.transactions.every((bytes, index) => {
    const other = right.transactions[index] as Uint8Array;
    return bytes === other || compareBytes(bytes, other) === 0;
  });
}
