/** What `builder register | unbond | withdraw` says before it sends anything, what it sends, and how it names what failed: against a ledger behind the
 *  client's fake node. */

import t from "tap";
import type { AccountStatus, NodeStatus } from "../../client/answers.ts";
import { type Account, accountFromSeed } from "../../client/keys.ts";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { EXIT_CODES, NodeError } from "../../node/errors.ts";
import { type BuilderCommand, openingAdvice, runBuilderOperation } from "../../scripts/builder_operation.ts";
import type { AccountId } from "../../types/ids.ts";
import { Height, TimestampMs } from "../../types/ids.ts";
import { createFakeNode, FEE_ASSET } from "../client/fake_node.ts";

const accountOf = (byte: number): Account => accountFromSeed(new Uint8Array(32).fill(byte)) as Account;
const [alice, bob, carol, stranger] = [accountOf(1), accountOf(2), accountOf(3), accountOf(9)];
/** Of the fake node's chain. */
const BOND_MIN = 50n;
const FUNDS = 10_000n;

const register = (bond: bigint, recipient?: AccountId): BuilderCommand => ({ name: "register", bond, recipient, endpoint: undefined });

interface World {
  run(command: BuilderCommand, account?: Account): ReturnType<typeof runBuilderOperation>;
  /** The message, after it was seen that nothing was sent and that it is of this kind. */
  refusal(command: BuilderCommand, given?: { readonly account?: Account; readonly code?: NodeError["code"] }): Promise<string>;
  readonly submitted: () => number;
  advance(heights: number): void;
  builderOf(account: Account): ReturnType<NonNullable<ReturnType<typeof createFakeNode>["ledger"]["builderOf"]>>;
}

/** `tellsBuilders` false: a node that says nothing about builders. */
function createWorld(
  change: { readonly status?: Partial<NodeStatus>; readonly tellsBuilders?: boolean; readonly record?: Partial<AccountStatus> } = {},
): World {
  const node = createFakeNode({ accounts: [alice.id, bob.id, carol.id], builder: carol });
  const { ledger, genesis } = node;
  const plain = createRpc({ baseUrl: "http://node.test", deadlineMs: 5_000, fetch: node.fetch });
  let submitted = 0;
  const rpc: Pick<Rpc, "status" | "account" | "submit" | "transaction"> = {
    ...plain,
    async status() {
      const answer = await plain.status();
      return answer.ok ? { ok: true, value: { ...answer.value, ...change.status } } : answer;
    },
    async account(query) {
      const answer = await plain.account(query);
      const builder = change.tellsBuilders === false ? undefined : (ledger.builderOf?.(query.account) ?? "none");
      const told = builder === undefined || builder === "none" ? builder : { ...builder, unbondingHeight: builder.unbondingHeight };
      return answer.ok ? { ok: true, value: { ...answer.value, builder: told, ...change.record } } : answer;
    },
    submit(bytes, options) {
      submitted++;
      return plain.submit(bytes, options);
    },
  };
  const timing = { nowMs: () => 0, pause: async () => undefined };
  const follow = { deadlineMs: 60_000, pauseMsMin: 1, pauseMsMax: 1, timing };
  const run: World["run"] = (command, account = alice) =>
    runBuilderOperation({ command, genesis, account, rpc, baseUrl: "http://node.test", follow });
  return {
    run,
    async refusal(command, { account = alice, code = "usage" } = {}) {
      const before = submitted;
      try {
        await run(command, account);
      } catch (error) {
        if (!(error instanceof NodeError) || error.code !== code) throw error;
        if (submitted !== before) throw new Error("it was sent");
        return error.message;
      }
      throw new Error("it was not refused");
    },
    submitted: () => submitted,
    advance(heights) {
      for (let count = 0; count < heights; count++) {
        const height = Height.next(ledger.height);
        ledger.execute({ height, timeMs: TimestampMs.of(1_000 + height), transactions: [], opened: [] });
      }
    },
    builderOf: (account) => ledger.builderOf?.(account.id),
  };
}

t.test("register: registers with bond, recipient and endpoint; again, it adds to the bond; each result with names", async (t) => {
  const world = createWorld();
  const endpoint = { address: "203.0.113.7", port: 8_180 };
  const first = await world.run({ name: "register", bond: BOND_MIN, recipient: bob.id, endpoint });
  t.match(first, { exitCode: EXIT_CODES.ok, output: { command: "register", code: 0, codeName: "ok", operationCodeNames: ["ok"] } });
  t.notOk("failure" in first.output);
  t.match(world.builderOf(alice), { bond: BOND_MIN, feeRecipient: bob.id, endpoint });
  t.match(await world.run(register(1n)), { exitCode: EXIT_CODES.ok });
  t.match(world.builderOf(alice), { bond: BOND_MIN + 1n, feeRecipient: alice.id, endpoint: undefined });
});

t.test("register: below the least bond, beyond the account's funds: refused before a fee is paid", async (t) => {
  const world = createWorld();
  t.match(await world.refusal(register(BOND_MIN - 1n)), /--bond 49 is below this chain's least bond, 50: it needs 50; nothing was sent/);
  t.match(await world.refusal(register(FUNDS)), /the account has 10000; bond and fee are 10007: pay it what is missing/);
  t.equal(world.builderOf(alice), undefined);
});

t.test("register: what only the chain can tell costs a fee and is named, with what it means", async (t) => {
  const world = createWorld({ tellsBuilders: false });
  const { output, exitCode } = await world.run(register(BOND_MIN - 1n));
  t.equal(exitCode, EXIT_CODES.usage);
  t.match(output, {
    ...{ code: 110, codeName: "operationsFailed", operationCodes: [31], operationCodeNames: ["bondTooLow"] },
    failure: { name: "bondTooLow", meaning: /below this chain's least bond/, advice: /Add at least/ },
  });
});

t.test("register: a recipient that is not open in the fee asset is refused; the builder's own account needs no question", async (t) => {
  const world = createWorld();
  const said = await world.refusal(register(BOND_MIN, stranger.id));
  t.match(said, new RegExp(`--recipient ${stranger.id} is not open in the chain's fee asset ${FEE_ASSET} .*openAccount`));
  t.match(await world.run(register(BOND_MIN, alice.id)), { exitCode: EXIT_CODES.ok });
});

t.test("register: an account that is not open: by whom and how it is opened, and at which height that was so", async (t) => {
  const world = createWorld();
  world.advance(4);
  const said = await world.refusal(register(BOND_MIN), { account: stranger });
  t.match(said, /at height 5, says http:\/\/node\.test, account [0-9a-f]{64} is not open/);
  t.ok(said.includes(openingAdvice(FEE_ASSET)));
  t.match(openingAdvice(7), /openAccount \(this account, asset 7\) and transfer/);
});

t.test("register: a node that is behind, or linked with nobody, knows nothing of now; a validator alone does", async (t) => {
  const rows: readonly (readonly [Partial<NodeStatus>, RegExp])[] = [
    [{ isCatchingUp: true }, /still catching up with the chain, at height 1; wait until/],
    [{ peers: { count: 1, finalHeightMax: Height.of(500) } }, /still catching up with the chain, at height 1 of 500 or more/],
    [{ isValidator: false, peers: { count: 0, finalHeightMax: Height.ZERO } }, /at height 1 and linked with nobody/],
  ];
  for (const [status, expected] of rows) {
    const world = createWorld({ status });
    t.match(await world.refusal(register(BOND_MIN), { account: stranger, code: "environment" }), expected);
  }
  const alone = createWorld({ status: { isValidator: true, isCatchingUp: false, peers: { count: 0, finalHeightMax: Height.ZERO } } });
  t.match(await alone.run(register(BOND_MIN)), { exitCode: EXIT_CODES.ok });
});

t.test("unbond, withdraw: refused where they must fail, with the height from which withdraw works", async (t) => {
  const world = createWorld();
  t.match(await world.refusal({ name: "unbond" }), /no builder at height 1: register it first/);
  t.match(await world.refusal({ name: "withdraw" }), /no builder at height 1: register it first/);
  await world.run(register(BOND_MIN));
  t.match(await world.refusal({ name: "withdraw" }), /has not unbonded: unbond first/);
  t.match(await world.run({ name: "unbond" }), { exitCode: EXIT_CODES.ok, output: { command: "unbond" } });
  const works = (world.builderOf(alice)?.unbondingHeight ?? 0) + 1_024;
  t.match(await world.refusal({ name: "unbond" }), new RegExp(`already; withdraw works from height ${works} on`));
  t.match(await world.refusal({ name: "withdraw" }), new RegExp(`bondLocked\\); withdraw works from height ${works} on`));
  world.advance(1_022);
  t.match(await world.refusal({ name: "withdraw" }), new RegExp(`the chain is at ${works - 2}`));
  world.advance(1);
  t.match(await world.run({ name: "withdraw" }), { exitCode: EXIT_CODES.ok, output: { height: works } }, "the first block that may");
  t.equal(world.builderOf(alice), undefined);
});

t.test("withdraw: locked, from a node that does not tell: the code has its name", async (t) => {
  const world = createWorld({ tellsBuilders: false });
  await world.run(register(BOND_MIN));
  await world.run({ name: "unbond" });
  const { output, exitCode } = await world.run({ name: "withdraw" });
  t.match([exitCode, output], [EXIT_CODES.usage, { failure: { name: "bondLocked", meaning: /1024 heights after unbonding/ } }]);
});
