/** A transaction in two final blocks is named with both heights; other surplus is somebody else's. */

import t from "tap";
import { requireNoneRepeated } from "../../testnet/repeated.ts";
import type { RpcClient } from "../../testnet/rpc_client.ts";

const clientOf = (blocks: Readonly<Record<number, readonly string[]>>): RpcClient =>
  ({
    get: async (_base: string, path: string) => {
      const transactions = blocks[Number(path.split("/").at(-1))];
      return { status: transactions === undefined ? 404 : 200, text: JSON.stringify({ transactions }) };
    },
  }) as unknown as RpcClient;

t.test("requireNoneRepeated: twice in the chain, a safety failure that names both heights; all different, silent", async (t) => {
  await requireNoneRepeated(clientOf({ 1: ["aa"], 2: [], 3: ["bb", "cc"] }), "", 3);
  await t.rejects(requireNoneRepeated(clientOf({ 1: ["aa"], 2: ["bb"], 3: ["cc", "aa"] }), "", 3), {
    message: /transaction aa is final at height 1 and again at height 3/,
    exitCode: 129,
  });
  const many = ["a", "b", "c", "d", "e", "f", "g"];
  await t.rejects(requireNoneRepeated(clientOf({ 1: many, 2: many }), "", 2), { message: /and 2 more$/ });
});
