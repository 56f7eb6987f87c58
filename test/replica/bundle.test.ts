/** What an opened bundle gives the application, by itself and when a block is applied: groups of well-signed open transactions in time, the others told
 *  as unfit in their places. */

import t from "tap";
import { hashTransaction } from "../../crypto/hashes.ts";
import { applyBlock } from "../../replica/apply_block.ts";
import { readBundle } from "../../replica/bundle.ts";
import type { Application, ExecutableBlock, GroupResult, ParsedTransaction } from "../../types/application.ts";
import { type Bid, encodeBundle } from "../../types/bid.ts";
import { type BlockHeader, PLAIN_BLOCK } from "../../types/block.ts";
import { fromHex } from "../../types/bytes.ts";
import { Height, type StateRoot, TimestampMs, ValidatorIndex } from "../../types/ids.ts";
import type { OpenResult } from "../../types/sealing.ts";
import { buildTransaction, OPERATION_KINDS } from "../../types/transaction.ts";
import { createBuiltWorld } from "../support/built_world.ts";
import { CHAIN_ID } from "../support/chain.ts";
import { createFastBls } from "../support/fast_bls.ts";
import { createMembers, signEd, verifyEd25519 } from "../support/replica_members.ts";
import { userOf } from "../support/sealed_world.ts";

const HEIGHT = Height.of(50);
const world = createBuiltWorld({ count: 4, seed: 70 });
world.generateKey();
const [node] = world.nodes;
if (node === undefined) throw new Error("a world has nodes");
const { parse } = node.replica;
const tools = { parse, verifyEd25519, height: HEIGHT };

interface Signed {
  readonly user?: number;
  readonly signer?: number;
  readonly nonce?: number;
  readonly expiry?: number;
}

function signed({ user = 1, signer = user, nonce = 0, expiry = 50 }: Signed = {}): Uint8Array {
  const account = userOf(7);
  const operation = { kind: OPERATION_KINDS.transfer, flags: 0, index: 0, asset: 1, account, amount: 1n, reference: 0 } as const;
  const payload = {
    chainId: CHAIN_ID,
    sender: userOf(user),
    nonce,
    expiryHeight: Height.of(expiry),
    feeMax: 100n,
    operations: [operation],
  };
  return buildTransaction({ payload, sign: (message) => signEd(fromHex(userOf(signer)), message) });
}

const openedOf = (groups: readonly (readonly Uint8Array[])[]): OpenResult => ({ ok: true, message: encodeBundle({ groups }) });

t.test("readBundle: a group of open transactions, well signed and in time, is parsed as it stands", async (t) => {
  const group = [signed({ nonce: 1 }), signed({ user: 2, nonce: 1 })];
  const { hasFailed, groups } = readBundle(openedOf([group, [signed({ nonce: 2 })]]), tools);
  t.notOk(hasFailed);
  t.equal(groups.length, 2);
  t.same(groups[0]?.hashes, group.map(hashTransaction));
  t.same(
    groups[0]?.transactions?.map(({ hash }) => hash),
    group.map(hashTransaction),
  );
});

const UNFIT: Readonly<Record<string, () => Uint8Array>> = {
  "what does not parse": () => new Uint8Array(80).fill(9),
  "a transaction that another key signed": () => signed({ signer: 2 }),
  "a transaction that expired at the height below": () => signed({ expiry: 49 }),
  "a sealed transaction": () => world.seal(3),
};

for (const [name, bytesOf] of Object.entries(UNFIT)) {
  t.test(`readBundle: ${name} makes its group unfit, and no other; the bundle has not failed`, async (t) => {
    const bytes = bytesOf();
    const good = signed({ user: 4 });
    const { hasFailed, groups } = readBundle(openedOf([[good, bytes], [good]]), tools);
    t.notOk(hasFailed);
    t.equal(groups[0]?.transactions, undefined);
    t.same(groups[0]?.hashes, [hashTransaction(good), hashTransaction(bytes)], "its names are told all the same");
    t.equal(groups[1]?.transactions?.length, 1);
  });
}

t.test("B8, readBundle: what did not open, or is no encoding of groups, has failed", async (t) => {
  const failed = { hasFailed: true, groups: [] };
  t.same(readBundle({ ok: false, reason: "badSeed" } as unknown as OpenResult, tools), failed);
  t.same(readBundle({ ok: true, message: new Uint8Array(256).fill(7) }, tools), failed);
  t.same(readBundle({ ok: true, message: encodeBundle({ groups: [] }) }, tools).groups, []);
});

/** Answers each group that runs with a result by which it is known again. */
function createRecorder(): { readonly application: Application; readonly ran: ParsedTransaction[][] } {
  const ran: ParsedTransaction[][] = [];
  const execute = ({ bundle = [] }: ExecutableBlock) => {
    for (const group of bundle) ran.push([...group]);
    const results = bundle.map((group): GroupResult => {
      return { isIncluded: true, receipts: group.map(({ hash }) => ({ hash, code: 0, operationCodes: [] })) };
    });
    return { stateRoot: "00".repeat(32) as StateRoot, receipts: [], bundle: results };
  };
  return { application: { execute } as unknown as Application, ran };
}

t.test("applyBlock: only fit groups run, and each is told its own result, unfit ones among them", async (t) => {
  const { application, ran } = createRecorder();
  const [first, second] = [[signed({ nonce: 5 })], [signed({ user: 2, nonce: 5 }), signed({ user: 3, nonce: 5 })]];
  const unfit = [signed({ signer: 2 })];
  const header = { ...PLAIN_BLOCK, height: HEIGHT, timeMs: TimestampMs.of(1), proposer: ValidatorIndex.of(0), bundleCount: 1 };
  const validators = createMembers({ count: 4, bls: createFastBls(), sealing: undefined }).validators.set;
  const bid = { builder: userOf(0), value: 3n, bundle: new Uint8Array(1) } as Bid;
  const applied = applyBlock(
    { application, keygen: undefined, parse, verifyEd25519, validators },
    { header: header as unknown as BlockHeader, transactions: [], bid, opened: [openedOf([unfit, first, unfit, second])] },
  );
  const hashesOf = (group: readonly Uint8Array[]) => group.map(hashTransaction);
  t.same(
    ran.map((group) => group.map(({ hash }) => hash)),
    [hashesOf(first), hashesOf(second)],
  );
  t.same(
    applied.bundle?.map(({ result }) => (result === "unfit" || !result.isIncluded ? result : result.receipts.map(({ hash }) => hash))),
    ["unfit", hashesOf(first), "unfit", hashesOf(second)],
  );
  t.same(
    applied.bundleTransactions.map(({ hash }) => hash),
    hashesOf([...first, ...second]),
  );
  t.equal(applied.built?.failed, false);
});
