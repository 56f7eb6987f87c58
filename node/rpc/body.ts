/** Reads a request's body up to a bound, without ever holding more than the bound plus one piece of the stream. */

import type { Context } from "hono";
import { concatBytes } from "../../types/bytes.ts";
import { badRequest, failureResponse, tooLarge } from "./errors.ts";

/** The body, or the response that refuses it. */
export async function bodyOf(context: Context, bytesMax: number): Promise<Uint8Array | Response> {
  const declared = context.req.header("content-length");
  if (declared !== undefined) {
    if (Number(declared) > bytesMax) return failureResponse(tooLarge(bytesMax));
    // The server holds the client to the declared length.
    return new Uint8Array(await context.req.arrayBuffer());
  }
  const stream = context.req.raw.body;
  if (stream === null) return failureResponse(badRequest("the body is empty", "send the transaction in the body"));
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stream) {
    bytes += part.length;
    if (bytes > bytesMax) return failureResponse(tooLarge(bytesMax));
    parts.push(part);
  }
  return concatBytes(parts);
}
