/** Catch-up: whom to ask, and failure 7 on the side of the machine: a range is judged against what was asked. */

import t from "tap";
import { bodyRootOf, genesisBlockHash, hashHeader, hashTransaction } from "../../crypto/hashes.ts";
import { certificateToEndWith, createCatchUp, judgeRange, STATUSES_MAX } from "../../replica/catch_up.ts";
import { type Block, type BlockHeader, PLAIN_BLOCK } from "../../types/block.ts";
import { type BlockHash, Epoch, Height, type StateRoot, TimestampMs, ValidatorIndex, View, ZERO_HASH } from "../../types/ids.ts";
import type { Opening } from "../../types/sealing.ts";
import type { PeerKey } from "../../types/sender.ts";
import type { Certificate } from "../../types/vote.ts";
import { CHAIN_ID, payloadOf } from "../support/chain.ts";

const HEAD = { height: Height.ZERO, blockHash: genesisBlockHash(CHAIN_ID), view: View.ZERO };

function chain(count: number): Block[] {
  const blocks: Block[] = [];
  let parent = HEAD;
  for (let height = 1; height <= count; height++) {
    const transactions = [payloadOf(`transaction ${height}`)];
    const block: Block = {
      header: {
        epoch: Epoch.ZERO,
        height: Height.of(height),
        view: View.of(height),
        proposer: ValidatorIndex.of(0),
        parentHash: parent.blockHash,
        parentView: parent.view,
        timeMs: TimestampMs.of(1_000 + height),
        bodyRoot: bodyRootOf(transactions.map(hashTransaction)),
        transactionCount: 1,
        bodyBytes: transactions[0]?.length ?? 0,
        executedHeight: Height.ZERO,
        executedRoot: ZERO_HASH as string as StateRoot,
        ...PLAIN_BLOCK,
      },
      parentCertificate: undefined,
      timeoutCertificates: [],
      transactions,
      lists: [],
      signature: new Uint8Array(64),
    };
    blocks.push(block);
    parent = { height: Height.of(height), blockHash: hashHeader(block.header), view: View.of(height) };
  }
  return blocks;
}

function certificateOf(block: Block, kind: "commit" | "vote" = "commit"): Certificate {
  const { epoch, view, height } = block.header;
  return {
    ballot: { kind, epoch, view, height, blockHash: hashHeader(block.header) },
    signers: new Uint8Array(16),
    signature: new Uint8Array(96),
  };
}

const blocks = chain(4);
const last = blocks[3] as Block;
const headers = blocks.map(({ header }) => header);
const openingsOf = (served: readonly Block[]): readonly (readonly Opening[])[] => served.map(() => []);
const valid = {
  type: "finalBlocks",
  blocks,
  openings: openingsOf(blocks),
  trailingHeaders: [],
  commitCertificate: certificateOf(last),
} as const;
const trailing = {
  ...valid,
  blocks: blocks.slice(0, 2),
  openings: openingsOf(blocks.slice(0, 2)),
  trailingHeaders: headers.slice(2),
} as const;

t.test("judgeRange: a contiguous range with a valid CC over its last block is taken", async (t) => {
  const verdict = judgeRange(valid, HEAD, () => true);
  t.equal(verdict.type, "range");
  if (verdict.type === "range")
    t.same(
      verdict.range.blocks.map(({ block }) => block.header.height),
      [1, 2, 3, 4],
    );
});

t.test("judgeRange: blocks and the headers from the last of them to the certificate's are taken, the blocks alone handed on", async (t) => {
  const verdict = judgeRange(trailing, HEAD, ({ ballot }) => ballot.height === 4);
  t.match(verdict, { type: "range", range: { certificate: certificateOf(last) } });
  if (verdict.type === "range") t.equal(verdict.range.blocks.length, 2);
});

t.test("certificateToEndWith: the highest within the range; none within, the nearest beyond", async (t) => {
  const [first, second, third, fourth] = blocks.map((block) => certificateOf(block)) as [
    Certificate,
    Certificate,
    Certificate,
    Certificate,
  ];
  t.equal(certificateToEndWith([second, second, fourth], Height.of(3)), second);
  t.equal(certificateToEndWith([first, third, third], Height.of(3)), third);
  t.equal(certificateToEndWith([fourth, third], Height.of(2)), third);
  t.equal(certificateToEndWith([], Height.ZERO), undefined);
});

t.test("judgeRange: an empty response is no fault", async (t) => {
  t.equal(
    judgeRange({ type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [], commitCertificate: undefined }, HEAD, () => true).type,
    "nothing",
  );
});

t.test("judgeRange: failure 7, whatever is not what was asked for is refused without an assertion", async (t) => {
  const withChange = (index: number, change: Partial<Block>): Block[] =>
    blocks.map((block, position) => (position === index ? { ...block, ...change } : block));
  const changedHeader = (change: Partial<BlockHeader>): BlockHeader[] => [
    { ...(headers[2] as BlockHeader), ...change },
    headers[3] as BlockHeader,
  ];
  const cases: readonly (readonly [string, Parameters<typeof judgeRange>[0], boolean])[] = [
    ["bad signature", valid, false],
    ["gap", { ...valid, blocks: blocks.filter((_, index) => index !== 1) }, true],
    ["starts above the head", { ...valid, blocks: blocks.slice(1) }, true],
    ["certificate of an earlier block", { ...valid, commitCertificate: certificateOf(blocks[2] as Block) }, true],
    ["a QC instead of a CC", { ...valid, commitCertificate: certificateOf(last, "vote") }, true],
    ["another body", { ...valid, blocks: withChange(2, { transactions: [payloadOf("forged")] }) }, true],
    ["a body too many", { ...valid, blocks: withChange(2, { transactions: [payloadOf("transaction 3"), payloadOf("x")] }) }, true],
    [
      "another parent",
      { ...valid, blocks: withChange(1, { header: { ...(blocks[1] as Block).header, parentHash: ZERO_HASH as BlockHash } }) },
      true,
    ],
    [
      "a view that does not grow",
      { ...valid, blocks: withChange(0, { header: { ...(blocks[0] as Block).header, view: View.ZERO } }) },
      true,
    ],
    ["headers, bad signature", trailing, false],
    ["headers with a gap", { ...trailing, trailingHeaders: headers.slice(3) }, true],
    ["headers that repeat a block", { ...trailing, trailingHeaders: headers.slice(1) }, true],
    ["headers beyond the certificate", { ...trailing, commitCertificate: certificateOf(blocks[2] as Block) }, true],
    ["certificate of the last full block", { ...trailing, commitCertificate: certificateOf(blocks[1] as Block) }, true],
    ["headers short of the certificate", { ...trailing, trailingHeaders: headers.slice(2, 3) }, true],
    ["a header with another parent", { ...trailing, trailingHeaders: changedHeader({ parentHash: ZERO_HASH as BlockHash }) }, true],
    ["a header whose view does not grow", { ...trailing, trailingHeaders: changedHeader({ view: View.of(2) }) }, true],
    ["a header that does not hash to its child's parent", { ...trailing, trailingHeaders: changedHeader({ transactionCount: 2 }) }, true],
    ["another body before headers", { ...trailing, blocks: withChange(1, { transactions: [payloadOf("forged")] }).slice(0, 2) }, true],
  ];
  for (const [name, response, isSigned] of cases) {
    const served = { ...response, openings: openingsOf(response.blocks) };
    t.equal(judgeRange(served, HEAD, () => isSigned).type, "invalid", name);
  }
  t.equal(judgeRange({ ...valid, openings: [] }, HEAD, () => true).type, "invalid", "openings of fewer blocks");
});

t.test("createCatchUp: asks who is furthest first, and nobody who has pruned that height", async (t) => {
  const catchUp = createCatchUp();
  const status = (finalHeight: number, oldestHeight = 1) => ({
    epoch: Epoch.ZERO,
    view: View.ZERO,
    finalHeight: Height.of(finalHeight),
    finalHash: ZERO_HASH,
    oldestHeight: Height.of(oldestHeight),
  });
  const [a, b, c] = ["a", "b", "c"] as unknown as [PeerKey, PeerKey, PeerKey];
  catchUp.noteStatus(a, status(10));
  catchUp.noteStatus(b, status(20));
  catchUp.noteStatus(c, status(30, 25));
  t.equal(catchUp.target, 30);
  t.same(catchUp.candidates(Height.of(5)), [b, a], "c has pruned that height");
  catchUp.forget(c);
  t.equal(catchUp.target, 20);
});

t.test("createCatchUp: statuses are bounded", async (t) => {
  const catchUp = createCatchUp();
  for (let index = 0; index < STATUSES_MAX + 10; index++) {
    const finalHeight = Height.of(1);
    const status = { epoch: Epoch.ZERO, view: View.ZERO, finalHeight, finalHash: ZERO_HASH, oldestHeight: finalHeight };
    catchUp.noteStatus(`peer ${index}` as PeerKey, status);
  }
  t.equal(catchUp.candidates(Height.of(1)).length, STATUSES_MAX);
});
