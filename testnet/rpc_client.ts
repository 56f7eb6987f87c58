/** Keep-alive HTTP to validators, with a deadline on every call. node:http, because it costs half the CPU of fetch on Node and
 *  the same on Deno (measured), and the load generator shares the cores with the validators. */

import { Agent, request } from "node:http";

export interface RpcResponse {
  readonly status: number;
  readonly text: string;
}

export interface RpcClient {
  get(base: string, path: string, deadlineMs: number): Promise<RpcResponse>;
  post(base: string, path: string, body: Uint8Array, deadlineMs: number): Promise<RpcResponse>;
  close(): void;
}

/** No answer: refused connection, reset, or the deadline. */
export class RpcUnreachable extends Error {
  override readonly name = "RpcUnreachable";
}

const CONNECTIONS_PER_VALIDATOR = 8;

export function createRpcClient(): RpcClient {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_PER_VALIDATOR, maxFreeSockets: CONNECTIONS_PER_VALIDATOR });

  function call(url: URL, method: string, body: Uint8Array | undefined, deadlineMs: number): Promise<RpcResponse> {
    return new Promise((resolve, reject) => {
      const unreachable = (cause: Error): void => reject(new RpcUnreachable(`${method} ${url.href}: ${cause.message}`, { cause }));
      const headers = body === undefined ? {} : { "content-type": "application/octet-stream", "content-length": String(body.length) };
      const outgoing = request(url, { method, agent, headers, signal: AbortSignal.timeout(deadlineMs) }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
        incoming.on("error", unreachable);
      });
      outgoing.on("error", unreachable);
      outgoing.end(body);
    });
  }

  return {
    get: (base, path, deadlineMs) => call(new URL(path, base), "GET", undefined, deadlineMs),
    post: (base, path, body, deadlineMs) => call(new URL(path, base), "POST", body, deadlineMs),
    close: () => agent.destroy(),
  };
}
