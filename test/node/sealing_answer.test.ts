/** What a node says about its sealing key: nothing, how far it is, or the key with a header and a certificate that prove it. */

import t from "tap";
import type { KeygenStatus, LiveSealingKey } from "../../mempool/keygen_interface.ts";
import { createSealingAnswer, describeKeygen } from "../../node/sealing_answer.ts";
import type { FinalityEntry, ReplicaStatus } from "../../replica/interface.ts";
import type { Block } from "../../types/block.ts";
import { Height, ValidatorIndex } from "../../types/ids.ts";
import type { KeyId } from "../../types/sealing.ts";

const dealing: KeygenStatus = {
  phase: "dealing",
  round: 0,
  deals: 2,
  dealsNeeded: 3,
  answers: 0,
  answersNeeded: 3,
  missing: [ValidatorIndex.of(1), ValidatorIndex.of(3)],
  barred: [],
  ownShare: "none",
};
const keyId = "aa".repeat(32) as KeyId;
const live: LiveSealingKey = { key: { keyId, threshold: 3, publicKey: new Uint8Array(32), shareKeys: [] }, activationHeight: Height.of(5) };

/** A node whose blocks from `firstNamed` on name the key; those at `proven` heights have a certificate of their own. */
function nodeOf(chain: { finalHeight: number; firstNamed: number; proven: readonly number[]; hasKey: boolean; isOff?: boolean }) {
  const reads: number[] = [];
  const answer = createSealingAnswer({
    suite: 1,
    replica: {
      get sealingKey() {
        return chain.hasKey ? live : undefined;
      },
      get status() {
        return { sealing: chain.isOff === true ? undefined : { keygen: dealing } } as ReplicaStatus;
      },
    },
    store: {
      get finalHeight() {
        return Height.of(chain.finalHeight);
      },
      finality: (height) => {
        reads.push(height);
        const own = chain.proven.includes(height) ? height : height + 1;
        return { height, blockHash: `${height}`, certificate: { ballot: { blockHash: `${own}` } } } as unknown as FinalityEntry;
      },
      blockAt: (height) => ({ header: { height, keyId: height >= chain.firstNamed ? keyId : "00" } }) as unknown as Block,
    },
  });
  return { answer, reads, chain };
}

t.test("createSealingAnswer: a chain without sealing, off; no key yet, whose move it is", async (t) => {
  t.same(nodeOf({ finalHeight: 3, firstNamed: 9, proven: [], hasKey: false, isOff: true }).answer(), { type: "off" });
  const generating = nodeOf({ finalHeight: 3, firstNamed: 9, proven: [1, 2, 3], hasKey: false }).answer();
  t.match(generating, { type: "generating", detail: "making the sealing key: 2 deals are final, 3 are needed; waiting for v1, v3" });
});

t.test("createSealingAnswer: the newest header that names the key and has a certificate of its own; looked for once", async (t) => {
  const node = nodeOf({ finalHeight: 6, firstNamed: 7, proven: [5, 6], hasKey: true });
  t.match(node.answer(), { type: "generating", detail: /first final block that names it/ }, "no header names it yet");
  node.chain.finalHeight = 8;
  t.match(node.answer(), { type: "generating" }, "named, and final by a descendant only");
  node.chain.finalHeight = 12;
  node.chain.proven = [5, 6, 9, 11];
  t.match(node.answer(), {
    type: "live",
    suite: 1,
    activationHeight: 5,
    key: { keyId },
    header: { height: 11 },
    certificate: { ballot: { blockHash: "11" } },
  });
  const { length } = node.reads;
  node.chain.finalHeight = 100;
  t.match(node.answer(), { header: { height: 11 } });
  t.equal(node.reads.length, length);
});

t.test("describeKeygen: every phase, one sentence", async (t) => {
  t.match(describeKeygen({ ...dealing, round: 1 }), /^making the sealing key \(round 2\): /);
  t.match(
    describeKeygen({ ...dealing, phase: "answering", answers: 1, missing: [ValidatorIndex.of(0)] }),
    /1 validators have checked .* waiting for v0$/,
  );
  t.equal(describeKeygen({ ...dealing, phase: "live", ownShare: "held" }), "the sealing key is live");
  t.match(describeKeygen({ ...dealing, phase: "live", ownShare: "lost" }), /has no share of it/);
});
