/** Traffic that is meant to succeed, wholly or in part: transfers, linked chains, and pending transfers with what becomes of them.
 *  Predicts nothing: the auditor does. */

import type { AccountId } from "../../types/ids.ts";
import type { Operation } from "../../types/transaction.ts";
import type { Outcome } from "./courier.ts";
import { type Actor, type Client, FEE_ASSET, FUNDS, SECOND_ASSET } from "./genesis.ts";
import { type Composed, compose, copy, linked, operation, partnerOf, payeeOf, send, type Traffic, transferTo } from "./traffic.ts";

/** More than anybody ever owns, within the range of amounts. */
export const TOO_MUCH = 10n ** 30n;

export function sendTransfer(traffic: Traffic, client: Client, atUs: number): void {
  const count = traffic.stream.chance(0.2) ? traffic.stream.between(2, 4) : 1;
  const operations = Array.from({ length: count }, () => transferTo(traffic, payeeOf(traffic, client)));
  send(traffic, client, compose(traffic, client.main, operations), { atUs });
}

/** Chains that succeed, that fail at any place, and two chains in one transaction. */
export function sendLinked(traffic: Traffic, client: Client, atUs: number): void {
  const { stream } = traffic;
  const chains = Array.from({ length: stream.chance(0.3) ? 2 : 1 }, () => {
    const chain = Array.from({ length: stream.between(2, 5) }, () => linkable(traffic, client));
    if (stream.chance(0.5)) chain[stream.below(chain.length)] = transferTo(traffic, payeeOf(traffic, client), { amount: TOO_MUCH });
    return linked(chain);
  });
  const operations = chains.flat();
  const { nonce } = client.main;
  // Some chains resolve what they pended themselves, or pend what the failure takes back.
  const pendAt = operations.findIndex(({ kind, flags }) => kind === PEND && flags !== 0);
  const next = operations[pendAt + 1];
  if (pendAt >= 0 && next !== undefined && stream.chance(0.7)) {
    operations[pendAt + 1] = {
      ...operation("post", { account: client.main.account, reference: nonce, index: pendAt, amount: 1n }),
      flags: next.flags,
    };
  }
  send(traffic, client, compose(traffic, client.main, operations), { atUs });
}

const PEND = operation("pend").kind;

function linkable(traffic: Traffic, client: Client): Operation {
  const { stream } = traffic;
  const roll = stream.below(10);
  if (roll < 7) return transferTo(traffic, payeeOf(traffic, client));
  if (roll === 7) return operation("openAccount", { account: freshAccount(traffic), asset: stream.pick([FEE_ASSET, SECOND_ASSET]) });
  if (roll === 8) return operation("registerAsset", { asset: stream.between(1_000, 2 ** 32 - 1), amount: BigInt(stream.below(39)) });
  const amount = BigInt(stream.between(1, 500));
  return operation("pend", {
    asset: SECOND_ASSET,
    account: payeeOf(traffic, client).account,
    amount,
    reference: stream.pick([0, 300, 5_000]),
  });
}

export function freshAccount({ stream }: Traffic): AccountId {
  const word = (): string => stream.uint32().toString(16).padStart(8, "0");
  return (word() + word()).repeat(4) as AccountId;
}

/** What the parties do with a pending transfer, step by step. */
const FATES: Readonly<Record<string, readonly Step[]>> = {
  postAll: [{ by: "payee", act: "post" }],
  postPart: [{ by: "payer", act: "postPart" }],
  postTwice: [
    { by: "payee", act: "postPart" },
    { by: "payer", act: "postPart" },
  ],
  void: [{ by: "payee", act: "void" }],
  voidTwice: [
    { by: "payee", act: "void" },
    { by: "payee", act: "void" },
  ],
  voidThenPost: [
    { by: "payee", act: "void" },
    { by: "payer", act: "post" },
  ],
  postThenVoid: [
    { by: "payer", act: "post" },
    { by: "payee", act: "void" },
  ],
  payerVoids: [
    { by: "payer", act: "void" },
    { by: "payee", act: "post" },
  ],
  strangerPosts: [
    { by: "other", act: "post" },
    { by: "payee", act: "void" },
  ],
  postTooMuch: [
    { by: "payee", act: "postTooMuch" },
    { by: "payee", act: "post" },
  ],
  postNothing: [{ by: "payee", act: "postNothing" }],
  postLate: [{ by: "payee", act: "postLate" }],
  leave: [],
};
const FATE_NAMES = Object.keys(FATES);

interface Step {
  readonly by: "payer" | "payee" | "other";
  readonly act: "post" | "postPart" | "postTooMuch" | "postNothing" | "postLate" | "void";
}

interface Pended {
  readonly payer: Client;
  readonly payee: Client;
  readonly other: Client;
  readonly nonce: number;
  readonly amount: number;
  readonly timeToLiveMs: number;
}

export function sendPend(traffic: Traffic, client: Client, atUs: number): void {
  const { stream } = traffic;
  if (stream.chance(0.15)) return sendOverspent(traffic, client, atUs);
  const fate = stream.pick(FATE_NAMES);
  const payee = partnerOf(traffic, client);
  const timeToLiveMs = fate === "postLate" || stream.chance(0.3) ? stream.between(50, 3_000) : stream.pick([0, 60_000]);
  const amount = stream.between(2, 5_000);
  const fields = { asset: stream.pick([FEE_ASSET, SECOND_ASSET]), amount: BigInt(amount), reference: timeToLiveMs };
  const composed = compose(traffic, client.main, [operation("pend", { ...fields, account: actorOf(client, payee).account })]);
  const pended: Pended = { payer: client, payee, other: partnerOf(traffic, payee), nonce: composed.nonce, amount, timeToLiveMs };
  send(traffic, client, composed, { atUs, onDone: (outcome) => takeStep(traffic, pended, FATES[fate] ?? [], outcome) });
}

/** Most of what the client owns is promised for a while, and half of it is spent at once: what is left is not enough. */
function sendOverspent(traffic: Traffic, client: Client, atUs: number): void {
  const { account } = payeeOf(traffic, client);
  const reference = traffic.stream.between(50, 2_000);
  const operations = [
    operation("pend", { asset: SECOND_ASSET, account, amount: (FUNDS * 9n) / 10n, reference }),
    transferTo(traffic, { account }, { asset: SECOND_ASSET, amount: FUNDS / 2n }),
  ];
  send(traffic, client, compose(traffic, client.main, operations), { atUs });
}

function actorOf(payer: Client, party: Client): Actor {
  return party === payer ? party.wild : party.main;
}

/** The next step begins when the one before has its outcome, whatever that is. */
function takeStep(traffic: Traffic, pended: Pended, steps: readonly Step[], before: Outcome): void {
  const [step, ...rest] = steps;
  if (step === undefined || before.type !== "final" || before.atUs >= traffic.stopsAtUs) return;
  const waitUs =
    step.act === "postLate" ? pended.timeToLiveMs * 1_000 + traffic.stream.between(0, 2_000_000) : traffic.stream.between(0, 300_000);
  const atUs = before.atUs + waitUs;
  if (atUs >= traffic.stopsAtUs) return;
  traffic.courier.later(atUs, () => {
    const client = pended[step.by];
    const actor = step.by === "payer" ? client.main : actorOf(pended.payer, client);
    const composed = compose(traffic, actor, [resolution(traffic, pended, step)]);
    send(traffic, client, composed, { atUs, onDone: (outcome) => takeStep(traffic, pended, rest, outcome) });
  });
}

function resolution({ stream }: Traffic, { payer, nonce, amount }: Pended, { act }: Step): Operation {
  const name = { account: payer.main.account, reference: nonce };
  if (act === "void") return operation("void", name);
  const part = act === "postPart" ? stream.between(1, amount - 1) : act === "postTooMuch" ? amount + 1 : act === "postNothing" ? 0 : amount;
  return operation("post", { ...name, amount: BigInt(part) });
}

/** The same bytes again: elsewhere at once, here at once, later, when final, or of somebody else. */
export function sendDuplicate(traffic: Traffic, client: Client, atUs: number): void {
  const { stream, courier, recent } = traffic;
  const old = recent.length > 0 && stream.chance(0.3) ? stream.pick(recent) : undefined;
  if (old !== undefined) return copy(traffic, client, old.bytes, { atUs });
  const composed = compose(traffic, client.main, [transferTo(traffic, payeeOf(traffic, client))]);
  const validator = courier.pickValidator(atUs);
  send(traffic, client, composed, { atUs, validator, onDone: (outcome) => copyAfter(traffic, client, composed, outcome) });
  const copies = stream.between(1, 3);
  for (let count = 0; count < copies; count++) {
    const isHere = stream.chance(0.3);
    const laterUs = stream.chance(0.5) ? 0 : stream.between(1_000, 3_000_000);
    copy(traffic, client, composed.bytes, { atUs: atUs + laterUs, ...(isHere ? { validator } : {}) });
  }
}

function copyAfter(traffic: Traffic, client: Client, composed: Composed, outcome: Outcome): void {
  if (outcome.atUs < traffic.stopsAtUs)
    copy(traffic, client, composed.bytes, { atUs: outcome.atUs + traffic.stream.between(0, 1_000_000) });
}
