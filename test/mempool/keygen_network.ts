/** A chain of nothing but key generation messages, for tests: validators that are fed the same final blocks, and dealers and answers that cheat. */

import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { sha256 } from "../../crypto/hashes.ts";
import { createKeygen } from "../../mempool/keygen.ts";
import type { Keygen, KeygenOptions, KeygenResharing, KeygenSelf, KeygenVerdict } from "../../mempool/keygen_interface.ts";
import { createKeygenSession } from "../../mempool/keygen_session.ts";
import { assert } from "../../types/assert.ts";
import { asciiBytes, bytesEqual, concatBytes, toHex } from "../../types/bytes.ts";
import { type ChainId, Epoch, Height, TimestampMs, ValidatorIndex, type ValidatorSetHash } from "../../types/ids.ts";
import {
  type KeyComplaint,
  type KeygenBody,
  type KeygenMessage,
  keygenSigningBytes,
  type SignedKeygenMessage,
  signedKeygenMessageCodec,
} from "../../types/keygen.ts";
import type { KeyDeal, SealingKey, SealingSuite } from "../../types/sealing.ts";
import type { SigningDomain } from "../../types/signing.ts";

export const WINDOW_MS = 1_000;
export const BLOCK_MS = 100;

export const DOMAIN: SigningDomain = {
  chainId: "11".repeat(32) as ChainId,
  epoch: Epoch.of(3),
  validatorSetHash: "22".repeat(32) as ValidatorSetHash,
};

/** Secrets of one person, by name: "a0", "b3". */
export interface Person {
  readonly ed25519Seed: Uint8Array;
  readonly ed25519PublicKey: string;
  readonly sealingSecretKey: Uint8Array;
  readonly sealingPublicKey: Uint8Array;
}

export function personOf(suite: SealingSuite, name: string): Person {
  const ed25519Seed = sha256(asciiBytes(name));
  const sealingSecretKey = suite.deriveSecretKey(sha256(ed25519Seed));
  return {
    ed25519Seed,
    ed25519PublicKey: toHex(ed25519PublicKeyOf(ed25519Seed)),
    sealingSecretKey,
    sealingPublicKey: suite.publicKeyOf(sealingSecretKey),
  };
}

export const thresholdOf = (count: number): number => count - Math.floor((count - 1) / 3);

export interface HolderOf {
  readonly person: Person;
  readonly secretShare: Uint8Array;
}

export interface NetworkOptions {
  readonly suite: SealingSuite;
  readonly count: number;
  /** First letter of the names. */
  readonly family?: string;
  readonly domain?: SigningDomain;
  readonly resharing?: { readonly previousKey: SealingKey; readonly holders: readonly HolderOf[] };
}

export type KeygenNetwork = ReturnType<typeof createNetwork>;

/** `keygens[i]` is validator i's machine; `observer` has no part of its own; `leavers[i]` is holder i of a resharing. */
export function createNetwork({ suite, count, family = "a", domain = DOMAIN, resharing }: NetworkOptions) {
  const people = Array.from({ length: count }, (_, index) => personOf(suite, `${family}${index}`));
  const options: KeygenOptions = {
    suite,
    verify: verifyEd25519,
    domain,
    validators: people,
    threshold: thresholdOf(count),
    windowMs: WINDOW_MS,
    resharing:
      resharing && ({ previousKey: resharing.previousKey, holders: resharing.holders.map(({ person }) => person) } as KeygenResharing),
    self: undefined,
  };
  const session = createKeygenSession(options);
  const signWith =
    ({ ed25519Seed }: Person) =>
    (message: Uint8Array): Uint8Array =>
      signEd25519(ed25519Seed, message);
  const selfOf = (index: number): KeygenSelf => {
    const person = people[index] as Person;
    return { index: ValidatorIndex.of(index), sealingSecretKey: person.sealingSecretKey, sign: signWith(person), holder: undefined };
  };
  const createValidator = (index: number): Keygen => createKeygen({ ...options, self: selfOf(index) });
  const createLeaver = (index: number): Keygen => {
    const holderAt = resharing?.holders[index];
    assert(holderAt !== undefined, "a leaver is a holder");
    const { person, secretShare } = holderAt;
    const holder = { index: ValidatorIndex.of(index), secretShare };
    return createKeygen({
      ...options,
      self: { index: undefined, sealingSecretKey: person.sealingSecretKey, sign: signWith(person), holder },
    });
  };

  const keygens = people.map((_, index) => createValidator(index));
  const leavers = (resharing?.holders ?? []).map((_, index) => createLeaver(index));
  const observer = createKeygen(options);
  const blocks: Parameters<Keygen["apply"]>[0][] = [];

  /** Signs whatever is asked: `changes` may lie about chain, epoch, round, index. */
  function messageOf(author: number, body: KeygenBody, changes: Partial<KeygenMessage> = {}): SignedKeygenMessage {
    const { chainId, epoch } = domain;
    const round = observer.status.round;
    const validator = ValidatorIndex.of(author);
    const message = { chainId, epoch, previousKeyId: session.previousKeyId, round, validator, body, ...changes };
    const person = body.kind === "deal" && resharing !== undefined ? resharing.holders[author]?.person : people[author];
    return { message, signature: signWith(person as Person)(keygenSigningBytes(domain, message)) };
  }

  /** A deal that proves itself, dealt to other keys than the `victims` have: their shares are rubbish. */
  function cheatingDeal(
    dealer: number,
    victims: readonly number[],
    changes: { readonly threshold?: number; readonly constant?: Uint8Array } = {},
  ): KeyDeal {
    const recipients = session.recipients.map((key, index) => (victims.includes(index) ? personOf(suite, "nobody").sealingPublicKey : key));
    return suite.deal({
      seed: (people[dealer] as Person).sealingSecretKey,
      constant: changes.constant,
      threshold: changes.threshold ?? options.threshold,
      recipients,
      context: session.contextOf({ round: observer.status.round, validator: ValidatorIndex.of(dealer) }),
    });
  }

  function complaintAbout(recipient: number, dealer: number, deal: KeyDeal): KeyComplaint {
    const context = session.contextOf({ round: observer.status.round, validator: ValidatorIndex.of(dealer) });
    const secretKey = (people[recipient] as Person).sealingSecretKey;
    return {
      dealer: ValidatorIndex.of(dealer),
      disclosure: suite.discloseShare({ deal, recipient: ValidatorIndex.of(recipient), secretKey, context }),
    };
  }

  /** The next block, to the observer and all machines but those that are away. What was ordered went over the wire. */
  function block(
    messages: readonly SignedKeygenMessage[],
    { away = [] as readonly Keygen[], afterMs = BLOCK_MS } = {},
  ): readonly KeygenVerdict[] {
    const last = blocks.at(-1);
    const next = {
      height: Height.of((last?.height ?? 0) + 1),
      timeMs: TimestampMs.of((last?.timeMs ?? 1_700_000_000_000) + afterMs),
      messages: messages.map(overTheWire),
    };
    blocks.push(next);
    for (const keygen of [...keygens, ...leavers]) if (!away.includes(keygen)) keygen.apply(next);
    return observer.apply(next);
  }

  return {
    suite,
    people,
    options,
    session,
    signWith,
    keygens,
    leavers,
    observer,
    blocks,
    createValidator,
    createLeaver,
    messageOf,
    cheatingDeal,
    complaintAbout,
    block,
  };
}

export function overTheWire(message: SignedKeygenMessage): SignedKeygenMessage {
  const decoded = signedKeygenMessageCodec.decode(signedKeygenMessageCodec.encode(message));
  assert(decoded.ok, "a message that was encoded decodes");
  return decoded.value;
}

/** What the machines of `who` have due, in their order. */
export function dueOf(who: readonly Keygen[]): SignedKeygenMessage[] {
  return who.flatMap((keygen) => keygen.due()?.message ?? []);
}

/** Blocks with everything that the machines of `who` have due, until the key is live; at most `blocksMax`. */
export function runUntilLive(network: KeygenNetwork, who: readonly Keygen[], blocksMax = 60): boolean {
  const away = [...network.keygens, ...network.leavers].filter((keygen) => !who.includes(keygen));
  for (let count = 0; count < blocksMax && network.observer.live === undefined; count++) network.block(dueOf(who), { away });
  return network.observer.live !== undefined;
}

/** Do the shares of exactly these validators open what is sealed to the key? */
export function doesOpen(
  suite: SealingSuite,
  key: SealingKey,
  holders: readonly { readonly validator: number; readonly secretShare: Uint8Array | undefined }[],
): boolean {
  const [label, message] = [asciiBytes("label"), new Uint8Array(256).fill(7)];
  const sealed = suite.seal({ publicKey: key.publicKey, label, message, randomness: concatBytes([sha256(label), sha256(message)]) });
  return doSharesOpen(suite, key, { label, sealed, message, holders });
}

export function doSharesOpen(
  suite: SealingSuite,
  { publicKey }: SealingKey,
  given: {
    readonly label: Uint8Array;
    readonly sealed: Uint8Array;
    readonly message: Uint8Array;
    readonly holders: readonly { readonly validator: number; readonly secretShare: Uint8Array | undefined }[];
  },
): boolean {
  const { label, sealed, message, holders } = given;
  const shares = holders.map(({ validator, secretShare }) => {
    assert(secretShare !== undefined, "who opens has a share");
    return { validator: ValidatorIndex.of(validator), share: suite.shareOf(secretShare, sealed) };
  });
  const seed = suite.combine({ shares, label, sealed });
  if (seed === undefined || !suite.isSeedOf({ publicKey, label, sealed, seed })) return false;
  const opened = suite.open({ publicKey, label, sealed, seed });
  return opened.ok && bytesEqual(opened.message, message);
}
