/** Views that are lost although somebody commit-voted in each: what those blocks ordered stands in the next ones, under the same shares. */

import t from "tap";
import { ZERO_HASH } from "../../types/ids.ts";
import { type ClusterNode, disagreements } from "../support/replica_cluster.ts";
import { createSealedWorld } from "../support/sealed_world.ts";

t.test("SL3: commit votes of lost views let no share out; t of them would open what no final block holds", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 31 });
  world.generateKey();
  world.run({ forMs: 3_000 });
  /** Of blocks with the sealed transaction, in the order of their views. */
  const lost: { readonly view: number; readonly proposer: number; readonly blockHash: string }[] = [];
  const committed = new Map<string, Set<number>>();
  const sharesOf = new Set<number>();
  let isHealed = false;
  /** In each of two views one validator alone sees the votes, another one each time; who leads takes no part. */
  const onlyOneSees = (): number | undefined => {
    const proposers = lost.map(({ proposer }) => proposer);
    const seers = [0, 1, 2, 3].filter((index) => !proposers.includes(index));
    return lost.length === 1 ? seers[0] : seers.at(-1);
  };
  const seen: number[] = [];
  world.intercept = (node: ClusterNode, effect) => {
    if (effect.type === "signProposal" && effect.header.sealedCount > 0 && !isHealed) {
      if (lost.length < 2 && !lost.some(({ blockHash }) => blockHash === effect.blockHash)) {
        lost.push({ view: effect.header.view, proposer: node.index, blockHash: effect.blockHash });
        seen.push(onlyOneSees() ?? -1);
      }
    }
    if (effect.type === "enteredView" && lost.length === 2 && effect.view > (lost[1]?.view ?? 0)) isHealed = effect.by === "TC" || isHealed;
    if (effect.type === "signVote" && effect.ballot.kind === "commit" && effect.ballot.blockHash !== ZERO_HASH && !isHealed) {
      committed.set(effect.ballot.blockHash, (committed.get(effect.ballot.blockHash) ?? new Set()).add(node.index));
    }
    if (effect.type === "sendDirect" && effect.message.type === "shares" && !isHealed) sharesOf.add(node.index);
    return false;
  };
  world.filter = ({ from, to, kind }) => {
    if (isHealed || lost.length === 0) return true;
    if (kind === "vote") return to === onlyOneSees();
    // Whoever saw a QC is slow to tell.
    return kind !== "commit" && !(kind === "certificate" && seen.includes(from));
  };
  const hash = world.submitSealed(0, 0);
  t.ok(world.run({ forMs: 20_000, until: () => isHealed }), "two views with the transaction are lost");
  const committers = lost.map(({ blockHash }) => [...(committed.get(blockHash) ?? [])]);
  t.ok(
    committers.every((each) => each.length === 1),
    "one honest validator commit-voted in each of them",
  );
  t.equal(new Set(committers.flat()).size, 2, "another one each time: with a traitor's own share, that is t");
  t.same([...sharesOf], [], "no share is out");
  const isExecuted = (node: ClusterNode): boolean =>
    node.finalized.some(({ receipts }) => receipts.some((receipt) => receipt.hash === hash));
  t.ok(world.run({ forMs: 20_000, until: () => world.nodes.every(isExecuted) }), "and afterwards it is ordered, opened and executed");
  t.same(disagreements(world.nodes), []);
});
