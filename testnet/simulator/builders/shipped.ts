/** The shipped builder (`builder/`) on a simulated node, asked at the moments at which `node/builder_agent.ts` asks it. What its bundles hold is heard at
 *  the moment of sealing, for the checkers: nobody else can tell. */

import { BUILDER_LIMITS, createBuilder } from "../../../builder/builder.ts";
import type { ConsiderRequest, FinalOutcome } from "../../../builder/interface.ts";
import { STRATEGIES } from "../../../builder/strategies.ts";
import { decodeBundle, type OfferedBid } from "../../../types/bid.ts";
import type { Opportunity } from "../../../types/building.ts";
import { type AccountId, Height } from "../../../types/ids.ts";
import type { KeyId, SealingSuite } from "../../../types/sealing.ts";
import type { BundleInside } from "../facts.ts";
import type { TransactionChecker } from "../transaction_checker.ts";
import type { World } from "../world.ts";
import type { SearcherGroup } from "./desk.ts";

export interface MadeBid {
  readonly offered: OfferedBid;
  readonly inside: BundleInside;
}

export interface ShippedBuilder {
  submit(group: SearcherGroup): void;
  resend(opportunity: Opportunity, keyId: KeyId | undefined): MadeBid | undefined;
  consider(request: ConsiderRequest): MadeBid | undefined;
  onFinal(block: FinalOutcome): void;
}

export function createShippedBuilder(options: {
  readonly world: World;
  readonly strategy: keyof typeof STRATEGIES;
  readonly account: AccountId;
  readonly secretKey: Uint8Array;
  readonly parse: TransactionChecker["parse"];
}): ShippedBuilder {
  const { world, strategy, account, secretKey, parse } = options;
  let sealed: Uint8Array | undefined;
  const listening: Pick<SealingSuite, "seal"> = {
    seal(given) {
      sealed = given.message;
      return world.suite.seal(given);
    },
  };
  const insides = new WeakMap<OfferedBid, BundleInside>();
  const builder = createBuilder({
    account,
    domain: world.domain,
    suite: world.sealing === undefined ? undefined : listening,
    sign: (message) => world.ed25519.sign(secretKey, message),
    strategy: STRATEGIES[strategy],
    limits: BUILDER_LIMITS,
  });

  function made(offered: OfferedBid | undefined): MadeBid | undefined {
    if (offered === undefined) return undefined;
    const inside = insides.get(offered) ?? insideOf(offered, sealed);
    insides.set(offered, inside);
    return { offered, inside };
  }

  return {
    submit({ transactions, heights, tip }) {
      const parsed = transactions.flatMap((bytes) => {
        const result = parse(bytes);
        return result.ok ? [result.transaction] : [];
      });
      if (parsed.length !== transactions.length) return;
      builder.submit({ from: Height.of(heights[0]), to: Height.of(heights[1]), tip, transactions: parsed });
    },
    resend: (opportunity, keyId) => made(builder.resend({ opportunity, keyId })),
    consider(request) {
      sealed = undefined;
      return made(builder.consider(request));
    },
    onFinal: (block) => builder.onFinal(block),
  };
}

function insideOf({ bid }: OfferedBid, message: Uint8Array | undefined): BundleInside {
  if (bid.bundle.length === 0 || message === undefined) return { type: "none" };
  const content = decodeBundle(message);
  return content === undefined ? { type: "unreadable" } : { type: "groups", groups: content.groups };
}
