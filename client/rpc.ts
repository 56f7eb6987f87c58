/** The RPC of one node, a validator's or a builder's. Every answer is a value: what was asked for, or why not. Nothing is sent twice on its own. */

import type { AccountId, BundleId, TransactionHash } from "../types/ids.ts";
import { transactionBatchCodec } from "../types/message.ts";
import {
  type AccountStatus,
  acceptedOf,
  accountStatusOf,
  type NodeStatus,
  nodeStatusOf,
  outcomesOf,
  type SealingAnswer,
  type SubmitOutcome,
  sealingOf,
  type TransactionStatus,
  transactionStatusOf,
} from "./answers.ts";
import { acceptedBundleOf, type BuilderAnswer, type BundleStatus, builderOf, bundleStatusOf } from "./bundle_answers.ts";
import { encodeBundleRequest, type PreparedBundle } from "./bundles.ts";
import { type GenesisAnswer, genesisAnswerOf } from "./genesis.ts";
import { type Answer, type Fetch, type HttpAnswer, malformed, type RequestBody, refusalOf, request } from "./http.ts";

export interface RpcOptions {
  /** For example `http://127.0.0.1:8080`; a path in front of `/v1` is kept. */
  readonly baseUrl: string;
  /** For each request, its answer included; `waitMs` comes on top. */
  readonly deadlineMs: number;
  /** Left out: the runtime's `fetch`. */
  readonly fetch?: Fetch | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Rpc {
  /** Open or sealed, encoded. A node that refuses it answers with a failure of type "refused" and the refusal's code. */
  submit(bytes: Uint8Array, options?: CallOptions): Promise<Answer<TransactionHash>>;
  /** At least one; one outcome for each, in order. The encodings together stay below 1 MiB. */
  submitMany(transactions: readonly Uint8Array[], options?: CallOptions): Promise<Answer<readonly SubmitOutcome[]>>;
  /** With `waitMs` the node answers when the status is final, or after that time. */
  transaction(hash: TransactionHash, options?: CallOptions & { readonly waitMs?: number | undefined }): Promise<Answer<TransactionStatus>>;
  sealing(options?: CallOptions): Promise<Answer<SealingAnswer>>;
  account(query: { readonly account: AccountId; readonly asset: number }, options?: CallOptions): Promise<Answer<AccountStatus>>;
  status(options?: CallOptions): Promise<Answer<NodeStatus>>;
  /** Compare its chain id with the one that you know: it is the hash of everything in it. */
  genesis(options?: CallOptions): Promise<Answer<GenesisAnswer>>;
  /** Only a builder's node takes bundles, here and below; others refuse with the code "notFound". The answer is the bundle's own id. */
  submitBundle(bundle: PreparedBundle, options?: CallOptions): Promise<Answer<BundleId>>;
  /** Refused with the code "notFound" where the builder has never seen the bundle, or has forgotten it. */
  bundle(id: BundleId, options?: CallOptions): Promise<Answer<BundleStatus>>;
  builder(options?: CallOptions): Promise<Answer<BuilderAnswer>>;
}

export function createRpc(options: RpcOptions): Rpc {
  const { deadlineMs } = options;
  const fetchLike: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const base = options.baseUrl.replace(/\/+$/, "");

  async function call<T>(given: Call<T>): Promise<Answer<T>> {
    const { path, body, read, waitMs, signal } = given;
    const answer = await request(fetchLike, { url: `${base}/v1${path}`, body, deadlineMs: deadlineMs + waitMs, signal });
    if (!answer.ok) return answer;
    const isTaken = isSuccess(answer.value) || given.takesStatus === answer.value.httpStatus;
    const value = isTaken ? read(answer.value.json) : undefined;
    if (value !== undefined) return { ok: true, value };
    return isSuccess(answer.value)
      ? malformed(`the answer to ${path} is of another shape`)
      : { ok: false, failure: refusalOf(answer.value) };
  }

  return {
    submit: (bytes, { signal } = {}) => call({ path: "/transactions", body: octets(bytes), read: acceptedOf, waitMs: 0, signal }),
    submitMany: (transactions, { signal } = {}) => {
      const read = (json: unknown) => {
        const outcomes = outcomesOf(json);
        return outcomes?.length === transactions.length ? outcomes : undefined;
      };
      return call({ path: "/transactions/batch", body: octets(transactionBatchCodec.encode(transactions)), read, waitMs: 0, signal });
    },
    transaction: (hash, { waitMs = 0, signal } = {}) => {
      const query = waitMs > 0 ? `?waitMs=${Math.floor(waitMs)}` : "";
      return call({ path: `/transactions/${hash}${query}`, body: undefined, read: transactionStatusOf, waitMs, signal });
    },
    // While the key is being generated the node answers 503 with its state, which is an answer and no failure.
    sealing: ({ signal } = {}) => call({ path: "/sealing", body: undefined, read: sealingOf, takesStatus: 503, waitMs: 0, signal }),
    account: ({ account, asset }, { signal } = {}) =>
      call({ path: `/accounts/${account}?asset=${asset}`, body: undefined, read: accountStatusOf, waitMs: 0, signal }),
    status: ({ signal } = {}) => call({ path: "/status", body: undefined, read: nodeStatusOf, waitMs: 0, signal }),
    genesis: ({ signal } = {}) => call({ path: "/genesis", body: undefined, read: genesisAnswerOf, waitMs: 0, signal }),
    submitBundle: (bundle, { signal } = {}) => {
      const body = { contentType: "application/json", bytes: encodeBundleRequest(bundle) } as const;
      const read = (json: unknown) => (acceptedBundleOf(json) === bundle.id ? bundle.id : undefined);
      return call({ path: "/bundles", body, read, waitMs: 0, signal });
    },
    bundle: (id, { signal } = {}) =>
      call({ path: `/bundles/${id}`, body: undefined, read: (json) => bundleStatusOf(json, id), waitMs: 0, signal }),
    builder: ({ signal } = {}) => call({ path: "/builder", body: undefined, read: builderOf, waitMs: 0, signal }),
  };
}

interface Call<T> {
  readonly path: string;
  readonly body: RequestBody | undefined;
  readonly read: (json: unknown) => T | undefined;
  /** A status that is not a success and still carries an answer. */
  readonly takesStatus?: number;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

const octets = (bytes: Uint8Array): RequestBody => ({ contentType: "application/octet-stream", bytes });
const isSuccess = ({ httpStatus }: HttpAnswer): boolean => httpStatus >= 200 && httpStatus < 300;
