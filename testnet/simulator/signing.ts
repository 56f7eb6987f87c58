/** Signs with one validator's own keys. */

import { hashHeader } from "../../crypto/hashes.ts";
import type { Proposal } from "../../types/block.ts";
import { ValidatorIndex } from "../../types/ids.ts";
import { ballotSigningBytes, proposalSigningBytes } from "../../types/signing.ts";
import type { Ballot, SignedVote } from "../../types/vote.ts";
import type { World } from "./world.ts";

export function signVote(world: World, validator: number, ballot: Ballot): SignedVote {
  const secretKey = world.blsSecretKeys[validator] as Uint8Array;
  const signature = world.bls.sign(secretKey, ballotSigningBytes(world.domain, ballot));
  return { ballot, validator: ValidatorIndex.of(validator), signature };
}

export function signProposal(world: World, validator: number, unsigned: Omit<Proposal, "signature">): Proposal {
  const secretKey = world.ed25519SecretKeys[validator] as Uint8Array;
  const message = proposalSigningBytes(world.domain, unsigned.header.view, hashHeader(unsigned.header));
  return { ...unsigned, signature: world.ed25519.sign(secretKey, message) };
}
