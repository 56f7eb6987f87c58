/** Where a message goes that reached a running validator: to the machine's queue, to ingress, or to the exchange of requests. */

import type { ReplicaInput } from "../../replica/interface.ts";
import type { Sender } from "../../types/sender.ts";
import type { Effects } from "./effects.ts";
import type { WireMessage } from "./facts.ts";
import type { Requests } from "./requests.ts";

export interface Reception {
  readonly from: number;
  readonly sender: Exclude<Sender, { readonly type: "self" }>;
  readonly effects: Pick<Effects, "fromGossip" | "fromFrame">;
  readonly requests: Pick<Requests, "onResponse">;
  readonly serve: (request: Extract<WireMessage, { readonly type: "request" }>) => void;
  readonly input: (input: ReplicaInput) => void;
}

export function acceptMessage(message: WireMessage, reception: Reception): void {
  const { sender, effects, input } = reception;
  switch (message.type) {
    case "proposal":
      return input({ type: "proposal", from: sender, proposal: message.proposal });
    case "vote":
      return input({ type: "vote", from: sender, vote: message.vote });
    case "certificate":
      return input({ type: "certificate", from: sender, certificate: message.certificate });
    case "status":
      return input({ type: "peerStatus", peer: sender.peer, status: message.status });
    case "transactions":
      return effects.fromGossip(sender, message.transactions);
    case "request":
      return reception.serve(message);
    case "response":
      return reception.requests.onResponse(reception.from, message.requestId, message.response);
    case "list":
    case "shares":
    case "seeds":
    case "openingRequest":
    case "proofRequest":
    case "proofs":
      return input({ type: "sealing", from: sender, message });
    case "bid":
      return input({ type: "bid", from: sender, offered: { bid: message.bid, tailHashes: message.tailHashes } });
    case "bytes":
      return effects.fromFrame(sender, message.frame, (decoded) => acceptMessage(decoded, reception));
  }
}
