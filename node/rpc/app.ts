/** The RPC as one function from request to response: routes, the bound on requests under way, and the shape of every error. */

import { Hono } from "hono";
import { addBuilderRoutes } from "./bundles.ts";
import { addChainRoutes } from "./chain.ts";
import type { NodeCore } from "./core.ts";
import { busy, failureResponse, notFound } from "./errors.ts";
import { addSealingRoute } from "./sealing.ts";
import { addStatusRoute } from "./status.ts";
import { addTransactionRoutes } from "./transactions.ts";

export interface RpcAppOptions {
  readonly core: NodeCore;
  /** Requests under way at once, waits for finality included. */
  readonly requestsMax: number;
  /** Told about failures that are our own fault; the client sees only "internal". */
  readonly onError: (error: unknown) => void;
}

export function createRpcApp(options: RpcAppOptions): Hono {
  const { core, requestsMax } = options;
  const app = new Hono();
  let requests = 0;

  app.use(async (_context, next) => {
    if (requests >= requestsMax) return failureResponse(busy(`${requests} requests are under way already`));
    requests += 1;
    try {
      await next();
    } finally {
      requests -= 1;
    }
    return undefined;
  });
  addTransactionRoutes(app, core);
  addStatusRoute(app, core);
  addSealingRoute(app, core);
  addChainRoutes(app, core);
  addBuilderRoutes(app, core);
  const served = core.builder === undefined ? PATHS : [...PATHS, ...BUILDER_PATHS];
  app.notFound((context) => {
    const { method, path } = context.req;
    return failureResponse(notFound(`nothing answers ${method} ${path.slice(0, 80)}`, `see ${served.join(", ")}`));
  });
  app.onError((error) => {
    options.onError(error);
    const advice = "this is a fault of the node: ask another validator and tell this one's operator";
    return failureResponse({ status: 500, code: "internal", message: "the node failed to answer", canRetry: true, advice });
  });
  return app;
}

const PATHS = ["status", "transactions", "blocks", "certificates", "accounts", "sealing", "genesis"].map((name) => `/v1/${name}`);
/** Of a builder's node only. */
const BUILDER_PATHS = ["/v1/bundles", "/v1/builder"];
