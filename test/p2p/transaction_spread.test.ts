/** Which way a batch of transactions takes: direct links while they reach everybody, gossip as soon as they do not; never both. */

import t from "tap";
import { createFrameQueue, type FrameQueue } from "../../p2p/frame_queue.ts";
import type { Gossip } from "../../p2p/gossip.ts";
import type { Peer, PeerTable } from "../../p2p/peer_table.ts";
import { createTransactionSpread } from "../../p2p/transaction_spread.ts";
import { ValidatorIndex } from "../../types/ids.ts";

const QUEUE_BYTES_MAX = 8_000;

interface FakePeer {
  readonly validator: number | undefined;
  readonly hasLink: boolean;
}

function fixture(options: {
  readonly peers: readonly FakePeer[];
  readonly isGoingAround?: boolean;
  readonly isFullNodeListening?: boolean;
  readonly isFullNode?: boolean;
}) {
  const clock = { ms: 0 };
  const queues: FrameQueue[] = [];
  let gossiped = 0;
  const peers = options.peers.map(({ validator, hasLink }) => {
    const queue = createFrameQueue({ bytesMax: QUEUE_BYTES_MAX, framesMax: 100 });
    queues.push(queue);
    const link = hasLink ? { queue, queueFrame: queue.push } : undefined;
    return { identity: { validator: validator === undefined ? undefined : ValidatorIndex.of(validator) }, link };
  });
  const gossip: Pick<Gossip, "publishTransactions" | "isFullNodeListening" | "isCongested"> = {
    publishTransactions: () => void gossiped++,
    isFullNodeListening: options.isFullNodeListening ?? false,
    isCongested: false,
  };
  const spread = createTransactionSpread({
    peers: { all: peers as unknown as readonly Peer[], count: peers.length } as unknown as PeerTable,
    gossip,
    statuses: () => ({ isGoingAround: options.isGoingAround ?? false }),
    self: options.isFullNode === true ? undefined : ValidatorIndex.of(0),
    nowMs: () => clock.ms,
    limits: { queueBytesMax: QUEUE_BYTES_MAX, fullNodeTransactionBytesPerSecond: 250 },
  });
  return { spread, clock, queued: () => queues.map(({ count }) => count), gossiped: () => gossiped };
}

const BATCH = [new Uint8Array(100)];
const LINKED: readonly FakePeer[] = [1, 2, 3].map((validator) => ({ validator, hasLink: true }));

t.test("createTransactionSpread: among linked validators each gets the batch once, and gossip stays silent", async (t) => {
  const { spread, queued, gossiped } = fixture({ peers: LINKED });
  spread.publish(BATCH);
  t.same(queued(), [1, 1, 1]);
  t.equal(gossiped(), 0);
});

const BY_GOSSIP: readonly (readonly [string, Parameters<typeof fixture>[0]])[] = [
  ["a full node is connected", { peers: [...LINKED, { validator: undefined, hasLink: false }] }],
  ["a full node listens", { peers: LINKED, isFullNodeListening: true }],
  ["a validator has no link yet", { peers: [...LINKED.slice(1), { validator: 1, hasLink: false }] }],
  ["messages go around a missing link", { peers: LINKED, isGoingAround: true }],
];

for (const [name, options] of BY_GOSSIP) {
  t.test(`createTransactionSpread: ${name}, the batch goes by gossip and nowhere else`, async (t) => {
    const { spread, queued, gossiped } = fixture(options);
    spread.publish(BATCH);
    t.equal(gossiped(), 1);
    t.ok(queued().every((count) => count === 0));
  });
}

t.test("createTransactionSpread: congested when most links hold an eighth of their bound", async (t) => {
  const { spread } = fixture({ peers: LINKED });
  t.equal(spread.isCongested, false);
  for (let batch = 0; batch < 12; batch++) spread.publish(BATCH);
  t.equal(spread.isCongested, true);
});

t.test(
  "createTransactionSpread: a full node has sent what is taken from it in a second, congested until it has earned more; a validator is not",
  async (t) => {
    const { spread, clock } = fixture({ peers: LINKED, isFullNode: true });
    for (const isCongested of [false, false, false, true]) {
      t.equal(spread.isCongested, isCongested);
      spread.publish(BATCH);
    }
    clock.ms = 600;
    t.equal(spread.isCongested, true);
    clock.ms = 601;
    t.equal(spread.isCongested, false);
    const validator = fixture({ peers: LINKED }).spread;
    for (let count = 0; count < 5; count++) validator.publish(BATCH);
    t.equal(validator.isCongested, false);
  },
);
