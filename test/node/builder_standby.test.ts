/** Two builder processes with one key file: the first bids, the second follows the chain, and takes over when the first ends. */

import t from "tap";
import { submitAndFollow } from "../../client/follow.ts";
import { createRpc } from "../../client/rpc.ts";
import { alice, CONFIG, FOLLOW, file, jsonAt, prepare, type Ready, runWith, signed, until, writeJson } from "./builder_process_support.ts";
import { type Ended, runBuilderScript, runValidatorScript } from "./validator_script.ts";

t.setTimeout(300_000);

interface Builder {
  readonly ready: Ready;
  /** Stops it; resolves when it has ended. */
  end(): Promise<Ended>;
}

async function startBuilder(name: string): Promise<Builder> {
  const ready = Promise.withResolvers<Ready>();
  const mayEnd = Promise.withResolvers<void>();
  const ended = runWith(runBuilderScript, name, async (line) => {
    ready.resolve(line);
    await mayEnd.promise;
  });
  ended.then(({ errors }) => ready.reject(new Error(errors)), ready.reject);
  return {
    ready: await ready.promise,
    end() {
      mayEnd.resolve();
      return ended;
    },
  };
}

t.test("builder: two processes with one key file, the second is a standby that displaces nobody and takes over", async (t) => {
  await prepare(t);
  const validator = await runWith(runValidatorScript, "validator.json", async ({ rpc: url, addresses }) => {
    const rpc = createRpc({ baseUrl: url, deadlineMs: 10_000 });
    const own = { ...CONFIG, keyFile: "keys.json", peers: [{ validator: 0, addresses }], builder: { strategy: "aggressive" } };
    for (const name of ["first", "second"]) writeJson(`${name}.json`, { ...own, dataDirectory: `data_${name}` });
    const builderAt = ({ ready }: Builder) => jsonAt(`${ready.rpc}/v1/builder`) as Promise<{ links: number; bids: number }>;
    let nonce = 0;
    const untilBids = (builder: Builder) =>
      until("a bid", async () => {
        const bids = (await builderAt(builder)).bids;
        const transaction = await signed(rpc, alice, nonce++);
        t.match(await submitAndFollow(rpc, transaction, FOLLOW), { type: "executed" });
        return (await builderAt(builder)).bids > bids;
      });

    const first = await startBuilder("first.json");
    const registered = await runBuilderScript(["register", "--config", file("first.json"), "--bond", "50000", "--rpc", url]);
    t.equal(registered.code, 0, registered.errors);
    await until("the first one's link", async () => (await builderAt(first)).links === 1);
    const second = await startBuilder("second.json");
    const peersAt = async () => (await jsonAt(`${url}/v1/status`)).peers as { peer: string; builder: string; isLinked: boolean }[];
    await until("both are there", async () => (await peersAt()).length === 2);
    const before = await peersAt();
    t.equal(new Set(before.map(({ peer }) => peer)).size, 2, "each has a peer id of its own");
    t.equal(new Set(before.map(({ builder }) => builder)).size, 1);
    await untilBids(first);
    await untilBids(first);
    t.match(await builderAt(first), { links: 1 });
    t.match(await builderAt(second), { links: 0, bids: 0 });
    t.match(await jsonAt(`${second.ready.rpc}/v1/status`), { isCatchingUp: Boolean, validator: null });
    const keyOf = ({ peer, isLinked }: { peer: string; isLinked: boolean }) => `${peer} ${isLinked}`;
    t.same((await peersAt()).map(keyOf), before.map(keyOf), "nobody was displaced");
    t.equal((await first.end()).code, 0);
    await until("the second one's link", async () => (await builderAt(second)).links === 1);
    await untilBids(second);
    t.equal((await second.end()).code, 0);
  });
  t.equal(validator.code, 0, validator.errors);
});
