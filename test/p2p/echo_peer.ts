/** A validator in a process of its own, for the test of mixed runtimes: `echo_peer.ts ADDRESSES…` dials validator 0,
 *  answers each of its votes with the same view, and publishes each transaction it gets with the first byte raised by one. */

import { ValidatorIndex } from "../../types/ids.ts";
import { startNode, type TestNode, validatorsOf, voteMessage } from "./support.ts";

const node: TestNode = await startNode({
  validators: validatorsOf(2),
  self: ValidatorIndex.of(1),
  peers: [{ validator: ValidatorIndex.of(0), addresses: process.argv.slice(2) }],
});
node.height = 42;
process.stdout.write("ready\n");

setInterval(() => {
  for (const { message } of node.messages.splice(0)) {
    if (message.type === "vote") node.network.broadcast(voteMessage(1, message.vote.ballot.view));
    if (message.type !== "transactions") continue;
    node.network.publishTransactions(message.transactions.map(([first = 0]) => Uint8Array.of(first + 1)));
  }
}, 5);
