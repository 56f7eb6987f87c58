/** Our own part in a key generation: what we have to say at a given common state, and the share that is ours in the end. Everything is
 *  derived from our secret keys and the state, so that a restart says the same bytes again; nothing has to be stored. */

import { assert } from "../types/assert.ts";
import { compareBytes } from "../types/bytes.ts";
import type { ValidatorIndex } from "../types/ids.ts";
import {
  type KeygenBody,
  type KeygenMessage,
  keygenSigningBytes,
  type SignedKeygenMessage,
  signedKeygenMessageCodec,
} from "../types/keygen.ts";
import type { KeyDeal } from "../types/sealing.ts";
import type { KeygenSelf } from "./keygen_interface.ts";
import type { KeygenSession } from "./keygen_session.ts";
import type { DealEntry, KeygenState } from "./keygen_state.ts";

export interface DueMessage {
  readonly message: SignedKeygenMessage;
  readonly bytes: Uint8Array;
}

export interface OwnPart {
  due(state: KeygenState): DueMessage | undefined;
  /** x_i of a live state; undefined when we have no part or a deal that counts gave us nothing. */
  secretShareOf(state: KeygenState): Uint8Array | undefined;
}

export function createOwnPart(session: KeygenSession, self: KeygenSelf): OwnPart {
  assertKeysFit(session, self);
  const { suite, domain, threshold } = session.options;
  const { sealingSecretKey } = self;
  const dealerIndex = session.previousKey === undefined ? self.index : self.holder?.index;
  const received = new WeakMap<KeyDeal, { readonly share: Uint8Array | undefined }>();
  /** The last message that was made; a phase asks for the same one until it is final. */
  let made: { readonly round: number; readonly phase: KeygenState["phase"]; readonly due: DueMessage } | undefined;

  const contextOf = (round: number, dealer: ValidatorIndex): Uint8Array => session.contextOf({ round, validator: dealer });

  function receive(round: number, { dealer, deal }: DealEntry, recipient: ValidatorIndex): Uint8Array | undefined {
    let known = received.get(deal);
    if (known === undefined) {
      const context = contextOf(round, dealer);
      known = { share: suite.receiveShare({ deal, recipient, secretKey: sealingSecretKey, context }) };
      received.set(deal, known);
    }
    return known.share;
  }

  function dealBody(round: number, dealer: ValidatorIndex): KeygenBody {
    const constant = session.previousKey === undefined ? undefined : self.holder?.secretShare;
    const context = contextOf(round, dealer);
    const deal = suite.deal({ seed: sealingSecretKey, constant, threshold, recipients: session.recipients, context });
    return { kind: "deal", deal };
  }

  /** Names every deal of the round that gave us nothing, also of dealers that others caught meanwhile: the bytes stay the same. */
  function answerBody({ round, deals }: KeygenState, recipient: ValidatorIndex): KeygenBody {
    const bad = deals.filter((entry) => receive(round, entry, recipient) === undefined).sort((left, right) => left.dealer - right.dealer);
    if (bad.length === 0) return { kind: "ack" };
    const complaints = bad.map(({ dealer, deal }) => {
      const context = contextOf(round, dealer);
      return { dealer, disclosure: suite.discloseShare({ deal, recipient, secretKey: sealingSecretKey, context }) };
    });
    return { kind: "complaint", complaints };
  }

  function signed(round: number, validator: ValidatorIndex, body: KeygenBody): DueMessage {
    const { chainId, epoch } = domain;
    const message: KeygenMessage = { chainId, epoch, previousKeyId: session.previousKeyId, round, validator, body };
    const signedMessage = { message, signature: self.sign(keygenSigningBytes(domain, message)) };
    return { message: signedMessage, bytes: signedKeygenMessageCodec.encode(signedMessage) };
  }

  /** Who we are in the message that the state waits for. */
  function authorOf({ phase, deals, barred, answered }: KeygenState): ValidatorIndex | undefined {
    switch (phase) {
      case "dealing":
        return deals.some(({ dealer }) => dealer === dealerIndex) || barred.some((index) => index === dealerIndex)
          ? undefined
          : dealerIndex;
      case "answering":
        return answered.some((index) => index === self.index) ? undefined : self.index;
      case "live":
        return undefined;
    }
  }

  return {
    due(state) {
      const author = authorOf(state);
      if (author === undefined) return undefined;
      const { round, phase } = state;
      if (made?.round !== round || made.phase !== phase) {
        const body = phase === "dealing" ? dealBody(round, author) : answerBody(state, author);
        made = { round, phase, due: signed(round, author, body) };
      }
      return made.due;
    },
    secretShareOf({ round, deals }) {
      const { index } = self;
      if (index === undefined) return undefined;
      const shares: Uint8Array[] = [];
      for (const entry of deals) {
        const share = receive(round, entry, index);
        if (share === undefined) return undefined;
        shares.push(share);
      }
      const dealers = deals.map(({ dealer }) => dealer);
      return suite.combineReceived({ shares, dealers, isResharing: session.previousKey !== undefined });
    },
  };
}

/** A wrong secret would make every deal look bad, and our complaints worthless: better not to start. */
function assertKeysFit({ options, previousKey, recipients }: KeygenSession, self: KeygenSelf): void {
  const { suite } = options;
  if (self.index !== undefined) {
    const recipientKey = recipients[self.index];
    assert(recipientKey !== undefined, "we are one of the validators");
    assert(
      compareBytes(suite.publicKeyOf(self.sealingSecretKey), recipientKey) === 0,
      "our sealing key is the one that the validator set names",
    );
  }
  if (previousKey === undefined || self.holder === undefined) return;
  const shareKey = previousKey.shareKeys[self.holder.index];
  assert(shareKey !== undefined, "we are one of the holders");
  assert(
    compareBytes(suite.publicKeyOf(self.holder.secretShare), shareKey) === 0,
    "our share of the previous key is the one that it names",
  );
}
