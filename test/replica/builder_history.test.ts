/** What voters remember of builders, against a memory that keeps everything. */

import fc from "fast-check";
import t from "tap";
import { sha256 } from "../../crypto/hashes.ts";
import { BUILDER_HISTORY_HEIGHTS, createBuilderHistory, type ExecutedHistoryBlock } from "../../replica/builder_history.ts";
import type { Bid } from "../../types/bid.ts";
import { type BlockHeader, PLAIN_BLOCK } from "../../types/block.ts";
import type { Builder } from "../../types/builder.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import { type AccountId, type BlockHash, Height } from "../../types/ids.ts";
import { holds } from "../support/property.ts";

const hashOf = (text: string): BlockHash => toHex<BlockHash>(sha256(asciiBytes(text)));
const ACCOUNTS = ["a", "b", "c"].map((text) => toHex<AccountId>(sha256(asciiBytes(text))));
const builderWith = (bond: bigint): Builder => ({
  bond,
  feeRecipient: ACCOUNTS[0] as AccountId,
  endpoint: undefined,
  isActiveAt: () => true,
});

interface Step {
  /** Builder whose bond becomes `bond`; 0: it withdraws. */
  readonly changed: number | undefined;
  readonly bond: number;
  readonly bidder: number | undefined;
  readonly value: number;
}

const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  changed: fc.option(fc.nat(2), { nil: undefined }),
  bond: fc.nat(1_000),
  bidder: fc.option(fc.nat(2), { nil: undefined }),
  value: fc.nat(50),
});

function blockAt(height: number, step: Step, changes: ExecutedHistoryBlock["changes"]): ExecutedHistoryBlock {
  const header = { ...PLAIN_BLOCK, height: Height.of(height), parentHash: hashOf(`block ${height - 1}`) } as unknown as BlockHeader;
  const builder = step.bidder === undefined ? undefined : ACCOUNTS[step.bidder];
  const bid = builder === undefined ? undefined : ({ builder, value: BigInt(step.value) } as Bid);
  return { blockHash: hashOf(`block ${height}`), header, bid, changes };
}

/** Executes the steps from `base` on, the first `replayed` of them as a restart would. Keeps the records after every height. */
function play(steps: readonly Step[], given: { readonly base: number; readonly replayed: number }) {
  const records: Map<AccountId, Builder | undefined>[] = [new Map()];
  let now = new Map<AccountId, Builder | undefined>();
  const blocks = steps.map((step, index) => {
    const account = step.changed === undefined ? undefined : (ACCOUNTS[step.changed] as AccountId);
    const changes = account === undefined ? [] : [{ account, before: now.get(account) }];
    now = new Map(now);
    if (account !== undefined) now.set(account, step.bond === 0 ? undefined : builderWith(BigInt(step.bond)));
    records.push(now);
    return blockAt(given.base + index + 1, step, changes);
  });
  const history = createBuilderHistory({
    builderOf: (account) => now.get(account),
    base: { height: Height.of(given.base), blockHash: hashOf(`block ${given.base}`) },
    executed: blocks.slice(0, given.replayed),
  });
  for (const block of blocks.slice(given.replayed)) history.execute(block);
  return { history, records, blocks };
}

t.test("B2: the record at any remembered height is the one that stood there", async (t) => {
  const scenario = fc.record({ base: fc.nat(5), steps: fc.array(stepArbitrary, { maxLength: 60 }), replayed: fc.nat(60) });
  const property = fc.property(scenario, ({ base, steps, replayed }) => {
    const { history, records } = play(steps, { base, replayed });
    for (let height = base; height <= base + steps.length; height++) {
      for (const account of ACCOUNTS) {
        const { isKnown, builder } = history.at(account, Height.of(height));
        if (!isKnown || builder?.bond !== records[height - base]?.get(account)?.bond) return false;
      }
    }
    const beyond = Height.of(base + steps.length + 1);
    const isOlderKnown = base > 0 && history.at(ACCOUNTS[0] as AccountId, Height.of(base - 1)).isKnown;
    return !isOlderKnown && !history.at(ACCOUNTS[0] as AccountId, beyond).isKnown;
  });
  holds(t, property, 200);
});

t.test("B2: what ancestors above a height promise is summed by builder, executed or not", async (t) => {
  const scenario = fc.record({ steps: fc.array(stepArbitrary, { minLength: 1, maxLength: 40 }), executed: fc.nat(40), from: fc.nat(40) });
  const property = fc.property(scenario, ({ steps, executed, from }) => {
    const { history, blocks } = play(steps.slice(0, executed), { base: 0, replayed: 0 });
    const all = [...blocks, ...steps.slice(executed).map((step, index) => blockAt(blocks.length + index + 1, step, []))];
    for (const block of all.slice(blocks.length)) history.note(block);
    const executedHeight = Height.of(Math.min(from, all.length));
    const parentHash = hashOf(`block ${all.length}`);
    return ACCOUNTS.every((account) => {
      let sum = 0n;
      for (const { header, bid } of all) if (header.height > executedHeight && bid?.builder === account) sum += bid.value;
      return history.promised(account, { parentHash, executedHeight }) === sum;
    });
  });
  holds(t, property, 200);
});

t.test("B2: an ancestor that is not known, or a height before the base, is no answer", async (t) => {
  const { history } = play([], { base: 10, replayed: 0 });
  const account = ACCOUNTS[0] as AccountId;
  t.equal(history.promised(account, { parentHash: hashOf("elsewhere"), executedHeight: Height.of(10) }), undefined);
  t.equal(history.promised(account, { parentHash: hashOf("block 10"), executedHeight: Height.of(9) }), undefined);
  t.equal(history.promised(account, { parentHash: hashOf("block 10"), executedHeight: Height.of(10) }), 0n);
});

t.test("bounded: heights and blocks beyond the window are forgotten, abandoned blocks at once", async (t) => {
  const step: Step = { changed: 0, bond: 5, bidder: 0, value: 1 };
  const steps = Array.from({ length: BUILDER_HISTORY_HEIGHTS + 10 }, () => step);
  const { history } = play(steps, { base: 0, replayed: 20 });
  const account = ACCOUNTS[0] as AccountId;
  t.equal(history.count, BUILDER_HISTORY_HEIGHTS);
  t.notOk(history.at(account, Height.of(9)).isKnown);
  t.ok(history.at(account, Height.of(10)).isKnown);
  const parentHash = hashOf(`block ${steps.length}`);
  const promised = (executedHeight: number) => history.promised(account, { parentHash, executedHeight: Height.of(executedHeight) });
  t.equal(promised(10), BigInt(BUILDER_HISTORY_HEIGHTS), "the oldest record that is known goes with all that was promised above it");
  t.equal(promised(9), undefined);
  const loser = blockAt(steps.length + 1, step, []);
  history.note(loser);
  t.equal(history.count, BUILDER_HISTORY_HEIGHTS + 1);
  history.forget(loser.blockHash);
  history.forget(hashOf(`block ${steps.length}`));
  t.equal(history.count, BUILDER_HISTORY_HEIGHTS, "an executed block is not forgotten by mistake");
});
