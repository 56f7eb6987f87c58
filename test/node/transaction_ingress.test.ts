/** The way of transactions into the machine, with a parser, workers and a machine that the test plays. */

import t from "tap";
import { isSealCheck } from "../../node/signature_ring.ts";
import { createTransactionIngress, type TransactionIngressOptions } from "../../node/transaction_ingress.ts";
import type { ReplicaInput } from "../../replica/interface.ts";
import type { ParseResult } from "../../types/application.ts";
import { Height, type TransactionHash } from "../../types/ids.ts";
import type { PeerKey, Sender } from "../../types/sender.ts";

const peer: Sender = { type: "relay", peer: "p" as PeerKey };
const hashOf = (byte: number) => `hash ${byte}` as TransactionHash;
const bytesOf = (...bytes: number[]) => bytes.map((byte) => Uint8Array.of(byte));

/** Byte 0 does not parse; bytes from 200 on have a bad signature. */
function parse(bytes: Uint8Array): ParseResult {
  const [byte = 0] = bytes;
  if (byte === 0) return { ok: false, refusal: { code: "malformed", canRetry: false, advice: "encode it" } };
  const transaction = { hash: hashOf(byte), bytes, sender: "", nonce: 0, expiryHeight: Height.of(9), operationCount: 1 };
  return { ok: true, transaction, signature: { publicKey: bytes, message: bytes, signature: bytes } };
}

function bench(change: Partial<TransactionIngressOptions> = {}) {
  const inputs: Extract<ReplicaInput, { type: "transactions" }>[] = [];
  const penalties: string[] = [];
  const accepted: string[] = [];
  const checked: number[] = [];
  const ingress = createTransactionIngress({
    parse,
    refusalOf: () => undefined,
    sealingPublicKey: () => undefined,
    finalHeight: () => Height.of(1),
    workers: {
      verify(checks, done) {
        const bytes = checks.map((check) => (isSealCheck(check) ? check.sealed : check.message)[0] ?? 0);
        checked.push(...bytes);
        queueMicrotask(() => done(bytes.map((byte) => byte < 200)));
        return true;
      },
    },
    isPending: () => false,
    isFinal: () => false,
    submit: (input) => {
      if (input.type === "transactions") inputs.push(input);
    },
    penalize: (_sender, reason) => penalties.push(reason),
    onAccepted: (hash) => accepted.push(hash),
    limits: { admissionsMax: 100, verifiedMax: 100 },
    ...change,
  });
  const hashes = () => inputs.map(({ transactions }) => transactions.map(({ hash }) => hash));
  return { ingress, inputs, penalties, accepted, checked, hashes };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test("fromClient: good, malformed and forged, each gets its own answer in order", async (t) => {
  const { ingress, hashes, accepted } = bench();
  const results = ingress.fromClient(bytesOf(1, 0, 201, 2));
  await settle();
  t.same(hashes(), [[hashOf(1), hashOf(2)]], "one input for the batch, valid ones only");
  ingress.onAdmitted(hashOf(1), undefined);
  ingress.onAdmitted(hashOf(2), { code: "poolFull", canRetry: true, advice: "later" });
  t.match(await results, [
    { hash: hashOf(1), refusal: undefined },
    { hash: undefined, refusal: { code: "malformed" } },
    { hash: hashOf(201), refusal: { code: "badSignature", canRetry: false } },
    { hash: hashOf(2), refusal: { code: "poolFull" } },
  ]);
  t.same(accepted, [hashOf(1)]);
});

t.test("fromClient: pending, final or duplicate already, accepted without asking twice", async (t) => {
  const { ingress, hashes } = bench({ isPending: (hash) => hash === hashOf(1), isFinal: (hash) => hash === hashOf(2) });
  const results = ingress.fromClient(bytesOf(1, 2, 3));
  const again = ingress.fromClient(bytesOf(3));
  await settle();
  t.same(hashes(), [[hashOf(3)]]);
  ingress.onAdmitted(hashOf(3), { code: "duplicate", canRetry: false, advice: "" });
  t.same(
    (await results).map(({ refusal }) => refusal),
    [undefined, undefined, undefined],
  );
  t.same(await again, [{ hash: hashOf(3), refusal: undefined }]);
});

t.test("fromClient: workers full or too many waiting, busy and may be sent again", async (t) => {
  const full = bench({ workers: { verify: () => false } });
  t.match(await full.ingress.fromClient(bytesOf(1)), [{ refusal: { code: "busy", canRetry: true } }]);
  const { ingress } = bench({ limits: { admissionsMax: 1, verifiedMax: 10 } });
  const first = ingress.fromClient(bytesOf(1));
  await settle();
  t.match(await ingress.fromClient(bytesOf(2)), [{ refusal: { code: "busy" } }]);
  ingress.onAdmitted(hashOf(1), undefined);
  t.match(await first, [{ refusal: undefined }]);
});

t.test("fromClient: a batch beyond one slice, is checked in slices and answered as a whole", async (t) => {
  const { ingress, inputs } = bench({ limits: { admissionsMax: 1_000, verifiedMax: 10 } });
  const results = ingress.fromClient(bytesOf(...Array.from({ length: 150 }, (_, index) => 1 + index)));
  for (let turn = 0; turn < 10; turn++) await settle();
  t.same(
    inputs.map(({ transactions }) => transactions.length),
    [64, 64, 22],
  );
  for (let byte = 1; byte <= 150; byte++) ingress.onAdmitted(hashOf(byte), undefined);
  t.equal((await results).filter(({ refusal }) => refusal === undefined).length, 150);
});

t.test("stop: everything that waits or comes later, is told to go elsewhere", async (t) => {
  const { ingress } = bench();
  const waiting = ingress.fromClient(bytesOf(1));
  await settle();
  ingress.stop();
  t.match(await waiting, [{ refusal: { code: "stopping", canRetry: true } }]);
  t.match(await ingress.fromClient(bytesOf(2)), [{ refusal: { code: "stopping" } }]);
});

t.test("fromGossip: checked once, what was verified lately is skipped, forgeries cost the sender", async (t) => {
  const { ingress, hashes, penalties, checked } = bench();
  ingress.fromGossip(peer, bytesOf(1, 2));
  await settle();
  ingress.fromGossip(peer, bytesOf(1, 3));
  await settle();
  t.same(hashes(), [[hashOf(1), hashOf(2)], [hashOf(3)]]);
  t.same(checked, [1, 2, 3]);
  t.same(penalties, []);
  ingress.fromGossip(peer, bytesOf(201, 0));
  await settle();
  t.same(penalties, ["invalidTransaction", "invalidTransaction"]);
});

t.test("fromRequest: handed over although seen before, without a second check", async (t) => {
  const { ingress, hashes, checked } = bench();
  ingress.fromGossip(peer, bytesOf(1));
  await settle();
  ingress.fromRequest({ type: "peer", sender: peer }, bytesOf(1, 4));
  await settle();
  t.same(hashes(), [[hashOf(1)], [hashOf(1), hashOf(4)]]);
  t.same(checked, [1, 4]);
});

t.test("fromGossip: workers full, the batch is dropped and counted", async (t) => {
  const { ingress, inputs } = bench({ workers: { verify: () => false } });
  ingress.fromGossip(peer, bytesOf(1));
  t.equal(ingress.droppedBatches, 1);
  t.same(inputs, []);
});
