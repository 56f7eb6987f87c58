/** R9, at the level of real processes: kill -9 at durable writes and restart; nothing is signed twice, nothing final is lost, the
 *  state root is the same.
 *
 *  A chain of one validator makes progress alone. First every durable write of a store's creation is a kill point, enumerated: each
 *  kill is followed by a start that must succeed. Then one validator lives through a kill before and after each kind of durable write
 *  of its running time, always on the same data directory, while transactions come in. Its process keeps its own
 *  append-only account of what it signed and what it acknowledged as final; that account is judged at the end. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { createBlstSuite } from "../../crypto/bls_blst.ts";
import { ed25519PublicKeyOf } from "../../crypto/ed25519_sodium.ts";
import { DEFAULT_PARAMETERS, writeGenesis } from "../../node/genesis_file.ts";
import { writeKeyFile } from "../../node/key_store.ts";
import { openFileStore } from "../../storage/file_store.ts";
import { toHex } from "../../types/bytes.ts";
import { Epoch, TimestampMs } from "../../types/ids.ts";
import { CREATION_IDENTITY } from "../support/creation_identity.ts";

const ENTRY = fileURLToPath(new URL("../support/crashing_validator.ts", import.meta.url));
const PASSPHRASE = "a test passphrase";
const RUN_MS_MAX = 30_000;
const CREATIONS_AT_ONCE = 2;

// Some seventy processes are started one after the other: seconds on a quiet machine, minutes on a busy one.
t.setTimeout(600_000);

interface Place {
  /** What the entry script gets: a configuration, or a data directory. */
  readonly target: string;
  readonly records: string;
}

/** Genesis, key file and configuration of a chain with one validator, in directories of its own. */
async function makePlace(base: string): Promise<Place> {
  mkdirSync(join(base, "records"), { recursive: true });
  const bls = createBlstSuite();
  const keys = {
    blsSecretKey: bls.deriveSecretKey(new Uint8Array(32).fill(1)),
    ed25519Seed: new Uint8Array(32).fill(2),
    nodeSeed: new Uint8Array(32).fill(3),
  };
  await writeKeyFile(join(base, "keys.json"), keys, PASSPHRASE, { cost: 10 });
  await writeGenesis(join(base, "genesis.json"), {
    name: "one",
    application: "null",
    timeMs: TimestampMs.of(1),
    epoch: Epoch.ZERO,
    parameters: { ...DEFAULT_PARAMETERS, heartbeatMs: 20 },
    validators: [
      {
        blsPublicKey: bls.publicKeyOf(keys.blsSecretKey),
        blsPossession: bls.provePossession(keys.blsSecretKey),
        sealingPublicKey: new Uint8Array(32),
        ed25519PublicKey: toHex(ed25519PublicKeyOf(keys.ed25519Seed)),
        weight: 1,
      },
    ],
    assets: [],
    balances: [],
  });
  const config = join(base, "config.json");
  const listen = ["/ip4/127.0.0.1/tcp/0"];
  writeFileSync(
    config,
    JSON.stringify({
      genesis: "genesis.json",
      keyFile: "keys.json",
      dataDirectory: "data",
      listen,
      rpc: { port: 0 },
      log: { level: "warn" },
    }),
  );
  return { target: config, records: join(base, "records") };
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly errors: string;
}

/** Starts the crashing validator on the runtime of this test. `onReady` gets its RPC address. */
function start(
  place: Place,
  kill: string,
  onReady: (rpc: string) => void,
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const runtime = process.versions.deno === undefined ? [] : ["run", "-A"];
  const child = spawn(process.execPath, [...runtime, ENTRY, place.target, place.records, kill], {
    env: { ...process.env, SEALSTONE_PASSPHRASE: PASSPHRASE },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  let output = "";
  child.stderr?.on("data", (data: Uint8Array) => {
    errors += new TextDecoder().decode(data);
  });
  child.stdout?.on("data", (data: Uint8Array) => {
    output += new TextDecoder().decode(data);
    if (!output.includes("\n")) return;
    const line = output.slice(0, output.indexOf("\n"));
    output = "";
    const ready: unknown = JSON.parse(line);
    if (typeof ready === "object" && ready !== null && "rpc" in ready) onReady(String(ready.rpc));
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(deadline);
      resolve({ code, signal, errors });
    });
  });
  return { child, ended };
}

const linesOf = (place: Place, file: string): string[] => readFileSync(join(place.records, file), "utf8").split("\n").slice(0, -1);

async function temporary(t: Test): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "sealstone-kill-"));
  t.teardown(() => rm(base, { recursive: true, force: true }));
  return base;
}

t.test("R9: kill -9 at every durable write of a store's creation, the next start opens it", { timeout: 400_000 }, async (t) => {
  const base = await temporary(t);
  const labels: string[] = [];
  const onDurableWrite = (_ordinal: number, label: string): void => void labels.push(label);
  await (await openFileStore({ directory: join(base, "whole"), identity: CREATION_IDENTITY, onDurableWrite })).close();
  let next = 0;
  async function killer(): Promise<void> {
    for (let ordinal = next++; ordinal < labels.length; ordinal = next++) {
      const directory = join(base, `${ordinal}`);
      const { signal, errors } = await start({ target: directory, records: base }, `creation:${ordinal}`, () => undefined).ended;
      if (signal !== "SIGKILL") t.fail(`${labels[ordinal]}: was not killed: ${errors}`);
      const store = await openFileStore({ directory, identity: CREATION_IDENTITY });
      if (store.recovered.records.length > 0 || store.finalHeight > 0) t.fail(`${labels[ordinal]}: is not empty`);
      await store.close();
    }
  }
  await Promise.all(Array.from({ length: CREATIONS_AT_ONCE }, killer));
  t.ok(
    labels.some((label) => label.startsWith("after rename")),
    `${labels.length} kills, each followed by a start`,
  );
});

/** Submits transactions until the process is gone, so that blocks have bodies when it is killed. */
async function keepSubmitting(rpc: string, isGone: () => boolean): Promise<number> {
  let accepted = 0;
  for (let count = 0; !isGone(); count++) {
    const body = new TextEncoder().encode(`transaction ${count} of ${performance.now()}`);
    const headers = { "content-type": "application/octet-stream" };
    // The process may be killed in the middle of an answer: that is the point of the test.
    const response = await fetch(`${rpc}/v1/transactions`, { method: "POST", body, headers }).catch(() => undefined);
    if (response?.status === 202) accepted += 1;
    await response?.arrayBuffer().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  return accepted;
}

/** The kinds of durable writes of a running validator; the files of the logs' first segments. */
const RUNNING_WRITES = [
  "append blocks",
  "sync blocks",
  "append journal",
  "sync journal",
  "append finality",
  "append operations",
  "write counter",
];
const labelOf = (phase: string, kind: string): string => `${phase} ${kind}${kind === "write counter" ? "" : "-00000001.log"}`;

t.test(
  "R9: kill -9 before and after each kind of durable write, nothing signed twice, nothing final lost, same roots",
  { timeout: 400_000 },
  async (t) => {
    const place = await makePlace(join(await temporary(t), "running"));
    let accepted = 0;
    let number = 0;
    for (const kind of RUNNING_WRITES) {
      for (const phase of ["before", "after"]) {
        // Not always the first write of its kind: the point in the life of a view varies.
        number = (number % 5) + 1;
        let isGone = false;
        const submitting: Promise<number>[] = [];
        const run = start(place, `label:${number}:${labelOf(phase, kind)}`, (rpc) => submitting.push(keepSubmitting(rpc, () => isGone)));
        const { signal, errors } = await run.ended;
        isGone = true;
        accepted += (await Promise.all(submitting)).reduce((sum, count) => sum + count, 0);
        t.equal(signal, "SIGKILL", `killed ${phase} ${kind} number ${number}${signal === "SIGKILL" ? "" : `: ${errors}`}`);
      }
    }
    const served = await serveOnce(place);
    t.ok(accepted > 0, `${accepted} transactions were accepted between the kills`);
    judgeSigned(t, linesOf(place, "signed"));
    judgeFinal(t, linesOf(place, "final"), served);
  },
);

interface ServedBlock {
  readonly height: number;
  readonly hash: string;
  readonly stateRoot: string;
  readonly transactionCount: number;
}

/** One more life without a kill: what does the node serve? It is stopped cleanly. */
async function serveOnce(place: Place): Promise<ServedBlock[]> {
  const ready = Promise.withResolvers<string>();
  const run = start(place, "", ready.resolve);
  const rpc = await Promise.race([ready.promise, run.ended.then(({ errors }) => Promise.reject(new Error(`did not start: ${errors}`)))]);
  const blocks: ServedBlock[] = [];
  for (;;) {
    const response = await fetch(`${rpc}/v1/blocks?from=${blocks.length + 1}&count=1000`);
    const page = (await response.json()) as { readonly blocks: readonly ServedBlock[] };
    blocks.push(...page.blocks);
    if (page.blocks.length < 1_000) break;
  }
  // Not `child.kill`: on Deno that reports the signal as the end of the process even when the process exits by itself.
  if (run.child.pid !== undefined) process.kill(run.child.pid, "SIGTERM");
  const { code, errors } = await run.ended;
  if (code !== 0) throw new Error(`did not stop cleanly (${code}): ${errors}`);
  return blocks;
}

/** Over all lives: one block for each kind and view, vote and commit vote agree, never a commit vote and a timeout. */
function judgeSigned(t: Test, lines: readonly string[]): void {
  const blocks = new Map<string, string>();
  let conflicts = 0;
  const note = (key: string, blockHash: string): void => {
    const earlier = blocks.get(key);
    if (earlier !== undefined && earlier !== blockHash) conflicts += 1;
    blocks.set(key, blockHash);
  };
  for (const line of lines) {
    const [kind = "", view = "", blockHash = ""] = line.split(" ");
    note(`${kind} ${view}`, blockHash);
    if (kind === "vote" || kind === "commit") note(`block ${view}`, blockHash);
    if (kind === "commit" || kind === "timeout") note(`outcome ${view}`, kind);
  }
  t.equal(conflicts, 0, `${lines.length} signatures in ${new Set(lines.map((line) => line.split(" ")[1])).size} views`);
}

/** Every acknowledgement of every life is still served, with the same state root. */
function judgeFinal(t: Test, lines: readonly string[], served: readonly ServedBlock[]): void {
  const byHeight = new Map(served.map((block) => [block.height, block]));
  const lost = lines.filter((line) => {
    const [height, blockHash, stateRoot] = line.split(" ");
    const block = byHeight.get(Number(height));
    return block?.hash !== blockHash || block?.stateRoot !== stateRoot;
  });
  t.same(lost, [], `${lines.length} acknowledged heights are all served`);
  t.ok(lines.length > RUNNING_WRITES.length, "there was something to lose");
  t.ok(
    served.some(({ transactionCount }) => transactionCount > 0),
    "and some blocks had bodies",
  );
}
