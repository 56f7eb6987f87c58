/** The way of transactions into the machine, with a parser, workers and a machine that the test plays. */

import t from "tap";
import { type CheckVerdict, INVALID, isSealCheck, VALID, type WorkerCheck } from "../../node/signature_ring.ts";
import { createTransactionIngress, type TransactionIngressOptions } from "../../node/transaction_ingress.ts";
import type { ReplicaInput } from "../../replica/interface.ts";
import type { ParseResult, Refusal } from "../../types/application.ts";
import type { SealedEnvelope } from "../../types/envelope.ts";
import { Height, type TransactionHash } from "../../types/ids.ts";
import { SEALED_EXPIRY_HEIGHTS_MAX } from "../../types/limits.ts";
import type { KeyId } from "../../types/sealing.ts";
import type { PeerKey, Sender } from "../../types/sender.ts";

const peer: Sender = { type: "relay", peer: "p" as PeerKey };
const KEY = "key" as KeyId;
const hashOf = (byte: number) => `hash ${byte}` as TransactionHash;
const bytesOf = (...bytes: number[]) => bytes.map((byte) => Uint8Array.of(byte));

/** Byte 0 does not parse; bytes from 200 on have a bad signature. Bytes from 160 to 199 and from 230 on are sealed, odd ones badly. */
function parse(bytes: Uint8Array): ParseResult {
  const [byte = 0] = bytes;
  if (byte === 0) return { ok: false, refusal: { code: "malformed", canRetry: false, advice: "encode it" } };
  const transaction = { hash: hashOf(byte), bytes, sender: "", nonce: 0, expiryHeight: Height.of(9), operationCount: 1 };
  const signature = { publicKey: bytes, message: bytes, signature: bytes };
  const isSealed = (byte >= 160 && byte < 200) || byte >= 230;
  if (!isSealed) return { ok: true, transaction, signature };
  const sealed = {} as SealedEnvelope;
  return { ok: true, transaction: { ...transaction, sealed }, signature, seal: { keyId: KEY, label: bytes, sealed: bytes } };
}

function bench(change: Partial<TransactionIngressOptions> = {}) {
  const inputs: Extract<ReplicaInput, { type: "transactions" }>[] = [];
  const penalties: string[] = [];
  const accepted: string[] = [];
  const checked: number[] = [];
  const ingress = createTransactionIngress({
    parse,
    refusalOf: () => undefined,
    sealingKey: () => ({ publicKey: Uint8Array.of(7), secretShare: undefined }),
    finalHeight: () => Height.of(1),
    peerHeight: () => Height.of(1),
    workers: {
      verify(checks, done) {
        const judge = (check: WorkerCheck): CheckVerdict => {
          const [byte = 0] = isSealCheck(check) ? check.sealed : check.message;
          checked.push(isSealCheck(check) ? -byte : byte);
          const isValid = isSealCheck(check) ? byte % 2 === 0 : byte < 200;
          const [secret] = isSealCheck(check) ? (check.secretShare ?? []) : [];
          if (secret !== undefined && isValid) return { isValid, share: Uint8Array.of(secret, byte) };
          return isValid ? VALID : INVALID;
        };
        const verdicts = checks.map(judge);
        queueMicrotask(() => done(verdicts));
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

t.test("fromGossip: checked once, what is pending is skipped, forgeries cost the sender", async (t) => {
  const { ingress, hashes, penalties, checked } = bench({ isPending: (hash) => hashes().flat().includes(hash) });
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

t.test("fromGossip: verified before and not held, handed over again without a check; final, skipped", async (t) => {
  const final = new Set<TransactionHash>();
  const { ingress, hashes, checked } = bench({ isFinal: (hash) => final.has(hash) });
  ingress.fromGossip(peer, bytesOf(1, 160));
  await settle();
  // The machine had no room, say: when it has, a repetition must reach it.
  ingress.fromGossip(peer, bytesOf(1, 160));
  await settle();
  final.add(hashOf(1));
  ingress.fromGossip(peer, bytesOf(1, 160));
  await settle();
  t.same(hashes(), [[hashOf(1), hashOf(160)], [hashOf(1), hashOf(160)], [hashOf(160)]]);
  t.same(checked, [1, 160, -160]);
});

t.test("fromGossip: may be passed on, when nothing in it is a fault and something in it is right or known", async (t) => {
  const nonceConflict: Refusal = { code: "nonceConflict", canRetry: false, advice: "" };
  const { ingress } = bench({
    refusalOf: ({ hash }) => (hash === hashOf(9) ? nonceConflict : undefined),
    isPending: (hash) => hash === hashOf(8),
  });
  const cases: [bytes: number[], expected: boolean][] = [
    [[1, 2], true],
    [[1], true],
    [[8], true],
    [[3, 9], true],
    [[9], false],
    [[4, 0], false],
    [[5, 201], false],
    [[160, 161], false],
    [[8, 0], false],
    [[...Array.from({ length: 64 }, (_, index) => 10 + index), 0], false],
  ];
  for (const [bytes, expected] of cases) t.equal(await ingress.fromGossip(peer, bytesOf(...bytes)), expected, String(bytes));
  const full = bench({ workers: { verify: () => false } });
  t.equal(await full.ingress.fromGossip(peer, bytesOf(1)), false, "not judged");
  full.ingress.stop();
  t.equal(await full.ingress.fromGossip(peer, bytesOf(1)), false, "stopped");
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

t.test("fromClient: sealed ones, signature before seal, each with its own code; a forged one costs no seal check", async (t) => {
  const { ingress, hashes, checked, accepted } = bench();
  const results = ingress.fromClient(bytesOf(160, 161, 231, 2));
  await settle();
  t.same(checked, [160, 161, 231, 2, -160, -161]);
  t.same(hashes(), [[hashOf(160), hashOf(2)]]);
  ingress.onAdmitted(hashOf(160), undefined);
  ingress.onAdmitted(hashOf(2), undefined);
  t.match(
    (await results).map(({ refusal }) => refusal?.code),
    [undefined, "badSeal", "badSignature", undefined],
  );
  t.same(accepted, [hashOf(160), hashOf(2)]);
});

t.test("fromClient: what the machine would refuse anyway, its code before anything is checked", async (t) => {
  const refusal: Refusal = { code: "expired", canRetry: false, advice: "seal it again" };
  const { ingress, inputs, checked } = bench({ refusalOf: ({ hash }) => (hash === hashOf(160) ? refusal : undefined) });
  const results = ingress.fromClient(bytesOf(160, 162));
  await settle();
  t.same(checked, [162, -162]);
  t.equal(inputs.length, 1);
  ingress.onAdmitted(hashOf(162), undefined);
  t.same(await results, [
    { hash: hashOf(160), refusal },
    { hash: hashOf(162), refusal: undefined },
  ]);
});

t.test("fromClient: no sealing key here, a code that says so; workers full before the seals, busy for sealed ones alone", async (t) => {
  const keyless = bench({ sealingKey: () => undefined });
  t.match(await keyless.ingress.fromClient(bytesOf(160)), [{ refusal: { code: "noSealingKey", canRetry: true } }]);
  t.same(keyless.checked, [160]);
  let calls = 0;
  const verify: TransactionIngressOptions["workers"]["verify"] = (checks, done) => {
    calls += 1;
    if (calls > 1) return false;
    done(checks.map(() => VALID));
    return true;
  };
  const full = bench({ workers: { verify } });
  const results = full.ingress.fromClient(bytesOf(160, 1));
  full.ingress.onAdmitted(hashOf(1), undefined);
  t.match(await results, [{ refusal: { code: "busy" } }, { refusal: undefined }]);
});

t.test("fromGossip: refused, neither kept nor checked; it costs the sender only what no honest node sends", async (t) => {
  const HEIGHT = 5_000;
  const cases: ([code: string, expiryHeight: number, penalties: number] | [string, number, number, peerHeight: number | undefined])[] = [
    ["wrongChain", 9, 1],
    ["unknownSuite", 9, 1],
    ["wrongSealingKey", 9, 1],
    ["gasLimitOutOfRange", 9, 1],
    ["feeTooLow", 9, 1],
    ["noSealingKey", 9, 0],
    ["nonceConflict", 9, 0],
    ["insufficientForFee", 9, 0],
    ["poolFull", 9, 0],
    ["expired", HEIGHT - 10, 0],
    // Whoever was cut off for a while may still hold it.
    ["expired", HEIGHT - 900, 0],
    ["expired", HEIGHT - 2_000, 1],
    ["expiryTooFar", HEIGHT + SEALED_EXPIRY_HEIGHTS_MAX + 10, 0],
    ["expiryTooFar", HEIGHT + SEALED_EXPIRY_HEIGHTS_MAX + 100, 1],
    // We are behind: to the others it is near enough.
    ["expiryTooFar", HEIGHT + SEALED_EXPIRY_HEIGHTS_MAX + 100, 0, HEIGHT + 90],
    ["expiryTooFar", HEIGHT + SEALED_EXPIRY_HEIGHTS_MAX + 400, 1, HEIGHT + 90],
    // Our own height says nothing before a peer has told us its own.
    ["expiryTooFar", HEIGHT + SEALED_EXPIRY_HEIGHTS_MAX + 100, 0, undefined],
  ];
  for (const [code, expiryHeight, expected, peerHeight] of cases.map((row) => (row.length === 4 ? row : ([...row, HEIGHT] as const)))) {
    const { ingress, inputs, penalties, checked } = bench({
      parse: (bytes) => {
        const parsed = parse(bytes);
        return parsed.ok ? { ...parsed, transaction: { ...parsed.transaction, expiryHeight: Height.of(expiryHeight) } } : parsed;
      },
      finalHeight: () => Height.of(HEIGHT),
      peerHeight: () => (peerHeight === undefined ? undefined : Height.of(peerHeight)),
      refusalOf: () => ({ code, canRetry: false, advice: "" }),
    });
    ingress.fromGossip(peer, bytesOf(160));
    await settle();
    t.equal(penalties.length, expected, `${code} at ${expiryHeight}, a peer at ${peerHeight}`);
    t.same([inputs.length, checked.length], [0, 0]);
  }
  const { ingress, inputs, penalties } = bench();
  ingress.fromGossip(peer, bytesOf(161));
  await settle();
  t.same(penalties, ["invalidTransaction"], "a bad seal");
  t.same(inputs, []);
});

t.test("fromRequest: a proposal waits for it, handed over whatever the pool would say, once its seal is right", async (t) => {
  const { ingress, hashes, checked } = bench({ refusalOf: () => ({ code: "nonceConflict", canRetry: false, advice: "" }) });
  ingress.fromRequest({ type: "peer", sender: peer }, bytesOf(160, 161));
  await settle();
  t.same(checked, [160, 161, -160, -161]);
  t.same(hashes(), [[hashOf(160)]]);
});

t.test("our share: of what is sealed and valid, handed over with the transaction and the id of its key", async (t) => {
  const asked: KeyId[] = [];
  const sealingKey = (keyId: KeyId) => {
    asked.push(keyId);
    return { publicKey: Uint8Array.of(7), secretShare: Uint8Array.of(5) };
  };
  const { ingress, inputs } = bench({ sealingKey });
  void ingress.fromClient(bytesOf(1, 160, 161, 162));
  ingress.fromGossip(peer, bytesOf(2, 164));
  ingress.fromRequest({ type: "peer", sender: peer }, bytesOf(166));
  await settle();
  const shares = inputs.map(({ transactions }) => transactions.map(({ hash, ownShare }) => [hash, ownShare]));
  const ownShare = (byte: number) => ({ keyId: KEY, share: Uint8Array.of(5, byte) });
  t.same(shares, [
    [
      [hashOf(1), undefined],
      [hashOf(160), ownShare(160)],
      [hashOf(162), ownShare(162)],
    ],
    [
      [hashOf(2), undefined],
      [hashOf(164), ownShare(164)],
    ],
    [[hashOf(166), ownShare(166)]],
  ]);
  t.ok(asked.every((keyId) => keyId === KEY));
});

t.test("our share: the key is replaced while a worker has the check, the share keeps the id of the key it was made with", async (t) => {
  let isReplaced = false;
  const key = { publicKey: Uint8Array.of(7), secretShare: Uint8Array.of(5) };
  const { ingress, inputs } = bench({ sealingKey: () => (isReplaced ? undefined : key) });
  ingress.fromGossip(peer, bytesOf(160));
  // The signature's verdict comes in a microtask, the seal's in another one.
  await Promise.resolve();
  isReplaced = true;
  await settle();
  t.same(inputs[0]?.transactions[0]?.ownShare, { keyId: KEY, share: Uint8Array.of(5, 160) });
});

t.test(
  "our share: a node that holds no share of the key asks for none, and what is known to be valid is not checked for one",
  async (t) => {
    const observer = bench();
    observer.ingress.fromGossip(peer, bytesOf(160));
    await settle();
    t.same(
      observer.inputs.map(({ transactions }) => transactions.map((transaction) => "ownShare" in transaction)),
      [[false]],
    );
    const { ingress, inputs, checked } = bench({ sealingKey: () => ({ publicKey: Uint8Array.of(7), secretShare: Uint8Array.of(5) }) });
    ingress.fromGossip(peer, bytesOf(160));
    await settle();
    ingress.fromRequest({ type: "peer", sender: peer }, bytesOf(160));
    await settle();
    t.same(checked, [160, -160]);
    t.equal(inputs[1]?.transactions[0]?.ownShare, undefined);
  },
);
