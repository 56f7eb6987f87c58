/** The example of client/README.md, taken from its text and run against the fake node: what users copy works. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import type { FollowResult } from "../../client/follow.ts";
import type { Fetch } from "../../client/http.ts";
import { accountFromSeed } from "../../client/keys.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import type { AccountId, ChainId } from "../../types/ids.ts";
import { createFakeNode } from "./fake_node.ts";

interface Example {
  paySealed(given: {
    readonly baseUrl: string;
    readonly chainId: ChainId;
    readonly seed: Uint8Array;
    readonly to: AccountId;
    readonly amount: bigint;
    readonly fetch: Fetch;
  }): Promise<FollowResult | string>;
}

const CLIENT = path.resolve(import.meta.dirname, "../../client");

/** The imports of the example are relative to its folder; it is loaded from another one, so that the test writes nothing there. */
async function loadExample(folder: string): Promise<Example> {
  const readme = await readFile(path.join(CLIENT, "README.md"), "utf8");
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  if (code === undefined) throw new Error("the README has an example");
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

t.test("C1 C6: the README's example: pays under seal, and stops at a node of another chain or without a key", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "client-example-"));
  try {
    const { paySealed } = await loadExample(folder);
    const node = createFakeNode({ accounts: [alice, bob] });
    const given = { baseUrl: "http://node.test", chainId: chainIdOf(node.genesis), seed, to: bob, amount: 250n, fetch: node.fetch };
    for (const round of [1, 2]) {
      t.match(await paySealed(given), { type: "executed", status: { code: 0, codeName: "ok", operationCodes: [0] } });
      t.equal(node.ledger.feeBalanceOf(bob), 10_000n + 250n * BigInt(round));
      t.equal(node.ledger.feeBalanceOf(alice), 10_000n - (250n + 13n) * BigInt(round));
    }
    t.equal(await paySealed({ ...given, chainId: "11".repeat(32) as ChainId }), "this node runs another chain");
    const young = createFakeNode({ accounts: [alice, bob], isGenerating: true });
    t.equal(await paySealed({ ...given, fetch: young.fetch }), "the validators make their key: 2 of 4 deals");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
