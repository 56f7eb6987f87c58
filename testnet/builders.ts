/** The builders of a run: started after the first final block, registered by transactions of their own, and fed with private bundles as a searcher would
 *  feed them. Everything through the RPCs that users have. */

import type { Account } from "../client/keys.ts";
import { signOpen } from "../client/open.ts";
import { builderRegister, transfer } from "../client/operations.ts";
import { createEd25519Signer } from "../crypto/ed25519_sodium.ts";
import { chainIdOf } from "../crypto/hashes.ts";
import { assert } from "../types/assert.ts";
import { toHex } from "../types/bytes.ts";
import { type AccountId, Height } from "../types/ids.ts";
import type { Operation } from "../types/transaction.ts";
import type { Cluster, ServingBuilder } from "./cluster.ts";
import { TestnetFailure } from "./failure.ts";
import type { FundedAccount, NetworkFiles } from "./network_files.ts";
import { BUILDER_BOND, FEE_ASSET } from "./parameters.ts";
import type { RpcClient } from "./rpc_client.ts";
import { type BuilderShape, fetchBuilder } from "./rpc_shapes.ts";
import { FIRST_NONCE } from "./transactions.ts";

export interface BuildersContext {
  readonly files: NetworkFiles;
  readonly cluster: Cluster;
  readonly client: RpcClient;
  readonly finalHeight: () => number;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

export interface BundleCounters {
  readonly submitted: number;
  /** Refused, or not answered. */
  readonly refused: number;
  /** Why, with how often. */
  readonly refusals: ReadonlyMap<string, number>;
}

export interface BundleTraffic {
  start(): void;
  stop(): void;
  readonly counters: BundleCounters;
}

const READY_DEADLINE_MS = 30_000;
const READY_INTERVAL_MS = 50;
const REQUEST_DEADLINE_MS = 5_000;
const REGISTRATION_FEE_MAX = 100n;
const BUNDLE_FEE_MAX = 10n;
/** What a searcher adds to the fees of its bundle, in a transfer to the builder. */
const TIP = 20n;
/** A bundle may wait this long for a place. */
const BUNDLE_HEIGHTS = 100;
/** Bundles of one searcher follow each other within its nonce window, whatever became of those before. */
const TICK_MS = 20;

/** Starts the builders, registers them and waits until every one has links with all validators. Throws TestnetFailure "liveness". */
export async function startBuilders(context: BuildersContext): Promise<readonly ServingBuilder[]> {
  const { cluster, files, nowMs, pause } = context;
  const builders = await cluster.startBuilders();
  await Promise.all(files.builders.map((builder) => register(context, builder)));
  const untilMs = nowMs() + READY_DEADLINE_MS;
  for (;;) {
    const shapes = await Promise.all(builders.map(({ rpc }) => shapeOf(context, rpc)));
    const isReady = (shape: BuilderShape | undefined): boolean => shape?.isRegistered === true && shape.links >= cluster.size;
    if (shapes.every(isReady)) return builders;
    if (nowMs() > untilMs) {
      const lines = shapes.map(
        (shape, index) =>
          `builder ${index}: ${shape === undefined ? "no answer" : `registered ${shape.isRegistered}, ${shape.links} links`}`,
      );
      throw new TestnetFailure("liveness", [`builders are not ready within ${READY_DEADLINE_MS / 1_000} s`, ...lines].join("\n  "));
    }
    await pause(READY_INTERVAL_MS);
  }
}

/** Bids of all builders that answer. */
export async function countBids(context: Pick<BuildersContext, "cluster" | "client">): Promise<number> {
  const shapes = await Promise.all(context.cluster.builders().map(({ rpc }) => shapeOf(context, rpc)));
  return shapes.reduce((total, shape) => total + (shape?.bids ?? 0), 0);
}

async function shapeOf({ client }: Pick<BuildersContext, "client">, rpc: string): Promise<BuilderShape | undefined> {
  try {
    return await fetchBuilder(client, rpc, REQUEST_DEADLINE_MS);
  } catch {
    // It is starting, or gone; whoever waits for it has a deadline.
    return undefined;
  }
}

/** Signed natively: in the client's JavaScript a signature costs a multiple. */
const signerOf = ({ account: id, seed }: FundedAccount): Account => ({ id, sign: createEd25519Signer(seed) });

function signed(
  { files, finalHeight }: BuildersContext,
  given: { readonly account: Account; readonly nonce: number; readonly feeMax: bigint; readonly operations: readonly Operation[] },
): Uint8Array {
  const result = signOpen({
    account: given.account,
    chainId: chainIdOf(files.genesis),
    nonce: given.nonce,
    expiryHeight: Height.of(finalHeight() + BUNDLE_HEIGHTS),
    feeMax: given.feeMax,
    operations: given.operations,
  });
  assert(result.ok, "the testnet's own transactions can be encoded");
  return result.transaction.bytes;
}

async function register(context: BuildersContext, builder: FundedAccount): Promise<void> {
  const operations = [builderRegister({ feeRecipient: builder.account, bond: BUILDER_BOND })];
  const bytes = signed(context, { account: signerOf(builder), nonce: FIRST_NONCE, feeMax: REGISTRATION_FEE_MAX, operations });
  const [target] = context.cluster.serving();
  if (target === undefined) throw new TestnetFailure("liveness", "no validator is up to register a builder with");
  const { status, text } = await context.client.post(target.rpc, "/v1/transactions", bytes, REQUEST_DEADLINE_MS);
  if (status !== 202) throw new TestnetFailure("liveness", `a builder's registration was refused (${status}): ${text.slice(0, 200)}`);
}

interface Searcher {
  readonly first: Account;
  readonly second: Account;
  nonce: number;
}

/** Bundles of two transfers: the first searcher pays the second, the second pays the builder its tip. Each goes to the builders in turn. */
export function createBundleTraffic(
  context: BuildersContext,
  given: { readonly perSecond: number; readonly accounts: readonly FundedAccount[] },
): BundleTraffic {
  const { cluster, client, finalHeight, nowMs, files } = context;
  const searchers = pairsOf(given.accounts);
  let [submitted, made] = [0, 0];
  const refusals = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let startMs = 0;

  function bundleFor(searcher: Searcher, builder: AccountId): Uint8Array {
    const nonce = searcher.nonce++;
    const pay = (to: AccountId, amount: bigint): Operation => transfer({ to, asset: FEE_ASSET, amount });
    const make = (account: Account, operation: Operation): string =>
      toHex(signed(context, { account, nonce, feeMax: BUNDLE_FEE_MAX, operations: [operation] }));
    const transactions = [make(searcher.first, pay(searcher.second.id, TIP)), make(searcher.second, pay(builder, TIP))];
    const fromHeight = finalHeight() + 1;
    return new TextEncoder().encode(
      JSON.stringify({ transactions, fromHeight, toHeight: fromHeight + BUNDLE_HEIGHTS - 1, tip: TIP.toString() }),
    );
  }

  function submitOne(): void {
    const builders = cluster.builders();
    const target = builders[made % Math.max(1, builders.length)];
    const searcher = searchers[made % searchers.length];
    const account = target === undefined ? undefined : files.builders[target.builder]?.account;
    made++;
    if (target === undefined || searcher === undefined || account === undefined) return;
    submitted++;
    client.post(target.rpc, "/v1/bundles", bundleFor(searcher, account), REQUEST_DEADLINE_MS).then(
      ({ status, text }) => {
        if (status !== 202) noteRefusal(codeOf(text));
      },
      // The builder was killed: what it had not taken is lost to its searcher, who sees that and asks another one.
      () => noteRefusal("noAnswer"),
    );
  }

  function noteRefusal(code: string): void {
    refusals.set(code, (refusals.get(code) ?? 0) + 1);
  }

  return {
    start() {
      startMs = nowMs();
      timer = setInterval(() => {
        const due = Math.floor(((nowMs() - startMs) * given.perSecond) / 1_000);
        while (made < due) submitOne();
      }, TICK_MS);
    },
    stop: () => clearInterval(timer),
    get counters() {
      return { submitted, refused: [...refusals.values()].reduce((total, count) => total + count, 0), refusals };
    },
  };
}

function pairsOf(accounts: readonly FundedAccount[]): readonly Searcher[] {
  const pairs: Searcher[] = [];
  for (let index = 0; index + 1 < accounts.length; index += 2) {
    const [first, second] = [accounts[index], accounts[index + 1]];
    if (first !== undefined && second !== undefined) pairs.push({ first: signerOf(first), second: signerOf(second), nonce: FIRST_NONCE });
  }
  return pairs;
}

/** The code of an error answer; what has none is quoted. */
function codeOf(text: string): string {
  return /"code":"([A-Za-z.]{1,40})"/.exec(text)?.[1] ?? text.slice(0, 80);
}
