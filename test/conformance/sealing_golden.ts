/** Golden vectors of the sealing suite TDH2-R255-FO: a key from deals, sealed parts, shares, proofs, a complaint and a resharing, all from fixed
 *  inputs. `suite` is for any implementation, `double` for the simulator's (testnet/simulator/fast_sealing.ts).
 *  Write the file anew, after a deliberate change of format only: node test/conformance/sealing_golden.ts --write */

import { writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { keyIdOf } from "../../crypto/sealing/key_id.ts";
import { nobleGroup } from "../../crypto/sealing/noble_group.ts";
import { createSealingSuite } from "../../crypto/sealing/suite.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { asciiBytes } from "../../types/bytes.ts";
import { ValidatorIndex } from "../../types/ids.ts";
import type { SealingSuite } from "../../types/sealing.ts";
import { type Json, toJson } from "./golden.ts";

export const SEALING_GOLDEN_FILE = path.join(import.meta.dirname, "sealing.json");

const VALIDATORS = 4;
const THRESHOLD = 3;

const counting = (length: number, start: number): Uint8Array => Uint8Array.from({ length }, (_, index) => start + index);
const indices = Array.from({ length: VALIDATORS }, (_, index) => ValidatorIndex.of(index));

/** What any implementation must make of the inputs that stand beside it. */
export function sealingGolden(suite: SealingSuite): Json {
  const seeds = indices.map((index) => counting(32, 16 * index));
  const secretKeys = seeds.map(suite.deriveSecretKey);
  const recipients = secretKeys.map(suite.publicKeyOf);
  const fresh = dealt(suite, { secretKeys, recipients, dealers: [0, 1, 3], constants: undefined });
  const reshared = dealt(suite, { secretKeys, recipients, dealers: [1, 2, 3], constants: fresh.secretShares });
  const { publicKey, shareKeys } = fresh.key;
  const sealed = [sealedCase(suite, fresh, 0), sealedCase(suite, fresh, 33)];
  const proofOver = sealed.map(({ sealed }) => sealed);
  return toJson({
    name: "TDH2-R255-FO",
    threshold: THRESHOLD,
    validators: seeds.map((seed, at) => ({ seed, secretKey: secretKeys[at], publicKey: recipients[at] })),
    fresh,
    keyId: keyIdOf({ suite: suite.suite, threshold: THRESHOLD, publicKey, shareKeys }),
    reshared,
    sealed,
    shareProof: { validator: 1, proof: suite.proveShares({ secretShare: fresh.secretShares[1] as Uint8Array, sealed: proofOver }) },
  });
}

/** Deals of some dealers to everybody, with what comes of them. */
function dealt(
  suite: SealingSuite,
  given: {
    readonly secretKeys: readonly Uint8Array[];
    readonly recipients: readonly Uint8Array[];
    readonly dealers: readonly number[];
    /** Given for resharing: the old shares. */
    readonly constants: readonly Uint8Array[] | undefined;
  },
) {
  const { secretKeys, recipients, constants } = given;
  const dealers = given.dealers.map(ValidatorIndex.of);
  const isResharing = constants !== undefined;
  const contextOf = (dealer: number): Uint8Array => asciiBytes(`golden/${isResharing ? "reshare" : "fresh"}/${dealer}`);
  const deals = dealers.map((dealer) => {
    const inputs = {
      seed: counting(32, 100 + dealer),
      constant: constants?.[dealer],
      threshold: THRESHOLD,
      recipients,
      context: contextOf(dealer),
    };
    const deal = suite.deal(inputs);
    const disclosure = suite.discloseShare({
      deal,
      recipient: indices[2] as ValidatorIndex,
      secretKey: secretKeys[2] as Uint8Array,
      context: inputs.context,
    });
    return { dealer, seed: inputs.seed, constant: inputs.constant, context: inputs.context, deal, disclosureOf2: disclosure };
  });
  const key = suite.combineDeals({ deals: deals.map(({ deal }) => deal), dealers, isResharing, recipients: VALIDATORS });
  const secretShares = indices.map((recipient) => {
    const secretKey = secretKeys[recipient] as Uint8Array;
    const shares = deals.map(({ deal, context }) => suite.receiveShare({ deal, recipient, secretKey, context }) as Uint8Array);
    return suite.combineReceived({ shares, dealers, isResharing });
  });
  return { deals, key, secretShares };
}

function sealedCase(suite: SealingSuite, fresh: ReturnType<typeof dealt>, length: number) {
  const { publicKey } = fresh.key;
  const [label, message, randomness] = [counting(20 + length, 1), counting(length, 2), counting(64, length)];
  const sealed = suite.seal({ publicKey, label, message, randomness });
  const shares = fresh.secretShares.map((secret) => suite.shareOf(secret, sealed));
  const seed = suite.combine({
    shares: [0, 2, 3].map((at) => ({ validator: ValidatorIndex.of(at), share: shares[at] as Uint8Array })),
    label,
    sealed,
  });
  return { label, message, randomness, sealed, shares, seed };
}

if (process.argv.includes("--write")) {
  const golden = { suite: sealingGolden(createSealingSuite(nobleGroup)), double: sealingGolden(createFastSealing()) };
  writeFileSync(SEALING_GOLDEN_FILE, `${JSON.stringify(golden, undefined, 2)}\n`);
}
