/** A chain with sealed transactions as operators and users meet it: key files, genesis, one validator that makes its key with itself, the
 *  client library against its RPC, every refusal by its code, a restart, and an observer that follows. */

import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { followTransaction, submitAndFollow } from "../../client/follow.ts";
import { validatorsOf } from "../../client/genesis.ts";
import { verifyKeyProof } from "../../client/key_proof.ts";
import { type Account, accountFromSeed } from "../../client/keys.ts";
import { transfer } from "../../client/operations.ts";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { type SealOptions, sealTransaction } from "../../client/seal.ts";
import { assert } from "../../types/assert.ts";
import { ENVELOPE_AT } from "../../types/envelope.ts";
import { type AccountId, type ChainId, Height, type TransactionHash } from "../../types/ids.ts";
import type { KeyId, SealingKey } from "../../types/sealing.ts";
import { runValidatorScript as run } from "./validator_script.ts";

t.setTimeout(300_000);

const base = await mkdtemp(join(tmpdir(), "sealstone-sealed-"));
t.teardown(() => rm(base, { recursive: true, force: true }));
const file = (name: string) => join(base, name);
const writeJson = (name: string, value: unknown): void => writeFileSync(file(name), JSON.stringify(value));
const FOLLOW = { deadlineMs: 30_000, pauseMsMin: 10, pauseMsMax: 100 };

const accountOf = (byte: number): Account => {
  const account = accountFromSeed(new Uint8Array(32).fill(byte));
  assert(account !== undefined, "a seed has 32 bytes");
  return account;
};
const [alice, bob, nobody] = [accountOf(1), accountOf(2), accountOf(3)];
const ISSUER = "09".repeat(32) as AccountId;

const CONFIG = { genesis: "genesis.json", keyFile: "keys.json", dataDirectory: "data", listen: ["/ip4/127.0.0.1/tcp/0"], rpc: { port: 0 } };

interface Chain {
  readonly rpc: Rpc;
  readonly url: string;
  readonly chainId: ChainId;
  readonly key: SealingKey;
  readonly height: Height;
}

/** Waits for the key and checks its proof, as a client does. */
async function chainAt(url: string): Promise<Chain> {
  const rpc = createRpc({ baseUrl: url, deadlineMs: 10_000 });
  const genesis = await rpc.genesis();
  assert(genesis.ok, "the node shows its genesis");
  const { chainId } = genesis.value;
  for (;;) {
    const [answer, status] = [await rpc.sealing(), await rpc.status()];
    assert(answer.ok && status.ok, "the node answers");
    if (answer.value.type === "live") {
      const proven = verifyKeyProof(answer.value.proof, { chainId, validators: validatorsOf(genesis.value.genesis) });
      assert(proven.ok, "the key is proven");
      return { rpc, url, chainId, key: proven.key, height: status.value.finalHeight };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function sealed(
  { chainId, key, height }: Chain,
  nonce: number,
  change: Partial<SealOptions> = {},
): { hash: TransactionHash; bytes: Uint8Array } {
  const result = sealTransaction({
    account: alice,
    chainId,
    key,
    nonce,
    expiryHeight: Height.plus(height, 1_000),
    gasLimit: 2,
    fee: 4,
    operations: [transfer({ to: bob.id, asset: 1, amount: 10n })],
    ...change,
  });
  assert(result.ok, "what the test seals can be sealed");
  return result.transaction;
}

const tampered = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

async function checkRefusals(t: Test, chain: Chain): Promise<void> {
  const { rpc, height, key } = chain;
  const good = sealed(chain, 50).bytes;
  const otherKey = { keyId: "ab".repeat(32) as KeyId, publicKey: key.publicKey };
  // Sealed to another point under the right key's name: the proof inside does not fit.
  const badSeal = sealed(chain, 51, { key: { keyId: key.keyId, publicKey: otherPoint(key) } }).bytes;
  const cases: [name: string, bytes: Uint8Array, code: string][] = [
    ["signature changed", tampered(good, ENVELOPE_AT.signature), "badSignature"],
    ["sealed part changed", tampered(good, good.length - 1), "wrongSealedHash"],
    ["half an envelope", good.slice(0, good.length / 2), "malformedEnvelope"],
    ["another chain", sealed(chain, 52, { chainId: "cd".repeat(32) as ChainId }).bytes, "wrongChain"],
    ["another key", sealed(chain, 53, { key: otherKey }).bytes, "wrongSealingKey"],
    ["expired", sealed(chain, 54, { expiryHeight: Height.of(1) }).bytes, "expired"],
    ["expiry too far", sealed(chain, 55, { expiryHeight: Height.plus(height, 1_000_000) }).bytes, "expiryTooFar"],
    ["fee too low", sealed(chain, 56, { fee: 3 }).bytes, "feeTooLow"],
    ["nobody pays", sealed(chain, 57, { account: nobody }).bytes, "unknownSender"],
    ["wrong seal", badSeal, "badSeal"],
  ];
  for (const [name, bytes, code] of cases) {
    const answer = await rpc.submit(bytes);
    t.match(answer, { ok: false, failure: { type: "refused", code } }, name);
  }
}

/** Any valid point but the key. */
const otherPoint = (key: SealingKey): Uint8Array => {
  const [first] = key.shareKeys;
  assert(first?.some((byte, index) => byte !== key.publicKey[index]) === true, "of two validators none holds the whole key");
  return first;
};

t.test("validator: key files, a genesis with sealing, mistakes in it are named", async (t) => {
  for (const index of [0, 1]) {
    const { code, output, errors } = await run(["keygen", "--out", file(`keys${index}.json`), "--cost", "10"]);
    t.equal(code, 0, errors);
    t.match(JSON.parse(output), { sealingPublicKey: /^[0-9a-f]{64}$/ });
    writeFileSync(file(`public${index}.json`), output);
  }
  const parameters = { heartbeatMs: 200, feeAsset: 1, feePerTransaction: 2, feePerOperation: 1, sealingSuite: 1, keygenWindowMs: 500 };
  writeJson("template.json", {
    parameters,
    assets: [{ asset: 1, decimals: 2, issuer: ISSUER }],
    balances: [alice, bob].map(({ id }) => ({ account: id, asset: 1, amount: "1000" })),
  });
  const make = (name: string, ...validators: string[]) =>
    run(["genesis", "--out", file(name), "--name", "sealed", "--template", file("template.json"), ...validators.map(file)]);
  const good = await make("genesis.json", "public0.json", "public1.json");
  t.equal(good.code, 0, good.errors);
  const heavy = JSON.parse((await run(["keygen", "--out", file("heavy.json"), "--cost", "10", "--weight", "3"])).output) as object;
  writeJson("heavy_public.json", heavy);
  t.match((await make("unequal.json", "public0.json", "heavy_public.json")).errors, /sealing needs equal weights, and validators\[1\]/);
  writeJson("identity.json", { ...heavy, weight: 1, sealingPublicKey: "00".repeat(32) });
  t.match((await make("identity_genesis.json", "public0.json", "identity.json")).errors, /validators\[1\]\.sealingPublicKey is no valid/);
});

interface Ready {
  readonly rpc: string;
  readonly addresses: readonly string[];
}

/** Writes a configuration and runs it; `act` gets what the ready line says, and the process is stopped after it. */
async function runNode(t: Test, name: string, change: object, act: (ready: Ready) => Promise<void>): Promise<void> {
  writeJson(`${name}.json`, { ...CONFIG, keyFile: `keys${name}.json`, dataDirectory: `data${name}`, ...change });
  const { code, errors } = await run(["--config", file(`${name}.json`)], async (line, stop) => {
    try {
      await act(JSON.parse(line) as Ready);
    } finally {
      stop();
    }
  });
  t.equal(code, 0, errors);
}

t.test("validator: --check with another sealing key in genesis, exit code 1 and what to do", async (t) => {
  writeJson("0.json", { ...CONFIG, keyFile: "keys0.json" });
  t.match(JSON.parse((await run(["--config", file("0.json"), "--check"])).output), { ok: true, validator: 0, sealing: /./ });
  const genesis = JSON.parse(readFileSync(file("genesis.json"), "utf8")) as { validators: { sealingPublicKey: string }[] };
  const [first, second] = genesis.validators;
  assert(first !== undefined && second !== undefined, "genesis has two validators");
  const swapped = [
    { ...first, sealingPublicKey: second.sealingPublicKey },
    { ...second, sealingPublicKey: first.sealingPublicKey },
  ];
  writeJson("swapped.json", { ...genesis, validators: swapped });
  writeJson("wrong.json", { ...CONFIG, genesis: "swapped.json", keyFile: "keys0.json" });
  const { code, errors } = await run(["--config", file("wrong.json"), "--check"]);
  t.equal(code, 1);
  t.match(errors, /keys0\.json: genesis lists another sealing key for validator 0/);
});

t.test("SL1-SL5: two validators make their key, sealed transactions are executed, after a restart and at an observer too", async (t) => {
  t.equal((await run(["keygen", "--out", file("keysobserver.json"), "--cost", "10"])).code, 0);
  await runNode(t, "0", {}, async ({ rpc: alone, addresses }) => {
    const early = await createRpc({ baseUrl: alone, deadlineMs: 10_000 }).sealing();
    t.match(early, { ok: true, value: { type: "generating", detail: /^making the sealing key/ } });
    const peers = [{ validator: 0, addresses }];
    const hashes: TransactionHash[] = [];
    await runNode(t, "1", { peers }, async (ready) => {
      const chain = await chainAt(ready.rpc);
      const statuses: string[] = [];
      const onStatus = ({ type }: { readonly type: string }): void => void statuses.push(type);
      const transaction = sealed(chain, 0);
      const followed = await submitAndFollow(chain.rpc, transaction, { ...FOLLOW, onStatus });
      t.match(followed, { type: "executed", status: { code: 0, codeName: "ok", operationCodes: [0] } });
      t.equal(statuses.at(-1), "executed");
      t.match(await chain.rpc.submit(transaction.bytes), { ok: true }, "again: accepted, and nothing happens twice");
      hashes.push(transaction.hash);
      await checkRefusals(t, chain);
      const status = (await (await fetch(`${ready.rpc}/v1/status`)).json()) as object;
      t.match(status, {
        sealing: { phase: "live", detail: "the sealing key is live", isKeyProven: true, finality: { count: 1 }, opening: { count: 1 } },
      });
    });
    await runNode(t, "1", { peers }, async (ready) => {
      const chain = await chainAt(ready.rpc);
      const transaction = sealed(chain, 1);
      t.match(await submitAndFollow(chain.rpc, transaction, FOLLOW), { type: "executed", status: { code: 0 } }, "after a restart");
      hashes.push(transaction.hash);
      await runNode(t, "observer", { peers: [...peers, { validator: 1, addresses: ready.addresses }], observer: true }, async ({ rpc }) => {
        const following = createRpc({ baseUrl: rpc, deadlineMs: 10_000 });
        for (const hash of hashes) t.match(await followTransaction(following, hash, FOLLOW), { type: "executed", status: { code: 0 } });
        const third = sealed(chain, 2);
        t.match(await submitAndFollow(chain.rpc, third, FOLLOW), { type: "executed" });
        t.match(await followTransaction(following, third.hash, FOLLOW), { type: "executed" }, "ordered while it watches");
        const own = await chainAt(rpc);
        t.match(await submitAndFollow(own.rpc, sealed(own, 3), FOLLOW), { type: "executed" }, "submitted to the observer");
      });
    });
  });
});
