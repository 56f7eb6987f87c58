/** The validator's configuration file. JSON; paths inside it are relative to the file; unknown keys are mistakes.
 *  Nothing secret stands here: the passphrase of the key file comes from the environment variable named by `passphraseEnv`,
 *  or from a file named on the command line. */

import { dirname, resolve } from "node:path";
import { z } from "zod";
import { STRATEGIES, type StrategyName } from "../builder/strategies.ts";
import type { BuilderEndpoint } from "../types/builder.ts";
import { VALIDATORS_MAX } from "../types/limits.ts";
import { readJsonFile } from "./json_file.ts";

/** Configuration as the node uses it: paths absolute, defaults filled in. */
/** Views under load begin their proposal this long after they start. Where the processor is the limit, fewer and fuller views make
 *  finality sooner: on two cores with four validators at 200 transactions/s p50 fell from 55 to 34 ms. A lone transaction never waits. */
const PROPOSE_DELAY_MS_DEFAULT = 15;

export interface NodeConfig {
  readonly genesis: string;
  readonly keyFile: string;
  readonly passphraseEnv: string;
  readonly dataDirectory: string;
  /** A second copy of the store's counter, outside the data directory: shows that the whole directory was rolled back. */
  readonly counterFile: string | undefined;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly peers: readonly PeerConfig[];
  readonly rpc: { readonly host: string; readonly port: number };
  readonly log: { readonly level: LogLevel };
  /** A leader proposes no earlier than this long after its view began, so that blocks fill under load. */
  readonly proposeDelayMs: number;
  /** Follows the chain and serves RPC without signing anything. */
  readonly observer: boolean;
  /** Does this validator take bids of builders for the blocks that it proposes? */
  readonly bids: boolean;
  /** Bids for blocks in the name of the key file's account; undefined: this node is no builder's. */
  readonly builder: BuilderConfig | undefined;
  /** Threads that check transaction signatures; undefined: chosen from the number of cores. */
  readonly signatureWorkers: number | undefined;
}

export interface BuilderConfig {
  readonly strategy: StrategyName;
  /** Where searchers reach the RPC; published when the builder registers. */
  readonly endpoint: BuilderEndpoint | undefined;
}

export interface PeerConfig {
  readonly validator: number;
  readonly addresses: readonly string[];
}

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const MULTIADDR = /^\/(ip4|ip6|dns|dns4|dns6)\/[^/\s]+\/tcp\/\d{1,5}(\/(ws|wss|tls\/ws))?(\/p2p\/[1-9A-HJ-NP-Za-km-z]+)?$/;

const path = (what: string) => z.string({ error: `must be a path to ${what}` }).min(1, { error: `must be a path to ${what}` });

const multiaddr = z.string({ error: 'must be a multiaddr such as "/ip4/127.0.0.1/tcp/0"' }).regex(MULTIADDR, {
  error: 'must be a multiaddr such as "/ip4/127.0.0.1/tcp/0", "/dns4/host.example/tcp/4001" or one of these with "/ws"',
});

const integer = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys")
        return `unknown ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}; allowed here: ${Object.keys(shape).join(", ")}`;
      return `must be an object with: ${Object.keys(shape).join(", ")}`;
    },
  });

const addresses = (min: number) =>
  z
    .array(multiaddr, { error: "must be a list of multiaddrs" })
    .min(min, { error: `must list at least ${min} address` })
    .max(16, { error: "must list at most 16 addresses" });

const STRATEGY_NAMES = Object.keys(STRATEGIES) as [StrategyName, ...StrategyName[]];
const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;

const builder = strict({
  strategy: z.enum(STRATEGY_NAMES, { error: `must be one of ${STRATEGY_NAMES.join(", ")}` }).default("plain"),
  endpoint: strict({
    address: z.string({ error: "must be an IPv4 address" }).regex(IPV4, { error: "must be an IPv4 address such as 203.0.113.7" }),
    port: integer(1, 65_535),
  }).optional(),
});

export const configSchema = strict({
  genesis: path("the genesis file"),
  keyFile: path("the key file"),
  passphraseEnv: z
    .string({ error: "must be the name of an environment variable" })
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "must be the name of an environment variable (letters, digits, _)" })
    .default("SEALSTONE_PASSPHRASE"),
  dataDirectory: path("a directory of this validator's own"),
  counterFile: path("a file outside the data directory").optional(),
  listen: addresses(1),
  announce: addresses(0).default([]),
  peers: z
    .array(strict({ validator: integer(0, VALIDATORS_MAX - 1), addresses: addresses(1) }), {
      error: 'must be a list of { "validator": index, "addresses": [multiaddr] }',
    })
    .max(VALIDATORS_MAX, { error: `must list at most ${VALIDATORS_MAX} peers` })
    .default([]),
  rpc: strict({
    host: z.string({ error: "must be an address to listen on" }).min(1).default("127.0.0.1"),
    port: integer(0, 65_535),
  }),
  log: strict({ level: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(", ")}` }).default("info") }).default({
    level: "info",
  }),
  proposeDelayMs: integer(0, 10_000).default(PROPOSE_DELAY_MS_DEFAULT),
  observer: z.boolean({ error: "must be true or false" }).default(false),
  bids: z.boolean({ error: "must be true or false" }).default(true),
  builder: builder.optional(),
  signatureWorkers: integer(0, 64).optional(),
});

/** The file's content, as a tool that writes configurations produces it. */
export type ConfigFile = z.input<typeof configSchema>;

/** Reads and checks a configuration file. Throws NodeError "usage" naming every mistake by its path. */
export async function readConfig(file: string): Promise<NodeConfig> {
  const parsed = await readJsonFile(file, "configuration", configSchema);
  const base = dirname(resolve(file));
  return {
    ...parsed,
    signatureWorkers: parsed.signatureWorkers,
    // A builder follows the chain as an observer does.
    observer: parsed.observer || parsed.builder !== undefined,
    builder: parsed.builder === undefined ? undefined : { strategy: parsed.builder.strategy, endpoint: parsed.builder.endpoint },
    genesis: resolve(base, parsed.genesis),
    keyFile: resolve(base, parsed.keyFile),
    dataDirectory: resolve(base, parsed.dataDirectory),
    counterFile: parsed.counterFile === undefined ? undefined : resolve(base, parsed.counterFile),
  };
}
