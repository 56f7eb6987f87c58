/** Sealed transactions as clients send them: bundles that run, bundles that fail in every way that a code names, envelopes that no validator may
 *  take, and copies. Begins when a validator without a strategy tells the key. What was sealed goes to the truths; nothing is predicted. */

import { hashTransaction, sha256 } from "../../crypto/hashes.ts";
import { concatBytes, toHex } from "../../types/bytes.ts";
import { buildEnvelope, ENVELOPE_AT, type EnvelopeFields, encodeContent, messageBytesOf } from "../../types/envelope.ts";
import { type ChainId, Height, type TransactionHash } from "../../types/ids.ts";
import type { KeyId, SealingKey, SealingSuite } from "../../types/sealing.ts";
import { TAGS } from "../../types/signing.ts";
import type { Operation } from "../../types/transaction.ts";
import type { SealedKind } from "../scenario/manifest.ts";
import type { Stream } from "../simulator/streams.ts";
import { type Actor, FEE_ASSET, feeOf, SECOND_ASSET, type Sealer } from "./genesis.ts";
import type { LyingSealer, SealingLie } from "./lying_sealer.ts";
import type { SealedTruth, SealedTruths } from "./sealed_truths.ts";
import { compose, linked, operation, send, type Traffic } from "./traffic.ts";

export interface SealingParts {
  readonly suite: SealingSuite;
  readonly liar: LyingSealer;
  readonly truths: SealedTruths;
}

export interface SealedTraffic extends SealingParts {
  /** Of the stream of sealed traffic; the courier is shared. */
  readonly traffic: Traffic;
  readonly stream: Stream;
  /** The key that seals now. */
  key: SealingKey | undefined;
  /** Lately sent, newest last: to be copied. */
  readonly recent: Uint8Array[];
}

interface Sender {
  readonly client: number;
  readonly sealer: Sealer;
  readonly atUs: number;
}

type Recipe = (sealed: SealedTraffic, key: SealingKey, sender: Sender) => void;

const RECENT_MAX = 64;
const TOO_MUCH = 10n ** 30n;
const REFUSALS_MAX = 3;
const NO_KEY = "noSealingKey";

export function sendSealed(sealed: SealedTraffic, kind: SealedKind, sender: Sender): void {
  const { key, stream } = sealed;
  if (key === undefined) return;
  if (kind === "valid") return sendBundle(sealed, key, sender);
  const recipes = kind === "failing" ? FAILING : kind === "refused" ? REFUSED : COPIED;
  stream.pick(recipes)(sealed, key, sender);
}

interface Draft {
  readonly actor: Actor;
  readonly content: readonly Operation[] | Uint8Array;
  readonly lie?: SealingLie;
  readonly gasLimit?: number;
  readonly fee?: number;
  readonly nonce?: number;
  readonly expiryHeight?: number;
  readonly chainId?: ChainId;
  readonly keyId?: KeyId;
  readonly suite?: number;
}

interface Made {
  readonly bytes: Uint8Array;
  readonly hash: TransactionHash;
  readonly expiryHeight: Height;
}

function make(sealed: SealedTraffic, key: SealingKey, draft: Draft): Made {
  const { stream, suite, liar, traffic } = sealed;
  const { actor, content } = draft;
  const count = content instanceof Uint8Array ? 1 : content.length;
  const gasLimit = draft.gasLimit ?? count + (stream.chance(0.4) ? stream.below(4) : 0);
  const lifetime = stream.chance(0.06) ? stream.between(3, 40) : stream.between(400, 900);
  const expiryHeight = Height.of(draft.expiryHeight ?? traffic.courier.finalHeight + lifetime);
  const message = content instanceof Uint8Array ? content : enlarged(encodeContent({ operations: content }), stream);
  const fields: Omit<EnvelopeFields, "suite" | "sizeClass"> = {
    chainId: draft.chainId ?? traffic.chainId,
    keyId: draft.keyId ?? key.keyId,
    sender: actor.account,
    nonce: draft.nonce ?? actor.nonce++,
    gasLimit,
    fee: draft.fee ?? feeOf(gasLimit) * stream.pick([1, 1, 1, 2, 5]) + stream.below(3),
    expiryHeight,
  };
  const { lie } = draft;
  const seal: SealingSuite["seal"] = lie === undefined ? suite.seal : (given) => liar({ ...given, lie });
  const bytes = buildEnvelope({
    fields,
    content: message,
    suite: { suite: draft.suite ?? suite.suite, seal },
    publicKey: key.publicKey,
    randomness: stream.bytes(64),
    sign: actor.sign,
    sha256,
  });
  return { bytes, hash: hashTransaction(bytes), expiryHeight };
}

/** Sometimes a larger size class than needed. */
function enlarged(message: Uint8Array, stream: Stream): Uint8Array {
  if (!stream.chance(0.1)) return message;
  const larger = new Uint8Array(2 * message.length);
  larger.set(message);
  return larger;
}

function deliver(
  sealed: SealedTraffic,
  sender: Sender,
  given: {
    readonly made: Made;
    readonly content: Extract<SealedTruth, { type: "content" }>["content"];
    readonly validator?: number;
    /** Nothing that clients do makes it right: some refusals are enough. */
    readonly isHopeless?: true;
  },
): void {
  const { made, content, validator } = given;
  const { client, atUs } = sender;
  sealed.truths.tell(made.hash, { type: "content", content });
  const patience = given.isHopeless === true ? { refusalsMax: REFUSALS_MAX } : {};
  sealed.traffic.courier.send({ client, ...made, validator, ...patience }, atUs);
  sealed.recent.push(made.bytes);
  if (sealed.recent.length > RECENT_MAX) sealed.recent.shift();
}

function sendBundle(sealed: SealedTraffic, key: SealingKey, sender: Sender): void {
  const { stream } = sealed;
  const operations = Array.from({ length: stream.chance(0.4) ? stream.between(2, 12) : 1 }, () => action(sealed, sender));
  if (operations.length > 2 && stream.chance(0.3)) operations[1] = { ...(operations[1] as Operation), amount: TOO_MUCH };
  const content = stream.chance(0.3) ? linked(operations) : operations;
  deliver(sealed, sender, { made: make(sealed, key, { actor: sender.sealer.main, content }), content });
}

/** To the client's own other accounts or a partner. */
function action({ stream, traffic }: SealedTraffic, { client, sealer }: Sender): Operation {
  const { clients, sealers } = traffic.cast;
  const partner = sealers[(client + 1) % sealers.length] ?? sealer;
  const account = stream.pick([
    partner.main === sealer.main ? sealer.wild : partner.main,
    sealer.thin,
    clients[client]?.main ?? sealer.wild,
  ]).account;
  return operation(stream.chance(0.9) ? "transfer" : "pend", {
    asset: stream.chance(0.6) || account === sealer.thin.account ? FEE_ASSET : SECOND_ASSET,
    account,
    amount: BigInt(account === sealer.thin.account ? stream.between(1, 4) : stream.between(1, 500)),
  });
}

const pay = ({ sealer }: Sender): Operation => operation("transfer", { asset: FEE_ASSET, account: sealer.main.account, amount: 1n });

/** A content of the wild account that comes to nothing for this reason. */
function spoilt(reason: "badSeed" | "badBody", lie: SealingLie): Recipe {
  return (sealed, key, sender) =>
    deliver(sealed, sender, { made: make(sealed, key, { actor: sender.sealer.wild, content: [pay(sender)], lie }), content: reason });
}

function malformed(message: (stream: Stream, sender: Sender) => Uint8Array): Recipe {
  return (sealed, key, sender) =>
    deliver(sealed, sender, {
      made: make(sealed, key, { actor: sender.sealer.wild, content: message(sealed.stream, sender) }),
      content: "contentMalformed",
    });
}

const FAILING: readonly Recipe[] = [
  spoilt("badSeed", "hidden"),
  spoilt("badSeed", "exponent"),
  spoilt("badBody", "body"),
  // Its first byte, a count, asks for more than is there.
  malformed((stream) => Uint8Array.from({ length: messageBytesOf(stream.below(3)) }, () => 0xff)),
  malformed((_stream, sender) => {
    const message = encodeContent({ operations: [pay(sender)] });
    message[message.length - 1] = 1;
    return message;
  }),
  function moreOperationsThanGas(sealed, key, sender) {
    const content = [pay(sender), pay(sender), pay(sender)];
    deliver(sealed, sender, { made: make(sealed, key, { actor: sender.sealer.wild, content, gasLimit: 2 }), content });
  },
  /** Money for one of the two: at two validators both may be taken. */
  function unpayable(sealed, key, sender) {
    const content = [operation("transfer", { asset: FEE_ASSET, account: sender.sealer.main.account, amount: 1n })];
    for (let count = 0; count < 2; count++) {
      const made = make(sealed, key, { actor: sender.sealer.thin, content, gasLimit: 1, fee: THIN_FEE });
      deliver(sealed, sender, { made, content, validator: sealed.traffic.courier.pickValidator(sender.atUs) });
    }
  },
  function oneNonceTwice(sealed, key, sender) {
    const { wild } = sender.sealer;
    const nonce = wild.nonce++;
    for (const amount of [2n, 3n]) {
      const content = [{ ...pay(sender), amount }];
      deliver(sealed, sender, {
        made: make(sealed, key, { actor: wild, content, nonce }),
        content,
        validator: sealed.traffic.courier.pickValidator(sender.atUs),
      });
    }
  },
  /** One nonce for the sealed and for the open lane. */
  function oneNonceInBothLanes(sealed, key, sender) {
    const { wild } = sender.sealer;
    const nonce = wild.nonce++;
    const content = [pay(sender)];
    deliver(sealed, sender, { made: make(sealed, key, { actor: wild, content, nonce }), content });
    const { traffic } = sealed;
    const client = traffic.cast.clients[sender.client];
    if (client !== undefined) send(traffic, client, compose(traffic, wild, [pay(sender)], { nonce }), { atUs: sender.atUs });
  },
  function usedNonce(sealed, key, sender) {
    const { wild } = sender.sealer;
    const content = [pay(sender)];
    const nonce = sealed.stream.below(Math.max(1, wild.nonce));
    deliver(sealed, sender, { made: make(sealed, key, { actor: wild, content, nonce }), content });
  },
  function nonceTooFar(sealed, key, sender) {
    const { wild } = sender.sealer;
    const content = [pay(sender)];
    deliver(sealed, sender, {
      made: make(sealed, key, { actor: wild, content, nonce: wild.nonce + 1_000_000 }),
      content,
      isHopeless: true,
    });
  },
  function atItsExpiry(sealed, key, sender) {
    const { wild } = sender.sealer;
    const content = [pay(sender)];
    const expiryHeight = Math.max(1, sealed.traffic.courier.finalHeight + 3 - sealed.stream.below(4));
    deliver(sealed, sender, { made: make(sealed, key, { actor: wild, content, expiryHeight }), content });
  },
  function feeTooLow(sealed, key, sender) {
    const { wild } = sender.sealer;
    const content = [pay(sender)];
    const made = make(sealed, key, { actor: wild, content, nonce: wild.nonce, gasLimit: 3, fee: feeOf(3) - 1 });
    deliver(sealed, sender, { made, content });
  },
  function unknownSender(sealed, key, sender) {
    const content = [pay(sender)];
    deliver(sealed, sender, { made: make(sealed, key, { actor: sender.sealer.stranger, content }), content, isHopeless: true });
  },
];

/** More than half of what a thin account may own at any time of a run. */
export const THIN_FEE = 600;

/** What one validator may see of an envelope that all must refuse. */
function refuse(sealed: SealedTraffic, sender: Sender, given: { readonly bytes: Uint8Array; readonly codes: readonly string[] }): void {
  const { bytes, codes } = given;
  sealed.truths.tell(hashTransaction(bytes), { type: "refused", codes: [...codes, NO_KEY] });
  sealed.traffic.courier.sendOnce({ client: sender.client, bytes }, sender.atUs);
}

function flawed(change: (sealed: SealedTraffic, sender: Sender) => Partial<Draft>, codes: readonly string[]): Recipe {
  return (sealed, key, sender) => {
    const { wild } = sender.sealer;
    const draft: Draft = { actor: wild, content: [pay(sender)], nonce: wild.nonce, ...change(sealed, sender) };
    refuse(sealed, sender, { bytes: make(sealed, key, draft).bytes, codes });
  };
}

/** The same envelope with some bytes changed and signed anew over its own hash. */
function resigned(bytes: Uint8Array, actor: Actor, change: (bytes: Uint8Array) => void): Uint8Array {
  const changed = bytes.slice();
  change(changed);
  changed.set(sha256(changed.subarray(ENVELOPE_AT.sealed)), ENVELOPE_AT.sealedHash);
  const label = concatBytes([TAGS.label, changed.subarray(ENVELOPE_AT.chainId, ENVELOPE_AT.sealedHash)]);
  const message = concatBytes([TAGS.envelope, label, changed.subarray(ENVELOPE_AT.sealedHash, ENVELOPE_AT.signature)]);
  changed.set(actor.sign(message), ENVELOPE_AT.signature);
  return changed;
}

function tampered(change: (bytes: Uint8Array, stream: Stream) => void, codes: readonly string[]): Recipe {
  return (sealed, key, sender) => {
    const { wild } = sender.sealer;
    const { bytes } = make(sealed, key, { actor: wild, content: [pay(sender)], nonce: wild.nonce });
    refuse(sealed, sender, { bytes: resigned(bytes, wild, (changed) => change(changed, sealed.stream)), codes });
  };
}

/** Bytes that are no envelope; the auditor finds that out by itself. */
function broken(change: (bytes: Uint8Array, stream: Stream) => Uint8Array): Recipe {
  return (sealed, key, sender) => {
    const { wild } = sender.sealer;
    const { bytes } = make(sealed, key, { actor: wild, content: [pay(sender)], nonce: wild.nonce });
    sealed.traffic.courier.sendOnce({ client: sender.client, bytes: change(bytes.slice(), sealed.stream) }, sender.atUs);
  };
}

function withFlip(bytes: Uint8Array, at: number): Uint8Array {
  bytes[at] = (bytes[at] as number) ^ 0x40;
  return bytes;
}

const REFUSED: readonly Recipe[] = [
  flawed(({ stream }) => ({ keyId: toHex<KeyId>(stream.bytes(32)) }), ["wrongSealingKey"]),
  flawed(() => ({ suite: 2 }), ["unknownSuite"]),
  flawed(({ traffic }) => ({ chainId: traffic.chainId.replace(/./g, (digit) => (digit === "f" ? "0" : "f")) as ChainId }), ["wrongChain"]),
  flawed(({ traffic }) => ({ expiryHeight: traffic.courier.finalHeight + 100_000 }), ["expiryTooFar"]),
  // Mislabelled: a clear field is another one than under the seal.
  tampered((bytes) => withFlip(bytes, ENVELOPE_AT.fee + 1), ["badSeal"]),
  tampered((bytes) => withFlip(bytes, ENVELOPE_AT.nonce + 2), ["badSeal"]),
  tampered((bytes, stream) => withFlip(bytes, ENVELOPE_AT.sealed + stream.below(bytes.length - ENVELOPE_AT.sealed)), ["badSeal"]),
  // The identity for U.
  tampered((bytes) => bytes.fill(0, ENVELOPE_AT.sealed, ENVELOPE_AT.sealed + 32), ["badSeal"]),
  broken((bytes, stream) => withFlip(bytes, ENVELOPE_AT.signature + stream.below(64))),
  broken((bytes) => withFlip(bytes, ENVELOPE_AT.fee)),
  broken((bytes, stream) => withFlip(bytes, ENVELOPE_AT.sealed + stream.below(200))),
  broken((bytes, stream) => bytes.subarray(0, stream.below(bytes.length))),
  broken((bytes) => concatBytes([bytes, new Uint8Array(1)])),
  broken((bytes) => bytes.fill(0, ENVELOPE_AT.gasLimit, ENVELOPE_AT.gasLimit + 4)),
  broken((bytes) => bytes.fill(0xff, ENVELOPE_AT.gasLimit, ENVELOPE_AT.gasLimit + 4)),
  broken((bytes) => bytes.fill(9, ENVELOPE_AT.sizeClass, ENVELOPE_AT.sizeClass + 1)),
  broken((bytes) => concatBytes([bytes, new Uint8Array(200_000)])),
];

const COPIED: readonly Recipe[] = [
  /** The same bytes, anywhere. */
  function again({ recent, stream, traffic }, _key, { client, atUs }) {
    if (recent.length > 0) traffic.courier.sendOnce({ client, bytes: stream.pick(recent) }, atUs);
  },
  /** Another's ciphertext under an envelope of one's own. */
  function stolen(sealed, key, sender) {
    const { recent, stream } = sealed;
    const { wild } = sender.sealer;
    const victim = recent.length === 0 ? undefined : stream.pick(recent);
    if (victim === undefined) return;
    const own = make(sealed, key, {
      actor: wild,
      content: new Uint8Array(messageBytesOf(victim[ENVELOPE_AT.sizeClass] as number)),
      nonce: wild.nonce,
    });
    const bytes = resigned(own.bytes, wild, (changed) => changed.set(victim.subarray(ENVELOPE_AT.sealed), ENVELOPE_AT.sealed));
    refuse(sealed, sender, { bytes, codes: ["badSeal"] });
  },
];
