/** What a validator that has just been linked is told: our latest messages, oldest first, and no more than a view's worth. */

import t from "tap";
import { createLatestMessages, LATEST_MESSAGES_MAX } from "../../node/latest_messages.ts";
import { createNetworkHandlers } from "../../node/network_handlers.ts";
import { ValidatorIndex } from "../../types/ids.ts";
import type { Message } from "../../types/message.ts";

const numbered = (number: number): Message => ({ type: "transactions", transactions: [Uint8Array.of(number)] });

t.test("createLatestMessages: keeps the newest, oldest first", async (t) => {
  const latest = createLatestMessages();
  for (let number = 0; number < LATEST_MESSAGES_MAX + 3; number++) latest.note(numbered(number));
  t.same(
    latest.all(),
    Array.from({ length: LATEST_MESSAGES_MAX }, (_, index) => numbered(index + 3)),
  );
});

t.test("onValidatorLink: a link that comes up is told, one that goes down is not", async (t) => {
  const told: ValidatorIndex[] = [];
  const handlers = createNetworkHandlers({
    driver: { submit: () => t.fail("a link is no input of the machine") },
    ingress: { fromGossip: () => Promise.reject(new Error("no gossip here")) },
    answer: () => Promise.reject(new Error("no request here")),
    currentStatus: () => {
      throw new Error("no status asked for");
    },
    activity: { onNetworkEvent: () => undefined },
    onLinkUp: (validator) => told.push(validator),
    isBuilder: () => false,
    onBid: () => t.fail("no bid here"),
  });
  handlers.onValidatorLink(ValidatorIndex.of(2), true);
  handlers.onValidatorLink(ValidatorIndex.of(2), false);
  t.same(told, [2]);
});
