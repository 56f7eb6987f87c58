/** Signature checks on real threads, on threads that die or hang, and on the main thread; the shared ring itself; shares computed ahead. */

import t, { type Test } from "tap";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { loadSealingSuite } from "../../node/sealing_suite.ts";
import {
  type CheckVerdict,
  hasCheckSizes,
  INVALID,
  openRing,
  RING_BYTES,
  type SealedPartCheck,
  SLOT_BYTES,
  SLOT_CHECKS_MAX,
  VALID,
  type WorkerCheck,
} from "../../node/signature_ring.ts";
import {
  createSignatureWorkers,
  SIGNATURE_WORKER_FILE,
  type SignatureWorkers,
  type SignatureWorkersOptions,
} from "../../node/signature_workers.ts";
import type { SignatureCheck } from "../../types/application.ts";
import { LABEL_BYTES, SEALED_SIZE_CLASS_MAX, sealedBytesOf } from "../../types/envelope.ts";
import { TRANSACTION_BYTES_MAX } from "../../types/limits.ts";

const seed = new Uint8Array(32).fill(7);
const publicKey = ed25519PublicKeyOf(seed);
const BROKEN_WORKER_FILE = new URL("../support/broken_signature_worker.ts", import.meta.url);

function signed(index: number, bytes = 200): SignatureCheck {
  const message = new Uint8Array(bytes).fill(index & 255);
  message[0] = index >> 8;
  return { publicKey, message, signature: signEd25519(seed, message) };
}

function forged(index: number): SignatureCheck {
  const check = signed(index);
  return { ...check, message: check.message.map((byte, at) => (at === 1 ? byte ^ 1 : byte)) };
}

function start(t: Test, change: Partial<SignatureWorkersOptions> = {}): { workers: SignatureWorkers; events: string[] } {
  const events: string[] = [];
  const workers = createSignatureWorkers({
    count: 1,
    checksMax: 10_000,
    bytesMax: 10_000_000,
    batchDeadlineMs: 5_000,
    verifyEd25519,
    checkSeal: undefined,
    workerFile: SIGNATURE_WORKER_FILE,
    onEvent: ({ code }) => events.push(code),
    ...change,
  });
  t.teardown(() => workers.stop());
  return { workers, events };
}

function fullVerdicts(workers: SignatureWorkers, checks: readonly WorkerCheck[]): Promise<readonly CheckVerdict[]> {
  return new Promise((resolve, reject) => {
    if (!workers.verify(checks, resolve)) reject(new Error("busy"));
  });
}

async function verdicts(workers: SignatureWorkers, checks: readonly WorkerCheck[]): Promise<readonly boolean[]> {
  return (await fullVerdicts(workers, checks)).map(({ isValid }) => isValid);
}

const suite = await loadSealingSuite();
const sealingKey = suite.publicKeyOf(suite.deriveSecretKey(seed));

/** Our share of the key, as any scalar may be one. */
const secretShare = suite.deriveSecretKey(new Uint8Array(32).fill(9));

function sealedPart(index: number, change: Partial<SealedPartCheck> = {}): SealedPartCheck {
  const label = new Uint8Array(LABEL_BYTES).fill(index);
  const sealed = suite.seal({ publicKey: sealingKey, label, message: new Uint8Array(256), randomness: new Uint8Array(64).fill(index) });
  return { publicKey: sealingKey, label, sealed, secretShare: undefined, ...change };
}

/** What a ring gives back, out of its memory. */
const copyOf = (check: WorkerCheck): WorkerCheck =>
  Object.fromEntries(
    Object.entries(check).map(([name, bytes]) => [name, bytes === undefined ? undefined : new Uint8Array(bytes)]),
  ) as unknown as WorkerCheck;

/** Has work done until the thread is up, so that what follows runs on it. */
async function warm(workers: SignatureWorkers, events: readonly string[]): Promise<void> {
  while (!events.includes("started")) {
    await verdicts(workers, [signed(1)]);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const count of [0, 1, 2]) {
  t.test(`createSignatureWorkers: ${count} threads, valid, forged and mixed batches, the right verdicts in order`, async (t) => {
    const { workers, events } = start(t, { count });
    if (count > 0) await warm(workers, events);
    const expected = Array.from({ length: 300 }, (_, index) => index % 7 !== 3);
    const mixed = expected.map((isValid, index) => (isValid ? signed(index) : forged(index)));
    t.same(await verdicts(workers, mixed), expected);
    t.same(await verdicts(workers, [signed(1)]), [true]);
    t.same(await verdicts(workers, [forged(1)]), [false]);
    t.same(await verdicts(workers, []), []);
  });
}

t.test("createSignatureWorkers: many batches at once, each caller gets its own verdicts", async (t) => {
  const { workers, events } = start(t);
  await warm(workers, events);
  const batches = Array.from({ length: 40 }, (_, batch) =>
    Array.from({ length: 1 + (batch % 9) }, (_, index) => (index === batch % 3 ? forged(batch) : signed(batch))),
  );
  const results = await Promise.all(batches.map((batch) => verdicts(workers, batch)));
  for (const [batch, result] of results.entries())
    t.same(
      result,
      batches[batch]?.map((_, index) => index !== batch % 3),
    );
});

t.test("createSignatureWorkers: sizes that no check can have, false without reaching a thread", async (t) => {
  const { workers } = start(t);
  const good = signed(1);
  const wrong = [
    { ...good, publicKey: publicKey.subarray(1) },
    { ...good, signature: new Uint8Array(63) },
    { ...good, message: new Uint8Array(SLOT_BYTES) },
  ];
  t.same(await verdicts(workers, [...wrong, good]), [false, false, false, true]);
});

t.test("createSignatureWorkers: a full queue, refuses the whole batch and takes it again later", async (t) => {
  const { workers } = start(t, { count: 0, checksMax: 4 });
  const first = verdicts(workers, [signed(1), signed(2), signed(3)]);
  t.equal(
    workers.verify([signed(4), signed(5)], () => t.fail("was refused")),
    false,
  );
  t.same(await first, [true, true, true]);
  t.same(await verdicts(workers, [signed(4), signed(5)]), [true, true]);
});

for (const [name, query, batchDeadlineMs] of [
  ["dies", "", 5_000],
  ["hangs", "?hang", 200],
] as const) {
  t.test(
    `createSignatureWorkers: a thread that ${name}, its batch is checked on the main thread and the thread is restarted`,
    async (t) => {
      const workerFile = new URL(BROKEN_WORKER_FILE);
      workerFile.search = query;
      const { workers, events } = start(t, { workerFile, batchDeadlineMs });
      await warm(workers, events);
      t.same(await verdicts(workers, [signed(1), forged(2), signed(3)]), [true, false, true]);
      t.ok(events.includes("died"), "and it is said");
      while (events.filter((code) => code === "started").length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      t.same(await verdicts(workers, [forged(4), signed(5)]), [false, true], "a new thread is up, and what comes next is judged");
    },
  );
}

t.test("openRing: fill, takes no more than the slot holds and reads back what was put in", async (t) => {
  const ring = openRing(new SharedArrayBuffer(RING_BYTES));
  const checks = Array.from({ length: 100 }, (_, index) => signed(index, 10 + index));
  t.equal(ring.fill(1, checks), SLOT_CHECKS_MAX);
  t.same(ring.read(1).map(copyOf), checks.slice(0, SLOT_CHECKS_MAX));
  const large = signed(1, TRANSACTION_BYTES_MAX);
  t.ok(hasCheckSizes(large));
  t.equal(ring.fill(2, [large, large]), 1, "the second large one waits for another slot");
  t.same(ring.read(2).map(copyOf), [large]);
});

t.test("openRing: seals among signatures, come back as they went in, and fewer of them to a slot", async (t) => {
  const ring = openRing(new SharedArrayBuffer(RING_BYTES));
  const mixed: WorkerCheck[] = [signed(1), sealedPart(2), signed(3), sealedPart(4)];
  t.equal(ring.fill(0, mixed), 4);
  t.same(ring.read(0).map(copyOf), mixed);
  const seals = Array.from({ length: 20 }, (_, index) => sealedPart(index));
  t.equal(ring.fill(1, seals), 8, "each costs as much as eight signatures");
  const sharing = Array.from({ length: 20 }, (_, index) => sealedPart(index, { secretShare }));
  t.equal(ring.fill(1, sharing), 5, "a share takes time as well");
  t.same(ring.read(1).map(copyOf), sharing.slice(0, 5));
  const sealed = new Uint8Array(sealedBytesOf(SEALED_SIZE_CLASS_MAX));
  const largest = { publicKey, label: new Uint8Array(LABEL_BYTES), sealed, secretShare };
  t.equal(ring.fill(2, [largest, signed(1)]), 2);
  t.ok(hasCheckSizes(largest));
  t.notOk(hasCheckSizes({ ...largest, publicKey: new Uint8Array(31) }));
  t.notOk(hasCheckSizes({ ...largest, sealed: new Uint8Array(SLOT_BYTES) }));
});

for (const count of [0, 1]) {
  t.test(`createSignatureWorkers: ${count} threads, seals and signatures mixed, the right verdicts in order`, async (t) => {
    const { workers, events } = start(t, { count, checkSeal: suite.check });
    if (count > 0) await warm(workers, events);
    const expected = Array.from({ length: 24 }, (_, index) => index % 5 !== 2);
    const checks = expected.map((isValid, index): WorkerCheck => {
      if (index % 2 === 0) return isValid ? signed(index) : forged(index);
      const check = sealedPart(index);
      return isValid ? check : { ...check, label: Uint8Array.of(1, 2, 3) };
    });
    t.same(await verdicts(workers, checks), expected);
  });
}

t.test("createSignatureWorkers: a seal where nothing is sealed, not valid", async (t) => {
  const { workers } = start(t, { count: 0 });
  t.same(await verdicts(workers, [sealedPart(1), signed(1)]), [false, true]);
});

t.test("openRing: verdicts with and without a share, a share is a copy and stays with its verdict", async (t) => {
  const ring = openRing(new SharedArrayBuffer(RING_BYTES));
  const shareOf = (slot: number, index: number) => new Uint8Array(32).fill(slot * SLOT_CHECKS_MAX + index);
  const places = [0, 1, 2, 3].flatMap((slot) => [0, 1, SLOT_CHECKS_MAX - 1].map((index) => ({ slot, index })));
  for (const { slot, index } of places) ring.setVerdict(slot, index, { isValid: true, share: shareOf(slot, index) });
  t.same(ring.read(0), [], "nothing beside the shares is written");
  const found = places.map(({ slot, index }) => ring.verdict(slot, index));
  for (const { slot, index } of places) ring.setVerdict(slot, index, index === 0 ? INVALID : VALID);
  for (const [at, { slot, index }] of places.entries()) {
    t.same(found[at], { isValid: true, share: shareOf(slot, index) });
    t.same(ring.verdict(slot, index), index === 0 ? INVALID : VALID, "an earlier share does not come again");
  }
});

t.test("createSignatureWorkers: asked for our share, the share that shareOf gives, of what passed and of nothing else", async (t) => {
  const { workers, events } = start(t, { checkSeal: suite.check });
  await warm(workers, events);
  const checks: WorkerCheck[] = Array.from({ length: 12 }, (_, index) =>
    index % 4 === 0 ? signed(index) : sealedPart(index, index % 4 === 1 ? {} : { secretShare }),
  );
  checks[7] = sealedPart(7, { secretShare, label: Uint8Array.of(1) });
  const expected = checks.map((check, index): CheckVerdict => {
    if (index === 7) return INVALID;
    return "sealed" in check && check.secretShare !== undefined
      ? { isValid: true, share: suite.shareOf(secretShare, check.sealed) }
      : VALID;
  });
  t.same(await fullVerdicts(workers, checks), expected);
  const other = suite.deriveSecretKey(new Uint8Array(32).fill(10));
  const check = sealedPart(2, { secretShare: other });
  t.same(await fullVerdicts(workers, [check]), [{ isValid: true, share: suite.shareOf(other, check.sealed) }], "with the key it brings");
});

t.test("createSignatureWorkers: asked for our share where no thread is, or one that dies, the verdict alone", async (t) => {
  const { workers } = start(t, { count: 0, checkSeal: suite.check });
  const checks = [sealedPart(1, { secretShare }), sealedPart(2, { secretShare, label: Uint8Array.of(1) })];
  t.same(await fullVerdicts(workers, checks), [VALID, INVALID]);
  const dying = start(t, { checkSeal: suite.check, workerFile: BROKEN_WORKER_FILE });
  await warm(dying.workers, dying.events);
  t.same(await fullVerdicts(dying.workers, checks), [VALID, INVALID]);
});
