/** Binds a libp2p identity to a validator's or a builder's key, once per connection, on `/sealstone/handshake/1`.
 *
 *    dialer   → listener   hello
 *    listener → dialer     hello, proof                      (or a refusal)
 *    dialer   → listener   proof                             (or a refusal)
 *    listener → dialer     verdict
 *
 *  A proof is the validator's Ed25519 signature over
 *    TAGS.handshake ‖ chain id ‖ epoch ‖ validator-set hash ‖ signer's node key ‖ verifier's node key ‖ verifier's challenge ‖
 *    validator index ‖ signer's session,
 *  the node keys being the public keys behind the two peer ids that noise has authenticated. So a proof holds for one connection
 *  between two identities only: it cannot be replayed (fresh challenge), passed on (both identities) or moved to another chain,
 *  set or validator. A builder, which is a full node, proves its account instead: under another tag, with the account in place of
 *  the index, so that neither proof passes for the other. A node that claims neither sends no proof and stays a stranger. */

import type { Stream } from "@libp2p/interface";
import { bytesEqual, concatBytes, fromHex, toHex } from "../types/bytes.ts";
import type { AccountId, ChainId, Epoch, ValidatorIndex, ValidatorSetHash } from "../types/ids.ts";
import { TAGS } from "../types/signing.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { ValidatorSetContext } from "../types/validator_set.ts";
import { createMessageReader, type MessageReader, writeMessage } from "./stream_io.ts";
import { CHALLENGE_BYTES, type HandshakeMessage, type HandshakeRefusal, type Hello, handshakeCodec } from "./wire.ts";

/** Who a peer turned out to be. */
export interface ProvenIdentity {
  /** Undefined for a full node. */
  readonly validator: ValidatorIndex | undefined;
  /** The account whose key it proved; whether that is a registered builder is another question. Undefined for a validator. */
  readonly builder: AccountId | undefined;
  /** Hex; names the run of the peer's process. */
  readonly session: string;
}

export type HandshakeOutcome =
  | { readonly ok: true; readonly identity: ProvenIdentity }
  /** `isOurs`: we refused; otherwise the peer did. */
  | { readonly ok: false; readonly refusal: HandshakeRefusal; readonly isOurs: boolean };

export interface HandshakeContext {
  readonly chainId: ChainId;
  readonly validators: ValidatorSetContext;
  readonly self: ValidatorIndex | undefined;
  readonly builder: AccountId | undefined;
  readonly session: Uint8Array;
  /** 32-byte Ed25519 public keys behind our own peer id and the remote one. */
  readonly ownNodeKey: Uint8Array;
  readonly remoteNodeKey: Uint8Array;
  readonly signHandshake: ((message: Uint8Array) => Uint8Array) | undefined;
  readonly verifyEd25519: VerifyEd25519;
  readonly randomBytes: (length: number) => Uint8Array;
  /** May the proven peer have this connection? Called once its proof holds; the answer must still be true when we register it. */
  readonly judge: (identity: ProvenIdentity) => HandshakeRefusal | undefined;
}

interface ProofParts {
  readonly chainId: ChainId;
  readonly epoch: Epoch;
  readonly validatorSetHash: ValidatorSetHash;
  readonly signer: Uint8Array;
  readonly verifier: Uint8Array;
  readonly challenge: Uint8Array;
  readonly session: Uint8Array;
}

/** What a validator's proof signs. `signer` and `verifier` are node keys. */
export function handshakeSigningBytes(parts: ProofParts & { readonly validator: ValidatorIndex }): Uint8Array {
  const index = new Uint8Array(2);
  new DataView(index.buffer).setUint16(0, parts.validator, true);
  return proofBytes(TAGS.handshake, parts, index);
}

/** What a builder's proof signs. */
export function builderHandshakeSigningBytes(parts: ProofParts & { readonly builder: AccountId }): Uint8Array {
  return proofBytes(TAGS.builderHandshake, parts, fromHex(parts.builder));
}

function proofBytes(tag: Uint8Array, parts: ProofParts, claim: Uint8Array): Uint8Array {
  const epoch = new Uint8Array(8);
  new DataView(epoch.buffer).setBigUint64(0, BigInt(parts.epoch), true);
  return concatBytes([
    tag,
    fromHex(parts.chainId),
    epoch,
    fromHex(parts.validatorSetHash),
    parts.signer,
    parts.verifier,
    parts.challenge,
    claim,
    parts.session,
  ]);
}

/** The bytes for what `hello` claims; undefined when it claims nothing. */
function claimedBytes(hello: Hello, parts: Omit<ProofParts, "session">): Uint8Array | undefined {
  const { validator, builder, session } = hello;
  if (validator !== undefined) return handshakeSigningBytes({ ...parts, session, validator });
  return builder === undefined ? undefined : builderHandshakeSigningBytes({ ...parts, session, builder });
}

/** Same chain, same epoch, same set, a place in it? */
export function judgeHello(context: HandshakeContext, remote: Hello): HandshakeRefusal | undefined {
  if (remote.chainId !== context.chainId) return "wrongChain";
  const { set, hash } = context.validators;
  if (remote.epoch !== set.epoch || remote.validatorSetHash !== hash) return "wrongValidatorSet";
  if (remote.validator === undefined) return undefined;
  return remote.validator >= set.validators.length ? "wrongProof" : undefined;
}

function proofOf(context: HandshakeContext, own: Hello, remote: Hello): Uint8Array | undefined {
  const message = claimedBytes(own, {
    chainId: own.chainId,
    epoch: own.epoch,
    validatorSetHash: own.validatorSetHash,
    signer: context.ownNodeKey,
    verifier: context.remoteNodeKey,
    challenge: remote.challenge,
  });
  return message === undefined ? undefined : context.signHandshake?.(message);
}

/** Who claims nothing has nothing to prove and must not pretend to. */
export function isProofValid(
  context: HandshakeContext,
  sides: { readonly own: Hello; readonly remote: Hello; readonly signature: Uint8Array | undefined },
): boolean {
  const { own, remote, signature } = sides;
  const message = claimedBytes(remote, {
    chainId: context.chainId,
    epoch: context.validators.set.epoch,
    validatorSetHash: context.validators.hash,
    signer: context.remoteNodeKey,
    verifier: context.ownNodeKey,
    challenge: own.challenge,
  });
  if (message === undefined) return signature === undefined;
  const isValidator = remote.validator !== undefined;
  const key = isValidator ? context.validators.set.validators[remote.validator]?.ed25519PublicKey : remote.builder;
  if (key === undefined || signature === undefined) return false;
  return context.verifyEd25519(fromHex(key), message, signature);
}

function helloOf(context: HandshakeContext): Hello {
  return {
    chainId: context.chainId,
    epoch: context.validators.set.epoch,
    validatorSetHash: context.validators.hash,
    validator: context.self,
    builder: context.builder,
    challenge: context.randomBytes(CHALLENGE_BYTES),
    session: context.session,
  };
}

/** A message of the peer, or the refusal that its absence or form amounts to. */
async function receive(reader: MessageReader, signal: AbortSignal): Promise<HandshakeMessage | undefined> {
  const bytes = await reader.next(signal);
  if (bytes === undefined) return undefined;
  const decoded = handshakeCodec.decode(bytes);
  return decoded.ok ? decoded.value : undefined;
}

const send = (stream: Stream, message: HandshakeMessage, signal: AbortSignal): Promise<void> =>
  writeMessage(stream, handshakeCodec.encode(message), signal);

const ours = (refusal: HandshakeRefusal): HandshakeOutcome => ({ ok: false, refusal, isOurs: true });
const theirs = (refusal: HandshakeRefusal): HandshakeOutcome => ({ ok: false, refusal, isOurs: false });

/** Judges hello and proof of the peer, then whether it may have the connection. */
function judgeAll(
  context: HandshakeContext,
  sides: { readonly own: Hello; readonly remote: Hello; readonly signature: Uint8Array | undefined },
): HandshakeRefusal | ProvenIdentity {
  const refusal = judgeHello(context, sides.remote);
  if (refusal !== undefined) return refusal;
  if (bytesEqual(sides.own.challenge, sides.remote.challenge)) return "wrongProof";
  if (!isProofValid(context, sides)) return "wrongProof";
  const { validator, builder } = sides.remote;
  const identity = { validator, builder, session: toHex(sides.remote.session) };
  return context.judge(identity) ?? identity;
}

/** Runs the dialer's side. Rejects when the stream breaks or `signal` aborts. */
export async function shakeHandsAsDialer(stream: Stream, context: HandshakeContext, signal: AbortSignal): Promise<HandshakeOutcome> {
  const reader = createMessageReader(stream, handshakeCodec.bytesMax);
  const own = helloOf(context);
  await send(stream, { verdict: "accepted", hello: own, signature: undefined }, signal);
  const reply = await receive(reader, signal);
  if (reply === undefined) return ours("malformed");
  if (reply.verdict !== "accepted") return theirs(reply.verdict);
  if (reply.hello === undefined) return ours("malformed");
  const judged = judgeAll(context, { own, remote: reply.hello, signature: reply.signature });
  if (typeof judged === "string") {
    await send(stream, { verdict: judged, hello: undefined, signature: undefined }, signal);
    return ours(judged);
  }
  await send(stream, { verdict: "accepted", hello: undefined, signature: proofOf(context, own, reply.hello) }, signal);
  const verdict = await receive(reader, signal);
  if (verdict === undefined) return ours("malformed");
  return verdict.verdict === "accepted" ? { ok: true, identity: judged } : theirs(verdict.verdict);
}

/** Runs the listener's side up to its verdict, which the caller sends with `sendVerdict` once it has registered the peer. */
export async function shakeHandsAsListener(stream: Stream, context: HandshakeContext, signal: AbortSignal): Promise<HandshakeOutcome> {
  const reader = createMessageReader(stream, handshakeCodec.bytesMax);
  const first = await receive(reader, signal);
  if (first?.hello === undefined || first.verdict !== "accepted" || first.signature !== undefined) return ours("malformed");
  const early = judgeHello(context, first.hello);
  if (early !== undefined) return ours(early);
  const own = helloOf(context);
  await send(stream, { verdict: "accepted", hello: own, signature: proofOf(context, own, first.hello) }, signal);
  const proof = await receive(reader, signal);
  if (proof === undefined || proof.hello !== undefined) return ours("malformed");
  if (proof.verdict !== "accepted") return theirs(proof.verdict);
  const judged = judgeAll(context, { own, remote: first.hello, signature: proof.signature });
  return typeof judged === "string" ? ours(judged) : { ok: true, identity: judged };
}

export async function sendVerdict(stream: Stream, verdict: HandshakeMessage["verdict"], signal: AbortSignal): Promise<void> {
  await send(stream, { verdict, hello: undefined, signature: undefined }, signal);
}
