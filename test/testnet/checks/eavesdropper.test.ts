/** The eavesdropper: with a key that really opens, it reads exactly what can be read too early. */

import t from "tap";
import { hashTransaction, sha256 } from "../../../crypto/hashes.ts";
import { dealtKey } from "../../../mempool/keygen_dealer.ts";
import { createEavesdropper } from "../../../testnet/checks/eavesdropper.ts";
import { createLeaks } from "../../../testnet/checks/leaked_shares.ts";
import { createSealedBlocks } from "../../../testnet/checks/sealed_blocks.ts";
import { createIrrevocable } from "../../../testnet/checks/secrecy.ts";
import { createFastSealing } from "../../../testnet/simulator/fast_sealing.ts";
import { assert } from "../../../types/assert.ts";
import { buildEnvelope } from "../../../types/envelope.ts";
import { type AccountId, Height } from "../../../types/ids.ts";
import type { Message } from "../../../types/message.ts";
import { ballotOf } from "../../support/consensus_fixture.ts";
import { firstViolation, makeBlock, proposes, signs, type Untimed, worldOf } from "./history.ts";

const COUNT = 4;
const suite = createFastSealing();

/** Four validators, the last a traitor, and a key that `threshold` shares open. */
function historyOf(threshold: number) {
  const world = worldOf({ traitors: [3] });
  const dealt = dealtKey({ suite, seed: new Uint8Array(32).fill(9), validatorCount: COUNT, threshold, isTest: true });
  assert(dealt.ok, "this is a test");
  const { key, secretShares } = dealt;
  const bytes = buildEnvelope({
    fields: {
      chainId: world.cluster.chainId,
      keyId: key.keyId,
      sender: "ab".repeat(32) as AccountId,
      nonce: 0,
      gasLimit: 1,
      fee: 10,
      expiryHeight: Height.of(100),
    },
    content: new Uint8Array(256),
    suite,
    publicKey: key.publicKey,
    randomness: new Uint8Array(64).fill(3),
    sign: () => new Uint8Array(64),
    sha256,
  });
  const sealed = bytes.slice(227);
  const made = makeBlock(world, undefined, { view: 1, transactions: [bytes], change: { sealedCount: 1, keyId: key.keyId } });
  const { blockHash } = made;
  const lives = secretShares.map(
    (secretShare, validator): Untimed => ({ type: "keyLive", validator, activationHeight: 1, key, secretShare }),
  );
  const submitted: Untimed = { type: "submitted", validator: 0, client: 0, bytes, hash: hashTransaction(bytes) };
  const sends = (from: number, message: Message): Untimed =>
    ({ type: "sent", from, to: (from + 1) % COUNT, message }) as unknown as Untimed;
  const shareOf = (validator: number): Uint8Array => suite.shareOf(secretShares[validator] as Uint8Array, sealed);
  return {
    readBy(facts: readonly Untimed[]): string | undefined {
      const blocks = createSealedBlocks();
      const irrevocable = createIrrevocable(world.cluster, blocks);
      const checker = createEavesdropper(world.cluster, { blocks, irrevocable, leaks: createLeaks(world.cluster, blocks), suite });
      return firstViolation(checker, [...lives, submitted, proposes(made.header.proposer, made.proposal), ...facts])?.detail;
    },
    commits: (validator: number): Untimed => signs(world, validator, ballotOf("commit", made.header)),
    sends: (from: number, share = shareOf(from)): Untimed => sends(from, { type: "shares", blockHash, shares: [{ position: 0, share }] }),
    shareOf,
  };
}

t.test(
  "secrecy: n − f shares, the traitor's among them, are read while the place can be lost; afterwards, or with fewer, not",
  async (t) => {
    const { readBy, commits, sends, shareOf } = historyOf(3);
    t.match(readBy([sends(0), sends(1)]), /reads sealed transaction [0-9a-f]{8} with the share that validator 1 sent/);
    t.equal(readBy([sends(0)]), undefined, "one and the traitor's");
    t.equal(readBy([sends(0), sends(0)]), undefined, "the same again");
    t.equal(readBy([sends(0), sends(1, shareOf(0))]), undefined, "a share that is not the sender's opens nothing");
    t.equal(readBy([commits(0), sends(0), commits(1), sends(1), sends(2)]), undefined, "f + 1 honest commit votes");
  },
);

t.test("secrecy: a key that fewer shares open is found by reading, not by counting", async (t) => {
  const { readBy, sends } = historyOf(2);
  t.match(readBy([sends(0)]), /with the share that validator 0 sent/);
});
