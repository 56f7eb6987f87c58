/** A cluster of four in one object, behind the `fetch` that the client uses: real keys, a certified header, a sealing key made by dealers, and
 *  a ledger that executes one transaction in each block. A transaction is pending for one question about it, ordered for the next, then
 *  executed. With a builder it answers searchers, too. No network, no clock. */

import type { KeyProof } from "../../client/answers.ts";
import type { Fetch } from "../../client/http.ts";
import type { Account } from "../../client/keys.ts";
import { createNobleSuite } from "../../crypto/bls_noble.ts";
import { verifyEd25519 } from "../../crypto/ed25519_noble.ts";
import { chainIdOf, hashHeader, sha256, validatorSetContext } from "../../crypto/hashes.ts";
import { keyIdOf } from "../../crypto/sealing/key_id.ts";
import { createLedger, type Ledger } from "../../ledger/ledger.ts";
import { genesisToJson } from "../../node/genesis_file.ts";
import type { LanePlace } from "../../node/rpc/core.ts";
import type { ParsedTransaction, TransactionReceipt } from "../../types/application.ts";
import { type BlockHeader, blockHeaderCodec, PLAIN_BLOCK } from "../../types/block.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import type { Genesis } from "../../types/genesis.ts";
import {
  type AccountId,
  type BlockHash,
  type BodyRoot,
  Epoch,
  Height,
  type StateRoot,
  TimestampMs,
  ValidatorIndex,
  View,
} from "../../types/ids.ts";
import { transactionBatchCodec } from "../../types/message.ts";
import type { OpenResult, SealingKey } from "../../types/sealing.ts";
import { ballotSigningBytes } from "../../types/signing.ts";
import { Signers, type Validator } from "../../types/validator_set.ts";
import { type Ballot, type Certificate, certificateCodec } from "../../types/vote.ts";
import { freshKey, noble, sharesOf } from "../crypto/sealing/support.ts";
import { createFakeBuilder, type FakeBuilder } from "./fake_builder.ts";

export const FEE_ASSET = 3;
export const suite = noble.suite;
const COUNT = 4;
const bls = createNobleSuite();
const secretKeys = Array.from({ length: COUNT }, (_, index) => bls.deriveSecretKey(new Uint8Array(32).fill(40 + index)));

const validators: readonly Validator[] = secretKeys.map((secretKey, index) => ({
  blsPublicKey: bls.publicKeyOf(secretKey),
  blsPossession: new Uint8Array(96).fill(index),
  ed25519PublicKey: toHex(new Uint8Array(32).fill(60 + index)),
  sealingPublicKey: new Uint8Array(32).fill(80 + index),
  weight: 1,
}));

const sealingSecrets = freshKey(suite, COUNT);

export const sealingKey: SealingKey = {
  keyId: keyIdOf({ suite: suite.suite, ...sealingSecrets }),
  threshold: sealingSecrets.threshold,
  publicKey: sealingSecrets.publicKey,
  shareKeys: sealingSecrets.shareKeys,
};

/** `builderBondMin` 0: the chain takes no builders. */
export function genesisWith(balances: readonly AccountId[], builderBondMin = 0n): Genesis {
  return {
    name: "fake",
    application: "ledger",
    timeMs: TimestampMs.of(1_000),
    epoch: Epoch.of(2),
    parameters: {
      deltaMsMin: 50,
      deltaMsMax: 1_000,
      heartbeatMs: 1_000,
      feeAsset: FEE_ASSET,
      feePerTransaction: 5,
      feePerOperation: 2,
      sealingSuite: 1,
      keygenWindowMs: 1_000,
      builderBondMin,
    },
    validators,
    assets: [{ asset: FEE_ASSET, decimals: 2, issuer: toHex<AccountId>(sha256(asciiBytes("issuer"))) }],
    balances: balances.map((account) => ({ account, asset: FEE_ASSET, amount: 10_000n })),
  };
}

export function header(overrides: Partial<BlockHeader> = {}): BlockHeader {
  return {
    epoch: Epoch.of(2),
    height: Height.of(12),
    view: View.of(14),
    proposer: ValidatorIndex.of(0),
    parentHash: "ab".repeat(32) as BlockHash,
    parentView: View.of(13),
    timeMs: TimestampMs.of(5_000),
    bodyRoot: "cd".repeat(32) as BodyRoot,
    transactionCount: 0,
    bodyBytes: 0,
    executedHeight: Height.of(11),
    executedRoot: "ef".repeat(32) as StateRoot,
    ...PLAIN_BLOCK,
    keyId: sealingKey.keyId,
    ...overrides,
  };
}

/** A certificate over `of` by the named validators; `ballot` replaces fields of what they sign. */
export function certify(
  genesis: Genesis,
  of: BlockHeader,
  given: { readonly signers: readonly number[]; readonly ballot?: Partial<Ballot> },
): Certificate {
  const { height, view, epoch } = of;
  const ballot: Ballot = { kind: "commit", epoch, view, height, blockHash: hashHeader(of), ...given.ballot };
  const set = validatorSetContext({ epoch: genesis.epoch, validators: genesis.validators });
  const message = ballotSigningBytes({ chainId: chainIdOf(genesis), epoch: genesis.epoch, validatorSetHash: set.hash }, ballot);
  const signature = bls.aggregate(given.signers.map((index) => bls.sign(secretKeys[index] as Uint8Array, message)));
  if (signature === undefined) throw new Error("at least one signs");
  return { ballot, signers: Signers.of(given.signers.map((index) => ValidatorIndex.of(index))), signature };
}

export function keyProof(genesis: Genesis, of = header(), certificate = certify(genesis, of, { signers: [0, 2, 3] })): KeyProof {
  return {
    key: sealingKey,
    suite: suite.suite,
    activationHeight: Height.of(7),
    header: blockHeaderCodec.encode(of),
    certificate: certificateCodec.encode(certificate),
  };
}

/** What admission checks, then what t = 3 shares make of it. Throws for what a validator would have refused. */
export function openSealed(ledger: Ledger, bytes: Uint8Array): OpenResult {
  const parsed = ledger.parse(bytes);
  if (!parsed.ok || parsed.seal === undefined || parsed.signature === undefined) throw new Error("not a sealed transaction");
  const { keyId, label, sealed } = parsed.seal;
  const { publicKey } = sealingKey;
  const { signature } = parsed;
  if (keyId !== sealingKey.keyId || !suite.check({ publicKey, label, sealed })) throw new Error("the seal does not hold");
  if (!verifyEd25519(signature.publicKey, signature.message, signature.signature)) throw new Error("the signature does not hold");
  const seed = suite.combine({ shares: sharesOf(suite, sealingSecrets, sealed).slice(1), label, sealed });
  if (seed === undefined || !suite.isSeedOf({ publicKey, label, sealed, seed })) return { ok: false, reason: "badSeed" };
  return suite.open({ publicKey, label, sealed, seed });
}

interface Held {
  readonly transaction: ParsedTransaction;
  readonly opened: OpenResult | undefined;
  asked: number;
  placed: { readonly height: Height; readonly receipt: TransactionReceipt; readonly place: LanePlace } | undefined;
}

export interface FakeNode {
  readonly genesis: Genesis;
  readonly ledger: Ledger;
  /** Undefined where the node is no builder's. */
  readonly builder: FakeBuilder | undefined;
  readonly fetch: Fetch;
  /** What was asked, "METHOD /path", in order. */
  readonly asked: readonly string[];
  /** Answers the next question with this instead. */
  override(answer: () => Response | Promise<Response>): void;
}

/** `builder`: an account with a balance, whose node this is. */
export function createFakeNode(options: {
  readonly accounts: readonly AccountId[];
  readonly isGenerating?: boolean;
  readonly builder?: Account;
}): FakeNode {
  const genesis = genesisWith(options.accounts, options.builder === undefined ? 0n : 50n);
  const chainId = chainIdOf(genesis);
  const ledger = createLedger({ genesis, chainId });
  const held = new Map<string, Held>();
  const asked: string[] = [];
  const overrides: (() => Response | Promise<Response>)[] = [];
  const proposer = genesis.validators[0]?.ed25519PublicKey as AccountId;
  const builder =
    options.builder === undefined
      ? undefined
      : createFakeBuilder({
          ...{ ledger, chainId, account: options.builder, proposer },
          onExecuted: ({ transaction, ...placed }) => held.set(transaction.hash, { transaction, opened: undefined, asked: 9, placed }),
        });

  function submit(bytes: Uint8Array): Json {
    const parsed = ledger.parse(bytes);
    if (!parsed.ok) return { status: "refused", ...parsed.refusal };
    const { transaction, seal } = parsed;
    const { hash } = transaction;
    const checked = ledger.check(transaction);
    if (!checked.ok) return { hash, status: "refused", ...checked.refusal };
    held.set(hash, { transaction, opened: seal === undefined ? undefined : openSealed(ledger, bytes), asked: 0, placed: undefined });
    return { hash, status: "accepted" };
  }

  function statusOf(hash: string): Json {
    const item = held.get(hash);
    if (item === undefined) return { hash, status: "unknown" };
    item.asked += 1;
    if (item.asked === 1) return { hash, status: "pending" };
    if (item.placed === undefined) {
      const height = Height.next(ledger.height);
      const opened = item.opened === undefined ? [] : [item.opened];
      const { receipts } = ledger.execute({ height, timeMs: TimestampMs.of(1_000 + height), transactions: [item.transaction], opened });
      const lane = item.opened === undefined ? "open" : "sealed";
      item.placed = { height, receipt: receipts[0] as TransactionReceipt, place: { lane, position: 0, builder: undefined, paid: 0n } };
      return { hash, status: "ordered", height };
    }
    const { height, receipt, place } = item.placed;
    const shown = { lane: place.lane, position: place.position, builder: place.builder ?? null, paid: place.paid.toString() };
    const operationCodeNames = receipt.operationCodes.map((code) => ledger.describeCode(code));
    return { ...receipt, operationCodeNames, height, status: "final", codeName: ledger.describeCode(receipt.code), ...shown };
  }

  function sealing(): Response {
    if (options.isGenerating === true) return json({ status: "generating", detail: "2 of 4 deals" }, 503);
    const { key, header: encoded, certificate, suite: number, activationHeight } = keyProof(genesis);
    const points = { publicKey: toHex(key.publicKey), shareKeys: key.shareKeys.map((each) => toHex(each)) };
    return json({ ...key, ...points, suite: number, activationHeight, header: toHex(encoded), certificate: toHex(certificate) });
  }

  function account(id: string): Json {
    const answer = ledger.queryAccount({ account: id as AccountId, asset: FEE_ASSET });
    const record = answer.record === undefined ? null : { available: answer.record.available.toString() };
    return { account: id, asset: FEE_ASSET, record, nonces: answer.nonces ?? null };
  }

  function route(path: string, body: Uint8Array | undefined): Response {
    if (path === "/v1/genesis") return json({ chainId, genesis: genesisToJson(genesis) });
    if (path === "/v1/status") return json({ chainId, finalHeight: ledger.height, executedHeight: ledger.height, more: [1] });
    if (path === "/v1/sealing") return sealing();
    if (path.startsWith("/v1/accounts/")) return json(account(path.slice(13, 77)));
    if (path.startsWith("/v1/transactions/") && body === undefined) return json(statusOf(path.slice(17, 81)));
    if (path === "/v1/transactions" && body !== undefined) {
      const outcome = submit(body);
      return outcome.status === "accepted" ? json(outcome, 202) : json({ error: { message: "refused", ...outcome } }, 422);
    }
    const batch = path === "/v1/transactions/batch" && body !== undefined ? transactionBatchCodec.decode(body) : undefined;
    return batch?.ok === true ? json({ results: batch.value.map(submit) }) : json({ error: { code: "notFound", canRetry: false } }, 404);
  }

  return {
    genesis,
    ledger,
    builder,
    asked,
    override: (answer) => overrides.push(answer),
    fetch: async (url, init) => {
      const { pathname, search } = new URL(url);
      asked.push(`${init.method} ${pathname}${search}`);
      const answer = overrides.shift();
      if (answer !== undefined) return answer();
      const isForBuilder = pathname.startsWith("/v1/bundle") || pathname === "/v1/builder";
      return isForBuilder && builder !== undefined ? builder.answer(pathname, init) : route(pathname, init.body);
    },
  };
}

type Json = Readonly<Record<string, unknown>>;

export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
}
