/** Key generation without a dealer, on chain, and resharing of a key to other holders. A state machine that reads nothing but final blocks, in
 *  order: every validator and observer comes to the same state. It never learns x, and never asks who relayed a message or who checked it.
 *
 *  G1 what counts depends on the chain alone: known validator, this session, round and phase, one deal and one answer each, the first in chain order,
 *     signature right (checked here too: a leader may order what nobody checked), deal good, complaint judged. Phases move at the end of a block, by its time.
 *  G2 dealing ends when every dealer that is not barred has dealt, or when enough have and the window since the first deal has passed.
 *  G3 answering ends when every validator has answered, or when n − f have and the window has passed. Without n − f holders the key could open nothing.
 *  G4 a dealer that signs a bad deal, or against whom a complaint is proven, is barred for the session. A complaint that proves nothing ends the
 *     reading of its message and harms nobody.
 *  G5 the key is made of the first deals in chain order whose dealers are not barred, as many as are needed, and is live from the next height.
 *     With fewer, a new round begins. Each lost round bars a dealer, so there are at most as many rounds as dealers.
 *  G6 a resharing counts a deal only when it deals the holder's own share (A_0 = Y_i); Y stays.
 *
 *  A validator that is away while a cheating dealer's deal is answered learns too late that it has no share (`lost`). It then is one of the f
 *  that opening can do without. */

import { keyIdOf } from "../crypto/sealing/key_id.ts";
import { assert } from "../types/assert.ts";
import { compareBytes } from "../types/bytes.ts";
import { Height, TimestampMs, type ValidatorIndex } from "../types/ids.ts";
import { type KeyComplaint, keygenSigningBytes, type SignedKeygenMessage } from "../types/keygen.ts";
import type { KeyDeal } from "../types/sealing.ts";
import {
  KEYGEN_BLOCK_MESSAGES_MAX,
  type Keygen,
  type KeygenBlock,
  type KeygenOptions,
  type KeygenStatus,
  type KeygenVerdict,
  type LiveSealingKey,
} from "./keygen_interface.ts";
import { createOwnPart, type DueMessage, type OwnPart } from "./keygen_own.ts";
import { createKeygenSession, indicesOf, type KeygenSession } from "./keygen_session.ts";
import { decodeState, encodeState, INITIAL_STATE, type KeygenState, uncaughtDeals, withIndex } from "./keygen_state.ts";

export function createKeygen(options: KeygenOptions): Keygen {
  const session = createKeygenSession(options);
  return new ChainKeygen(session, options.self === undefined ? undefined : createOwnPart(session, options.self));
}

class ChainKeygen implements Keygen {
  readonly #session: KeygenSession;
  readonly #own: OwnPart | undefined;
  #state: KeygenState = INITIAL_STATE;
  #live: LiveSealingKey | undefined;
  #height: Height | undefined;
  /** Of a live state, made when first asked for. */
  #ownShare: { readonly share: Uint8Array | undefined } | undefined;
  #encoded: { readonly state: KeygenState; readonly bytes: Uint8Array } | undefined;

  constructor(session: KeygenSession, own: OwnPart | undefined) {
    this.#session = session;
    this.#own = own;
  }

  get live(): LiveSealingKey | undefined {
    return this.#live;
  }

  get secretShare(): Uint8Array | undefined {
    if (this.#live === undefined || this.#own === undefined) return undefined;
    this.#ownShare ??= { share: this.#own.secretShareOf(this.#state) };
    return this.#ownShare.share;
  }

  get status(): KeygenStatus {
    const { options, dealerKeys, validatorKeys, dealsNeeded } = this.#session;
    const { phase, round, deals, barred, answered } = this.#state;
    const isInDeal = (index: ValidatorIndex): boolean => barred.includes(index) || deals.some(({ dealer }) => dealer === index);
    const missing = {
      dealing: () => indicesOf(dealerKeys.length, (index) => !isInDeal(index)),
      answering: () => indicesOf(validatorKeys.length, (index) => !answered.includes(index)),
      live: () => [],
    }[phase]();
    return {
      phase,
      round,
      deals: uncaughtDeals(this.#state).length,
      dealsNeeded,
      answers: answered.length,
      answersNeeded: options.threshold,
      missing,
      barred,
      ownShare: this.#ownShareStatus(),
    };
  }

  #ownShareStatus(): KeygenStatus["ownShare"] {
    if (this.#live === undefined || this.#session.options.self?.index === undefined) return "none";
    return this.secretShare === undefined ? "lost" : "held";
  }

  due(): DueMessage | undefined {
    return this.#own?.due(this.#state);
  }

  encode(): Uint8Array {
    if (this.#encoded?.state !== this.#state) this.#encoded = { state: this.#state, bytes: encodeState(this.#session, this.#state) };
    return this.#encoded.bytes.slice();
  }

  restore(bytes: Uint8Array): boolean {
    const state = decodeState(this.#session, bytes);
    if (state === undefined) return false;
    this.#state = state;
    this.#height = undefined;
    this.#ownShare = undefined;
    this.#live = state.phase === "live" ? liveKeyOf(this.#session, state) : undefined;
    return true;
  }

  apply({ height, timeMs, messages }: KeygenBlock): readonly KeygenVerdict[] {
    assert(this.#height === undefined || height > this.#height, "final blocks come in order, each once");
    this.#height = height;
    const verdicts = messages.map((message, at) => (at < KEYGEN_BLOCK_MESSAGES_MAX ? this.#take(message, timeMs) : "overLimit"));
    this.#endPhase(height, timeMs);
    return verdicts;
  }

  /** G1, cheap part. */
  check({ message }: SignedKeygenMessage): KeygenVerdict {
    const { phase, round, deals, barred, answered } = this.#state;
    const { validator, body } = message;
    const isDeal = body.kind === "deal";
    if (!this.#isOfSession(message)) return "wrongSession";
    if (phase === "live") return "wrongPhase";
    if (message.round !== round) return "wrongRound";
    if (isDeal !== (phase === "dealing")) return "wrongPhase";
    if (this.#keyOf(message) === undefined) return "unknownValidator";
    if (!isDeal) return answered.includes(validator) ? "duplicate" : "counted";
    if (barred.includes(validator)) return "barred";
    return deals.some(({ dealer }) => dealer === validator) ? "duplicate" : "counted";
  }

  signatureCheckOf({ message, signature }: SignedKeygenMessage): ReturnType<Keygen["signatureCheckOf"]> {
    const publicKey = this.#isOfSession(message) ? this.#keyOf(message) : undefined;
    if (publicKey === undefined) return undefined;
    return { publicKey, message: keygenSigningBytes(this.#session.options.domain, message), signature };
  }

  #isOfSession({ chainId, epoch, previousKeyId }: SignedKeygenMessage["message"]): boolean {
    const { domain } = this.#session.options;
    return chainId === domain.chainId && epoch === domain.epoch && previousKeyId === this.#session.previousKeyId;
  }

  #keyOf({ validator, body }: SignedKeygenMessage["message"]): Uint8Array | undefined {
    return (body.kind === "deal" ? this.#session.dealerKeys : this.#session.validatorKeys)[validator];
  }

  /** G1. */
  #take(signed: SignedKeygenMessage, timeMs: TimestampMs): KeygenVerdict {
    const verdict = this.check(signed);
    if (verdict !== "counted") return verdict;
    const signature = this.signatureCheckOf(signed);
    assert(signature !== undefined, "a message that may count has an author");
    if (!this.#session.options.verify(signature.publicKey, signature.message, signature.signature)) return "badSignature";
    const { validator, body } = signed.message;
    switch (body.kind) {
      case "deal":
        return this.#takeDeal(validator, body.deal, timeMs);
      case "ack":
        return this.#takeAnswer(validator, []);
      case "complaint":
        return this.#takeAnswer(validator, body.complaints);
    }
  }

  /** G4, G6. */
  #takeDeal(dealer: ValidatorIndex, deal: KeyDeal, timeMs: TimestampMs): KeygenVerdict {
    const state = this.#state;
    if (!this.#session.isDealGood({ round: state.round, validator: dealer }, deal)) {
      this.#state = { ...state, barred: withIndex(state.barred, dealer) };
      return "badDeal";
    }
    const windowFromMs = state.deals.length === 0 ? timeMs : state.windowFromMs;
    this.#state = { ...state, deals: [...state.deals, { dealer, deal }], windowFromMs };
    return "counted";
  }

  /** G4. */
  #takeAnswer(recipient: ValidatorIndex, complaints: readonly KeyComplaint[]): KeygenVerdict {
    let { barred } = this.#state;
    let verdict: KeygenVerdict = "counted";
    for (const complaint of complaints) {
      if (barred.includes(complaint.dealer)) continue;
      if (!this.#isProven(recipient, complaint)) {
        verdict = "groundless";
        break;
      }
      barred = withIndex(barred, complaint.dealer);
    }
    this.#state = { ...this.#state, barred, answered: withIndex(this.#state.answered, recipient) };
    return verdict;
  }

  #isProven(recipient: ValidatorIndex, { dealer, disclosure }: KeyComplaint): boolean {
    const { round, deals } = this.#state;
    const deal = deals.find((entry) => entry.dealer === dealer)?.deal;
    const recipientKey = this.#session.recipients[recipient];
    if (deal === undefined || recipientKey === undefined) return false;
    const context = this.#session.contextOf({ round, validator: dealer });
    return this.#session.options.suite.judgeDisclosure({ deal, recipient, recipientKey, disclosure, context }) === "dealerCheated";
  }

  /** At most one change of phase per block. */
  #endPhase(height: Height, timeMs: TimestampMs): void {
    const state = this.#state;
    const { options, dealerKeys, validatorKeys, dealsNeeded } = this.#session;
    const hasWindowPassed = timeMs - state.windowFromMs >= options.windowMs;
    switch (state.phase) {
      case "dealing": {
        const count = state.deals.length;
        const isComplete = count === dealerKeys.length - state.barred.length;
        if (count >= dealsNeeded && (isComplete || hasWindowPassed)) {
          this.#state = { ...state, phase: "answering", windowFromMs: timeMs };
        }
        return;
      }
      case "answering": {
        const count = state.answered.length;
        const isComplete = count === validatorKeys.length;
        if (isComplete || (count >= options.threshold && hasWindowPassed)) this.#settle(height);
        return;
      }
      case "live":
        return;
    }
  }

  /** G5. */
  #settle(height: Height): void {
    const state = this.#state;
    const { dealsNeeded } = this.#session;
    const deals = uncaughtDeals(state).slice(0, dealsNeeded);
    const rest = { windowFromMs: TimestampMs.of(0), answered: [] };
    if (deals.length < dealsNeeded) {
      this.#state = { ...state, ...rest, phase: "dealing", round: state.round + 1, deals: [] };
      assert(this.#state.round <= state.barred.length, "each lost round bars a dealer");
      return;
    }
    this.#state = { ...state, ...rest, phase: "live", deals, activationHeight: Height.next(height) };
    this.#live = liveKeyOf(this.#session, this.#state);
  }
}

function liveKeyOf({ options, previousKey, recipients }: KeygenSession, { deals, activationHeight }: KeygenState): LiveSealingKey {
  const { suite, threshold } = options;
  const { publicKey, shareKeys } = suite.combineDeals({
    deals: deals.map(({ deal }) => deal),
    dealers: deals.map(({ dealer }) => dealer),
    isResharing: previousKey !== undefined,
    recipients: recipients.length,
  });
  assert(previousKey === undefined || compareBytes(publicKey, previousKey.publicKey) === 0, "G6: Y stays");
  return {
    key: { keyId: keyIdOf({ suite: suite.suite, threshold, publicKey, shareKeys }), threshold, publicKey, shareKeys },
    activationHeight,
  };
}
