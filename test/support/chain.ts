/** Names that many tests share: a chain id and opaque payloads. */

import { sha256 } from "../../crypto/hashes.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import type { ChainId } from "../../types/ids.ts";

export const CHAIN_ID = toHex<ChainId>(sha256(asciiBytes("test chain")));
export const payloadOf = (text: string): Uint8Array => asciiBytes(text);
