/** Who may have a connection: not banned, a place in the table, and, of a registered builder's account, at a bounded pace. */

import type { AccountId, ValidatorIndex } from "../types/ids.ts";
import { type AccountPace, createAccountPace } from "./account_pace.ts";
import type { NetworkLimits } from "./limits.ts";
import type { Candidate, PeerTable } from "./peer_table.ts";
import type { ScoreTable } from "./scores.ts";
import type { HandshakeRefusal } from "./wire.ts";

export interface Admission {
  judge(candidate: Candidate): HandshakeRefusal | undefined;
  /** The same at the moment of registration; counts what it lets in. */
  admit(candidate: Candidate): HandshakeRefusal | undefined;
  /** Of new links, apart from connections. */
  readonly linkPace: AccountPace;
}

export function createAdmission(options: {
  readonly self: ValidatorIndex | undefined;
  readonly limits: Pick<NetworkLimits, "builderAttemptsPerSecond" | "pacedAccountsMax">;
  readonly nowMs: () => number;
  readonly scores: Pick<ScoreTable, "isBanned">;
  readonly peers: Pick<PeerTable, "judge">;
  readonly isBuilder: (account: AccountId) => boolean;
}): Admission {
  const { self, limits, nowMs, scores, peers, isBuilder } = options;
  const { builderAttemptsPerSecond: perSecond, pacedAccountsMax: accountsMax } = limits;
  const newPace = (): AccountPace => createAccountPace({ perSecond, burst: 2 * perSecond, accountsMax, nowMs });
  const connectionPace = newPace();

  const judge = (candidate: Candidate): HandshakeRefusal | undefined =>
    scores.isBanned(candidate.key, nowMs()) ? "banned" : peers.judge(candidate);

  return {
    judge,
    admit(candidate) {
      const { builder } = candidate.identity;
      const isPaced = self !== undefined && builder !== undefined && isBuilder(builder);
      return judge(candidate) ?? (isPaced && !connectionPace.take(builder) ? "full" : undefined);
    },
    linkPace: newPace(),
  };
}
