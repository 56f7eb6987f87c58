/** Reading the chain: blocks, certificates, accounts with proofs, genesis. */

import type { Hono } from "hono";
import { hashTransaction } from "../../crypto/hashes.ts";
import { TRANSACTION_KINDS, type TransactionReceipt } from "../../types/application.ts";
import type { Block } from "../../types/block.ts";
import { toHex } from "../../types/bytes.ts";
import { type BlockHash, Height, parseHash, ValidatorIndex } from "../../types/ids.ts";
import { SEALING_SUITES } from "../../types/sealing.ts";
import { Signers } from "../../types/validator_set.ts";
import { type Certificate, certificateCodec } from "../../types/vote.ts";
import { genesisToJson } from "../genesis_file.ts";
import type { NodeCore, StoredBlock } from "./core.ts";
import { badRequest, failureResponse, notFound } from "./errors.ts";
import { openingJson } from "./sealing.ts";

/** Blocks in one listing. */
export const LIST_BLOCKS_MAX = 1_000;
/** Blocks decoded before the event loop gets its turn. */
const LIST_SLICE = 16;

export function addChainRoutes(app: Hono, core: NodeCore): void {
  app.get("/v1/genesis", (context) => context.json({ chainId: core.chainId, genesis: genesisToJson(core.genesis) }));

  app.get("/v1/blocks", async (context) => {
    const from = heightOf(context.req.query("from") ?? "1");
    const count = heightOf(context.req.query("count") ?? "100");
    if (from === undefined || count === undefined || count < 1 || count > LIST_BLOCKS_MAX) {
      return failureResponse(badRequest(`from must be a height and count from 1 to ${LIST_BLOCKS_MAX}`, "for example ?from=1&count=100"));
    }
    return context.json({ blocks: await listBlocks(core, from, count) });
  });

  app.get("/v1/blocks/:heightOrHash", (context) => {
    const name = context.req.param("heightOrHash");
    const hash = parseHash<BlockHash>(name);
    const height = hash === undefined ? heightOf(name) : core.heightOf(hash);
    if (hash === undefined && height === undefined) {
      return failureResponse(
        badRequest(`"${name.slice(0, 80)}" is neither a height nor a block hash`, "give a decimal height or 64 lower-case hex digits"),
      );
    }
    const stored = height === undefined ? undefined : core.blockAt(height);
    return stored === undefined ? failureResponse(missingBlock(name, core)) : context.json(blockJson(stored, core));
  });

  app.get("/v1/certificates/:height", (context) => {
    const name = context.req.param("height");
    const height = heightOf(name);
    if (height === undefined) return failureResponse(badRequest(`"${name.slice(0, 80)}" is no height`, "give a decimal height"));
    const stored = core.blockAt(height);
    if (stored === undefined) return failureResponse(missingBlock(name, core));
    const { blockHash, block, finality } = stored;
    return context.json({ certificate: certificateJson(finality.certificate), blockHash, header: block.header });
  });

  app.get("/v1/accounts/:id", (context) => {
    const account = parseHash(context.req.param("id"));
    const asset = heightOf(context.req.query("asset") ?? "0");
    if (account === undefined || asset === undefined || asset > 2 ** 32 - 1) {
      return failureResponse(
        badRequest("an account is 64 lower-case hex digits, an asset a number below 2^32", "for example /v1/accounts/<key>?asset=0"),
      );
    }
    const answer = core.account({ account, asset });
    if (answer.ok) return context.json(answer.account);
    return failureResponse(notFound("this chain's application has no accounts", "ask a chain that runs the ledger"));
  });
}

async function listBlocks(core: NodeCore, from: Height, count: number): Promise<Readonly<Record<string, unknown>>[]> {
  const blocks: Readonly<Record<string, unknown>>[] = [];
  for (let offset = 0; offset < count; offset++) {
    const stored = from + offset === 0 ? undefined : core.blockAt(Height.plus(from, offset));
    if (stored === undefined && from + offset > 0) break;
    if (stored !== undefined) blocks.push(summaryJson(stored, core));
    if (offset % LIST_SLICE === LIST_SLICE - 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return blocks;
}

function summaryJson(stored: StoredBlock, core: NodeCore): Readonly<Record<string, unknown>> {
  const { blockHash, block, operation } = stored;
  const { height, view, transactionCount, sealedCount, timeMs, proposer } = block.header;
  const keygenCount = core.genesis.parameters.sealingSuite === SEALING_SUITES.none ? 0 : block.transactions.filter(isKeygen).length;
  const bundleTransactions = operation?.bundleReceipts.length;
  const counts = { transactionCount, sealedCount, sealedFailed: sealedFailedOf(stored, core), keygenCount, bundleTransactions };
  return { ...builtJson(block), height, hash: blockHash, view, stateRoot: operation?.stateRoot, ...counts, timeMs, proposer };
}

const isKeygen = (transaction: Uint8Array): boolean => transaction[0] === TRANSACTION_KINDS.keygen;

/** Sealed transactions of the block that paid and had no content that could run; undefined until it is executed. */
function sealedFailedOf({ block, operation }: StoredBlock, core: NodeCore): number | undefined {
  return operation?.receipts.slice(0, block.header.sealedCount).filter(({ code }) => core.isFailedContent(code)).length;
}

function blockJson({ blockHash, block, operation }: StoredBlock, core: NodeCore): Readonly<Record<string, unknown>> {
  const { sealedCount } = block.header;
  const receiptJson = (receipt: TransactionReceipt) => ({
    ...receipt,
    codeName: core.describeCode(receipt.code),
    operationCodeNames: receipt.operationCodes.map((each) => core.describeCode(each)),
  });
  return {
    ...block.header,
    hash: blockHash,
    ...builtJson(block),
    transactions: block.transactions.map(hashTransaction),
    stateRoot: operation?.stateRoot,
    openings: operation?.openings.map(openingJson),
    receipts: operation?.receipts.map((receipt, index) => ({ ...receiptJson(receipt), ...placeIn({ sealedCount, index }) })),
    bundleReceipts: operation?.bundleReceipts.map((receipt, position) => ({ ...receiptJson(receipt), lane: "bundle", position })),
  };
}

/** Who built everything but the sealed lane, null being the proposer, and what it promised for that. */
function builtJson({ bid }: Block): Readonly<Record<string, unknown>> {
  if (bid === undefined) return { builder: null, paid: "0" };
  return { builder: bid.builder, paid: bid.value.toString() };
}

/** Of a transaction of the block itself. */
function placeIn({ sealedCount, index }: { readonly sealedCount: number; readonly index: number }) {
  return index < sealedCount ? { lane: "sealed", position: index } : { lane: "open", position: index - sealedCount };
}

function certificateJson(certificate: Certificate): Readonly<Record<string, unknown>> {
  return {
    hex: toHex(certificateCodec.encode(certificate)),
    ballot: certificate.ballot,
    signers: Signers.indices(certificate.signers).map((index) => ValidatorIndex.of(index)),
    signature: toHex(certificate.signature),
  };
}

function missingBlock(name: string, core: NodeCore) {
  const { finalHeight } = core.replica;
  const range = finalHeight === 0 ? "nothing is final yet" : `this node holds heights ${core.oldestHeight} to ${finalHeight}`;
  return notFound(`no final block ${name.slice(0, 80)}: ${range}`, "ask for a height in that range, or another node");
}

function heightOf(text: string): Height | undefined {
  return /^(0|[1-9][0-9]{0,14})$/.test(text) ? Height.of(Number(text)) : undefined;
}
