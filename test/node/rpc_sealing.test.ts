/** What the RPC says about sealed transactions, and that the client library reads it. */

import t from "tap";
import { sealingOf, transactionStatusOf } from "../../client/answers.ts";
import type { KeygenStatus } from "../../mempool/keygen_interface.ts";
import type { SealingAnswer } from "../../node/sealing_answer.ts";
import type { OperationEntry, ReplicaStatus } from "../../replica/interface.ts";
import { blockHeaderCodec } from "../../types/block.ts";
import { Height, ValidatorIndex } from "../../types/ids.ts";
import type { KeyId, Opening } from "../../types/sealing.ts";
import { certificateCodec } from "../../types/vote.ts";
import { appOf, BLOCK_HASH, call, certificate, fakeCore, HASH, header, hex, isFailure } from "./fake_core.ts";

const KEY_ID = hex("0a") as KeyId;
const keygen: KeygenStatus = {
  phase: "dealing",
  round: 0,
  deals: 1,
  dealsNeeded: 3,
  answers: 0,
  answersNeeded: 3,
  missing: [ValidatorIndex.of(2)],
  barred: [],
  ownShare: "none",
};
const liveKey: SealingAnswer = {
  type: "live",
  suite: 1,
  key: { keyId: KEY_ID, threshold: 3, publicKey: new Uint8Array(32).fill(1), shareKeys: [new Uint8Array(32).fill(2)] },
  activationHeight: Height.of(7),
  header,
  certificate,
};

t.test("GET /v1/sealing: the key with header and certificate, as the client reads them", async (t) => {
  const { status, body } = await call(appOf({ sealing: () => liveKey }), "/v1/sealing");
  t.equal(status, 200);
  t.match(body, { keyId: KEY_ID, suite: 1, threshold: 3, publicKey: "01".repeat(32), shareKeys: ["02".repeat(32)], activationHeight: 7 });
  const answer = sealingOf(body);
  t.same(answer, {
    type: "live",
    proof: {
      key: liveKey.key,
      suite: 1,
      activationHeight: 7,
      header: blockHeaderCodec.encode(header),
      certificate: certificateCodec.encode(certificate),
    },
  });
});

t.test("GET /v1/sealing: no key yet, 503 with how far it is; a chain without, 404", async (t) => {
  const detail = "making the sealing key: 1 deals are final, 3 are needed; waiting for v2";
  const response = await appOf({ sealing: () => ({ type: "generating", detail, keygen }) }).request("/v1/sealing");
  t.equal(response.headers.get("retry-after"), "1");
  const body = await response.json();
  isFailure(t, { status: response.status, body }, { status: 503, code: "noSealingKey" });
  t.match(body, { status: "generating", detail, phase: "dealing", missing: [2] });
  t.same(sealingOf(body), { type: "generating", detail });
  isFailure(t, await call(appOf(), "/v1/sealing"), { status: 404, code: "notFound" });
});

t.test("GET /v1/status: sealing, null without; else its state in words and what waits to be opened", async (t) => {
  t.match((await call(appOf(), "/v1/status")).body, { sealing: null });
  const opening = {
    blockHash: BLOCK_HASH,
    height: Height.of(9),
    isReleased: true,
    positionCount: 4,
    openedCount: 1,
    waitingFor: [ValidatorIndex.of(3)],
  };
  const openings = [
    { ...opening, isFinal: true },
    { ...opening, isFinal: false },
  ];
  const replica: ReplicaStatus = {
    ...fakeCore().replica,
    sealing: { keygen, keyId: KEY_ID, waiting: 5, waitingBytes: 600, lists: 3, openings },
  };
  const { body } = await call(appOf({ replica, sealing: () => liveKey }), "/v1/status");
  t.match(body, {
    sealing: {
      phase: "dealing",
      detail: /^making the sealing key: 1 deals/,
      isKeyProven: true,
      missing: [2],
      keyId: KEY_ID,
      pool: { transactions: 5, bytes: 600 },
      unopenedBlocks: 1,
      unopened: [{ height: 9, positionCount: 4, openedCount: 1, waitingFor: [3] }],
      finality: { count: 0 },
      opening: { count: 0 },
    },
  });
});

t.test("GET /v1/transactions/:hash: ordered and not opened yet, its place; the client reads it so", async (t) => {
  const { body } = await call(
    appOf({ transaction: () => ({ status: "ordered", height: Height.of(4), index: 2 }) }),
    `/v1/transactions/${HASH}`,
  );
  t.same(body, { hash: HASH, status: "ordered", height: 4, index: 2 });
  t.same(transactionStatusOf(body), { type: "ordered", height: 4 });
});

t.test("GET /v1/blocks/:height: openings beside receipts", async (t) => {
  const stored = fakeCore().blockAt(Height.of(1));
  if (stored?.operation === undefined) throw new Error("the fake has a block");
  const share = { validator: ValidatorIndex.of(2), share: new Uint8Array(32).fill(4), proof: new Uint8Array(64).fill(5) };
  const openings: Opening[] = [
    { type: "seed", seed: new Uint8Array(32).fill(3) },
    { type: "failed", shares: [share] },
  ];
  const blockAt = () => ({ ...stored, operation: { ...stored.operation, openings } as OperationEntry });
  t.match((await call(appOf({ blockAt }), "/v1/blocks/1")).body, {
    openings: [
      { type: "seed", seed: "03".repeat(32) },
      { type: "failed", shares: [{ validator: 2, share: "04".repeat(32), proof: "05".repeat(64) }] },
    ],
  });
});
