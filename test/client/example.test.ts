/** The examples of client/README.md, taken from its text and run against the fake node: what users copy works. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import t, { type Test } from "tap";
import type { FollowBundleResult, FollowResult } from "../../client/follow.ts";
import type { Fetch } from "../../client/http.ts";
import { type Account, accountFromSeed } from "../../client/keys.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import type { AccountId, ChainId } from "../../types/ids.ts";
import { createFakeNode } from "./fake_node.ts";

interface SealedExample {
  paySealed(given: {
    readonly baseUrl: string;
    readonly chainId: ChainId;
    readonly seed: Uint8Array;
    readonly to: AccountId;
    readonly amount: bigint;
    readonly fetch: Fetch;
  }): Promise<FollowResult | string>;
}

interface BundleExample {
  payBoth(given: {
    readonly builderUrl: string;
    readonly chainId: ChainId;
    readonly seed: Uint8Array;
    readonly first: AccountId;
    readonly second: AccountId;
    readonly amount: bigint;
    readonly tip: bigint;
    readonly fetch: Fetch;
  }): Promise<FollowBundleResult | string>;
}

const CLIENT = path.resolve(import.meta.dirname, "../../client");

/** The imports of an example are relative to its folder; it is loaded from another one, so that the test writes nothing there. */
async function loadExample<Example>(t: Test, { exporting }: { readonly exporting: string }): Promise<Example> {
  const folder = await mkdtemp(path.join(tmpdir(), "client-example-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const readme = await readFile(path.join(CLIENT, "README.md"), "utf8");
  const code = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? "").find((each) => each.includes(exporting));
  if (code === undefined) throw new Error("the README has the example");
  const absolute = code.replace(
    /from "(\.[^"]+)"/g,
    (_, relative: string) => `from "${pathToFileURL(path.resolve(CLIENT, relative)).href}"`,
  );
  const file = path.join(folder, "example.ts");
  await writeFile(file, absolute);
  return (await import(pathToFileURL(file).href)) as Example;
}

const seed = new Uint8Array(32).fill(1);
const alice = accountFromSeed(seed)?.id as AccountId;
const bob = accountFromSeed(new Uint8Array(32).fill(2))?.id as AccountId;
const carol = accountFromSeed(new Uint8Array(32).fill(3)) as Account;

t.test("C1 C6: the README's example: pays under seal, and stops at a node of another chain or without a key", async (t) => {
  const { paySealed } = await loadExample<SealedExample>(t, { exporting: "paySealed" });
  const node = createFakeNode({ accounts: [alice, bob] });
  const given = { baseUrl: "http://node.test", chainId: chainIdOf(node.genesis), seed, to: bob, amount: 250n, fetch: node.fetch };
  for (const round of [1, 2]) {
    t.match(await paySealed(given), { type: "executed", status: { code: 0, codeName: "ok", operationCodes: [0], lane: "sealed" } });
    t.equal(node.ledger.feeBalanceOf(bob), 10_000n + 250n * BigInt(round));
    t.equal(node.ledger.feeBalanceOf(alice), 10_000n - (250n + 13n) * BigInt(round));
  }
  t.equal(await paySealed({ ...given, chainId: "11".repeat(32) as ChainId }), "this node runs another chain");
  const young = createFakeNode({ accounts: [alice, bob], isGenerating: true });
  t.equal(await paySealed({ ...given, fetch: young.fetch }), "the validators make their key: 2 of 4 deals");
});

t.test("C7: the README's bundle: pays both and the builder, or nobody; stops at a node that is no builder's", async (t) => {
  const { payBoth } = await loadExample<BundleExample>(t, { exporting: "payBoth" });
  const node = createFakeNode({ accounts: [alice, bob, carol.id], builder: carol });
  const balances = () => [alice, bob, carol.id].map((id) => node.ledger.feeBalanceOf(id));
  const [, , bonded = 0n] = balances();
  const given = {
    ...{ builderUrl: "http://builder.test", chainId: chainIdOf(node.genesis), seed, fetch: node.fetch },
    ...{ first: bob, second: bob, amount: 250n, tip: 40n },
  };
  t.match(await payBoth(given), { type: "included", status: { group: 0 } });
  const fees = 7n + 9n;
  t.strictSame(balances(), [10_000n - 500n - 40n - fees, 10_500n, bonded + 40n + fees]);
  const after = balances();
  // The first payment alone could be made.
  t.match(await payBoth({ ...given, amount: 6_000n }), { type: "notIncluded", reason: { type: "simulationFailed", position: 1 } });
  t.strictSame(balances(), after, "nobody was paid or charged");
  t.equal(await payBoth({ ...given, tip: 2n ** 128n }), "cannot be signed: an amount or a fee is out of range");
  const plain = createFakeNode({ accounts: [alice, bob] });
  const elsewhere = { ...given, chainId: chainIdOf(plain.genesis), fetch: plain.fetch };
  t.equal(await payBoth(elsewhere), "this node is no builder's");
  t.equal(await payBoth({ ...given, fetch: plain.fetch }), "this node runs another chain");
});
