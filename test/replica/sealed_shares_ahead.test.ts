/** Shares that workers computed ahead, through whole replicas: the machine does the same with them as without, a share of another key is
 *  passed over, and nothing leaves early. Two worlds of one seed are compared effect by effect. */

import t from "tap";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import type { OwnShare, ParsedTransaction } from "../../types/application.ts";
import { toHex } from "../../types/bytes.ts";
import type { KeyId, SealingSuite } from "../../types/sealing.ts";
import type { ClusterNode } from "../support/replica_cluster.ts";
import { createSealedWorld, type SealedWorld } from "../support/sealed_world.ts";

const fast = createFastSealing();

/** As a signature worker does it, once the key is live. */
function ownShareOf({ keygen }: ClusterNode, { sealed: envelope }: ParsedTransaction): OwnShare | undefined {
  const secretShare = keygen?.secretShare;
  if (envelope === undefined || secretShare === undefined) return undefined;
  return { keyId: envelope.keyId, share: fast.shareOf(secretShare, envelope.sealed) };
}

type Ahead = (node: ClusterNode, transaction: ParsedTransaction) => OwnShare | undefined;

interface Watched {
  readonly world: SealedWorld;
  /** Shares that each node's machine computed. */
  computedBy(): readonly number[];
}

function worldWith(ahead: Ahead): Watched {
  const computed = new Map<string, number>();
  const suite: SealingSuite = {
    ...fast,
    shareOf: (secretShare, sealed) => {
      const by = toHex(secretShare);
      computed.set(by, (computed.get(by) ?? 0) + 1);
      return fast.shareOf(secretShare, sealed);
    },
  };
  const world = createSealedWorld({
    count: 4,
    seed: 5,
    sealing: { suite },
    prepare: (node, transaction) => {
      const ownShare = ahead(node, transaction);
      return ownShare === undefined ? transaction : { ...transaction, ownShare };
    },
  });
  world.generateKey();
  const secretOf = ({ keygen }: ClusterNode): string => toHex(keygen?.secretShare ?? new Uint8Array(0));
  return { world, computedBy: () => world.nodes.map((node) => computed.get(secretOf(node)) ?? 0) };
}

/** Some load, a restart of the last node in the middle of it if asked for, and the end. */
function drive({ world }: { readonly world: SealedWorld }, { restarts }: { readonly restarts: boolean }): void {
  for (let index = 0; index < 40; index++) {
    world.submitSealed(index % 3, index % 8);
    if (index % 4 === 3) world.run({ forMs: 10 });
    if (restarts && index === 20) world.crash(3);
    if (restarts && index === 30) world.restart(3);
  }
  world.run({ forMs: 2_000 });
}

const finalHeights = ({ nodes }: SealedWorld) => nodes.map(({ replica }) => replica.status.finalHeight);
const effectsOf = ({ nodes }: SealedWorld) => nodes.map(({ effects }) => effects);

for (const restarts of [false, true]) {
  const title = restarts ? "a restart, only what it lost is computed again" : "none is computed again";
  t.test(`shares that come ready: ${title}, and every effect is as if all had been computed`, async (t) => {
    const plain = worldWith(() => undefined);
    const ahead = worldWith(ownShareOf);
    for (const each of [plain, ahead]) drive(each, { restarts });
    const plainCount = plain.computedBy().reduce((sum, count) => sum + count);
    t.ok(plainCount >= 120, `${plainCount} shares computed without`);
    const [first, second, third, last = 0] = ahead.computedBy();
    t.same([first, second, third], [0, 0, 0]);
    t.ok(restarts ? last > 0 && last < 40 : last === 0, `${last} computed by the last node`);
    t.same(finalHeights(ahead.world), finalHeights(plain.world));
    t.same(effectsOf(ahead.world), effectsOf(plain.world));
  });
}

t.test("shares under another key: passed over, ours are computed", async (t) => {
  const plain = worldWith(() => undefined);
  const other = worldWith((_, { sealed }) =>
    sealed === undefined ? undefined : { keyId: "f".repeat(64) as KeyId, share: new Uint8Array(32).fill(1) },
  );
  for (const each of [plain, other]) drive(each, { restarts: true });
  t.same(other.computedBy(), plain.computedBy());
  t.same(effectsOf(other.world), effectsOf(plain.world));
});

t.test("SL3: shares that come ready, none is in any effect or on disk while no CC is held", async (t) => {
  const shares = new Map<string, Set<string>>();
  const { world } = worldWith((node, transaction) => {
    const ownShare = ownShareOf(node, transaction);
    if (ownShare !== undefined) shares.set(node.peer, (shares.get(node.peer) ?? new Set()).add(toHex(ownShare.share)));
    return ownShare;
  });
  const leaked = (): readonly string[] =>
    world.nodes.flatMap(({ peer, effects, disk }) => {
      const own = [...(shares.get(peer) ?? [])];
      const stored = [...disk.shares.values()].map((each) => toHex(each.shares)).join();
      const left = JSON.stringify(effects, (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value)) + stored;
      return own.filter((share) => left.includes(share));
    });
  // Proposals are held, voted and commit-voted for; without the commit votes of others there is no CC.
  world.filter = ({ kind }) => kind !== "commit" && kind !== "certificate";
  for (let index = 0; index < 12; index++) world.submitSealed(index % 4, index % 8);
  world.run({ forMs: 3_000 });
  t.equal(shares.size, 4, "everybody has shares");
  t.ok(
    world.nodes.some(({ replica }) => (replica.status.sealing?.openings.length ?? 0) > 0),
    "a block with sealed transactions is held",
  );
  t.ok(world.nodes.every(({ effects }) => effects.some((effect) => effect.type === "signVote" && effect.ballot.kind === "commit")));
  t.same(leaked(), []);
  world.filter = undefined;
  world.run({ forMs: 3_000 });
  t.equal(leaked().length, 48, "afterwards all leave");
});
