/** `GET /v1/sealing`: the key to seal to, with the header that names it and the commit certificate over that header, so that a client
 *  need not believe this node. 503 while the validators still make the key, with how far they are. */

import type { Hono } from "hono";
import { blockHeaderCodec } from "../../types/block.ts";
import { toHex } from "../../types/bytes.ts";
import type { Opening } from "../../types/sealing.ts";
import { certificateCodec } from "../../types/vote.ts";
import { describeKeygen, type SealingAnswer } from "../sealing_answer.ts";
import type { NodeCore } from "./core.ts";
import { failureResponse, notFound } from "./errors.ts";

export function addSealingRoute(app: Hono, core: NodeCore): void {
  app.get("/v1/sealing", (context) => {
    const answer = core.sealing();
    switch (answer.type) {
      case "off":
        return failureResponse(notFound("this chain takes no sealed transactions", "send an open transaction"));
      case "generating":
        return context.json(generatingJson(answer), 503, { "retry-after": "1" });
      case "live":
        return context.json(keyJson(answer));
      default:
        return answer satisfies never;
    }
  });
}

/** An answer and an error in one: whoever only knows errors sees one. */
function generatingJson({ detail, keygen }: Extract<SealingAnswer, { type: "generating" }>): Readonly<Record<string, unknown>> {
  const { phase, round, missing } = keygen;
  const advice = "ask again in a moment, or send an open transaction";
  const error = { code: "noSealingKey", message: detail, canRetry: true, advice };
  return { status: "generating", detail, phase, round, missing, error };
}

function keyJson(answer: Extract<SealingAnswer, { type: "live" }>): Readonly<Record<string, unknown>> {
  const { key, suite, activationHeight, header, certificate } = answer;
  return {
    status: "live",
    keyId: key.keyId,
    suite,
    threshold: key.threshold,
    publicKey: toHex(key.publicKey),
    shareKeys: key.shareKeys.map((point) => toHex(point)),
    activationHeight,
    header: toHex(blockHeaderCodec.encode(header)),
    certificate: toHex(certificateCodec.encode(certificate)),
  };
}

/** What shows a sealed transaction's content to everybody: its seed, or the proven shares that show that it has none. */
export function openingJson(opening: Opening): Readonly<Record<string, unknown>> {
  if (opening.type === "seed") return { type: "seed", seed: toHex(opening.seed) };
  const shares = opening.shares.map(({ validator, share, proof }) => ({ validator, share: toHex(share), proof: toHex(proof) }));
  return { type: "failed", shares };
}

/** The part of `/v1/status` that is about sealed transactions; null on a chain without. */
export function sealingStatusJson(core: NodeCore): Readonly<Record<string, unknown>> | null {
  const { sealing } = core.replica;
  if (sealing === undefined) return null;
  const { keygen, keyId, waiting, waitingBytes, openings } = sealing;
  const answer = core.sealing();
  const final = openings.filter(({ isFinal }) => isFinal);
  return {
    phase: keygen.phase,
    detail: answer.type === "generating" ? answer.detail : describeKeygen(keygen),
    isKeyProven: answer.type === "live",
    round: keygen.round,
    missing: keygen.missing,
    barred: keygen.barred,
    ownShare: keygen.ownShare,
    keyId,
    pool: { transactions: waiting, bytes: waitingBytes },
    unopenedBlocks: final.length,
    unopened: final.map(({ height, positionCount, openedCount, waitingFor }) => ({ height, positionCount, openedCount, waitingFor })),
    finality: core.sealedFinality,
    opening: core.opening,
  };
}
