/** L10: presence and absence of accounts, proved against the root; nothing else can be proved. */

import fc from "fast-check";
import t from "tap";
import { accountProofCodec, verifyAccountProof } from "../../ledger/account_proof.ts";
import { LEDGER_LIMITS } from "../../ledger/limits.ts";
import { toHex } from "../../types/bytes.ts";
import type { AccountId } from "../../types/ids.ts";
import { holds } from "../support/property.ts";
import { ALICE, account, BOB, FEE_ASSET, LedgerWorld, operation, testGenesis, ZERO_ACCOUNT } from "./ledger_world.ts";

const LAST_ACCOUNT = "f".repeat(64) as AccountId;

/** `count` accounts beside those of the genesis, so that the table spans pages. */
function worldOf(count: number): LedgerWorld {
  const genesis = testGenesis();
  const extra = Array.from({ length: count }, (_, index) => ({
    account: account(`holder ${index}`),
    asset: FEE_ASSET,
    amount: BigInt(index) + 1n,
  }));
  return new LedgerWorld({ genesis: { ...genesis, balances: [...genesis.balances, ...extra] }, limits: LEDGER_LIMITS });
}

function verdict(world: LedgerWorld, query: { readonly account: AccountId; readonly asset: number }, proof: Uint8Array): string {
  const verified = verifyAccountProof({ root: world.ledger.root, ...query, proof });
  if (!verified.ok) return verified.reason;
  return verified.record === undefined ? "absent" : "present";
}

for (const count of [0, 1, 3, 505, 506, 507, 508, 1_200]) {
  t.test(`L10: queryAccount, ${count + 5} accounts: presence and absence verify, at both ends too`, async (t) => {
    const world = worldOf(count);
    const queries = [
      [ALICE, FEE_ASSET, "present"],
      [BOB, FEE_ASSET, "present"],
      [ALICE, FEE_ASSET - 1, "absent"],
      [ALICE, FEE_ASSET + 1, "absent"],
      [ZERO_ACCOUNT, 0, "absent"],
      [LAST_ACCOUNT, 2 ** 32 - 1, "absent"],
      [account("nobody"), FEE_ASSET, "absent"],
      [account("holder 0"), FEE_ASSET, count > 0 ? "present" : "absent"],
      [account(`holder ${count - 1}`), FEE_ASSET, count > 0 ? "present" : "absent"],
    ] as const;
    for (const [id, asset, expected] of queries) {
      const answer = world.ledger.queryAccount({ account: id, asset });
      t.equal(verdict(world, { account: id, asset }, answer.proof), expected);
      t.equal(answer.record === undefined ? "absent" : "present", expected);
      if (answer.record !== undefined) t.equal(answer.record.available, world.model.account(id, asset)?.creditsPosted);
    }
  });
}

t.test("L10: verifyAccountProof: the root names the block; an older root refuses a newer proof", async (t) => {
  const world = worldOf(10);
  const old = world.ledger.root;
  world.run([world.payload(ALICE, [operation("openAccount", { asset: 9, account: BOB })])]);
  const { proof } = world.ledger.queryAccount({ account: BOB, asset: 9 });
  t.equal(verdict(world, { account: BOB, asset: 9 }, proof), "present");
  t.strictSame(verifyAccountProof({ root: old, account: BOB, asset: 9, proof }), { ok: false, reason: "wrongRoot" });
});

t.test("L10: verifyAccountProof: any changed byte, cut or extension is refused", async (t) => {
  const world = worldOf(600);
  const absent = { account: account("nobody"), asset: FEE_ASSET };
  const proofs = [
    { query: { account: ALICE, asset: FEE_ASSET }, proof: world.ledger.queryAccount({ account: ALICE, asset: FEE_ASSET }).proof },
    { query: absent, proof: world.ledger.queryAccount(absent).proof },
  ];
  const property = fc.property(fc.constantFrom(...proofs), fc.nat(), fc.integer({ min: 1, max: 255 }), ({ query, proof }, at, change) => {
    const changed = proof.slice();
    changed[at % proof.length] = (changed[at % proof.length] as number) ^ change;
    const cut = proof.slice(0, at % proof.length);
    return [changed, cut, Uint8Array.of(...proof, change)].every(
      (bytes) => !verifyAccountProof({ root: world.ledger.root, ...query, proof: bytes }).ok,
    );
  });
  holds(t, property, 400);
});

t.test("L10: verifyAccountProof: true records do not prove the absence of an account that is open", async (t) => {
  const world = worldOf(8);
  const keys = [...world.model.state.accounts].map(({ id, asset }) => ({ account: id as AccountId, asset }));
  const leaves = keys.map((key) => accountProofCodec.decode(world.ledger.queryAccount(key).proof));
  const forged: string[] = [];
  for (const [index, victim] of keys.entries()) {
    for (const left of leaves) {
      for (const right of leaves) {
        if (!left.ok || !right.ok) continue;
        const records = [...left.value.records, ...right.value.records];
        const proof = accountProofCodec.encode({ ...left.value, records });
        const alone = accountProofCodec.encode(left.value);
        if ([proof, alone].some((each) => verdict(world, victim, each) === "absent")) forged.push(`${index}`);
      }
    }
  }
  t.strictSame(forged, []);
  t.ok(leaves.every((leaf) => leaf.ok));
});

t.test("L10: verifyAccountProof: reasons name what is wrong", async (t) => {
  const world = worldOf(40);
  const nobody = { account: account("nobody"), asset: FEE_ASSET };
  const decoded = accountProofCodec.decode(world.ledger.queryAccount(nobody).proof);
  if (!decoded.ok) throw new Error("the ledger's own proof decodes");
  const [before, after] = decoded.value.records;
  if (before === undefined || after === undefined) throw new Error("absence between keys takes two records");
  const prove = (records: typeof decoded.value.records): Uint8Array => accountProofCodec.encode({ ...decoded.value, records });
  t.equal(verdict(world, nobody, prove([before, after])), "absent");
  t.equal(verdict(world, nobody, prove([before])), "notAdjacent", "the successor is withheld");
  t.equal(verdict(world, nobody, prove([after])), "wrongKey", "a greater key alone says nothing");
  t.equal(verdict(world, nobody, prove([before, before])), "notAdjacent");
  t.equal(verdict(world, nobody, prove([{ ...before, record: after.record }])), "wrongRoot");
  t.equal(verdict(world, nobody, prove([{ ...before, siblings: before.siblings.slice(1) }])), "malformed");
  t.equal(verdict(world, nobody, new Uint8Array(0)), "malformed");
  t.equal(toHex(accountProofCodec.encode(decoded.value)), toHex(world.ledger.queryAccount(nobody).proof), "one encoding only");
});
