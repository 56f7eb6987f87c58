/** What a simulated cluster is made of: keys, genesis, signature suites and applications. Everything follows from the scenario. */

import { createBlstSuite } from "../../crypto/bls_blst.ts";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_noble.ts";
import { chainIdOf, genesisBlockHash, sha256, validatorSetContext } from "../../crypto/hashes.ts";
import { nobleGroup } from "../../crypto/sealing/noble_group.ts";
import { createLedger } from "../../ledger/ledger.ts";
import { createNullApplication } from "../../ledger/null_application.ts";
import { wasmPairHasher } from "../../ledger/pair_hasher_wasm.ts";
import { createKeygen } from "../../mempool/keygen.ts";
import type { Keygen } from "../../mempool/keygen_interface.ts";
import { loadSealingSuite } from "../../node/sealing_suite.ts";
import { listQuorumOf, type SealingConfig } from "../../replica/sealing.ts";
import type { Application } from "../../types/application.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import type { Genesis } from "../../types/genesis.ts";
import { type ChainId, Epoch, TimestampMs, type ValidatorIndex } from "../../types/ids.ts";
import { SEALING_SUITES, type SealingSuite } from "../../types/sealing.ts";
import type { SigningDomain } from "../../types/signing.ts";
import type { BlsSuite, VerifyEd25519 } from "../../types/suites.ts";
import type { Validator, ValidatorSetContext } from "../../types/validator_set.ts";
import type { CheckedCluster } from "../checks/checker.ts";
import type { Scenario, SealingPlan } from "../scenario/manifest.ts";
import { BUILDER_BOND_MIN, builderKeysOf } from "../workload/genesis.ts";
import { createLyingSealer, type LyingSealer } from "../workload/lying_sealer.ts";
import { workloadGenesis } from "../workload/workload.ts";
import { createFastSealing, fastGroup } from "./fast_sealing.ts";
import { createFastBls, createFastEd25519 } from "./fast_signatures.ts";
import type { KeygenCheat } from "./strategy.ts";

export const GENESIS_TIME_MS = 1_700_000_000_000;

export interface Ed25519Suite {
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  readonly verify: VerifyEd25519;
}

/** fast: the doubles of fast_signatures.ts. real: the libraries that validators use, and every message goes through its codec. */
export type SignatureTier = "fast" | "bls";

export interface World {
  readonly scenario: Scenario;
  readonly tier: SignatureTier;
  readonly bls: BlsSuite;
  readonly ed25519: Ed25519Suite;
  readonly blsSecretKeys: readonly Uint8Array[];
  readonly ed25519SecretKeys: readonly Uint8Array[];
  /** Ed25519 secret keys of builders, whose accounts are the public ones; none where the scenario has no builders. */
  readonly builderSecretKeys: readonly Uint8Array[];
  /** What names the owner of each node's store: Ed25519 public keys, of validators, then of builders. */
  readonly storeKeys: readonly string[];
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly validators: ValidatorSetContext;
  readonly domain: SigningDomain;
  readonly checked: CheckedCluster;
  /** The sealing suite of the tier; also where the scenario seals nothing, since genesis names sealing keys. */
  readonly suite: SealingSuite;
  readonly liar: LyingSealer;
  readonly sealingSecretKeys: readonly Uint8Array[];
  /** Undefined where the scenario seals nothing. */
  readonly sealing: SealingConfig | undefined;
  /** A key generation at genesis, with the part of validator `self`; undefined for an observer. Only where the scenario seals. */
  createKeygen(self: ValidatorIndex | undefined, cheat?: KeygenCheat): Keygen;
  createApplication(): Application;
}

/** Its WebAssembly is compiled while this module loads, about 10 ms, since a run never waits. */
const REAL_SEALING = await loadSealingSuite();

export function createWorld(scenario: Scenario, tier: SignatureTier): World {
  const bls: BlsSuite = tier === "fast" ? createFastBls() : createBlstSuite();
  const ed25519 = tier === "fast" ? createFastEd25519() : REAL_ED25519;
  const blsSecretKeys = scenario.weights.map((_, index) => bls.deriveSecretKey(sha256(asciiBytes(`sealstone/simulator/bls/${index}`))));
  const ed25519SecretKeys = scenario.weights.map((_, index) => sha256(asciiBytes(`sealstone/simulator/ed25519/${index}`)));
  const builderSecretKeys = builderKeysOf(scenario);
  const suite = tier === "fast" ? createFastSealing() : REAL_SEALING;
  const sealingSecretKeys = scenario.weights.map((_, index) =>
    suite.deriveSecretKey(sha256(asciiBytes(`sealstone/simulator/sealing/${index}`))),
  );
  const members: Validator[] = scenario.weights.map((weight, index) => ({
    blsPublicKey: bls.publicKeyOf(blsSecretKeys[index] as Uint8Array),
    blsPossession: bls.provePossession(blsSecretKeys[index] as Uint8Array),
    ed25519PublicKey: toHex(ed25519.publicKeyOf(ed25519SecretKeys[index] as Uint8Array)),
    sealingPublicKey: suite.publicKeyOf(sealingSecretKeys[index] as Uint8Array),
    weight,
  }));
  const genesis: Genesis = { ...genesisOf(scenario, members), ...workloadGenesis({ scenario, ed25519 }) };
  const chainId = chainIdOf(genesis);
  const validators = validatorSetContext({ epoch: Epoch.ZERO, validators: members });
  const domain: SigningDomain = { chainId, epoch: Epoch.ZERO, validatorSetHash: validators.hash };
  const traitors = new Set(scenario.byzantine.map(({ validator }) => validator));
  const suspects = new Set(
    scenario.faults.flatMap(({ action }) => {
      const isHonestOtherwise = action.type === "rollback" && action.hidesCounter === true && !traitors.has(action.validator);
      return isHonestOtherwise ? [action.validator] : [];
    }),
  );
  return {
    scenario,
    tier,
    bls,
    ed25519,
    blsSecretKeys,
    ed25519SecretKeys,
    builderSecretKeys,
    storeKeys: [
      ...members.map(({ ed25519PublicKey }) => ed25519PublicKey),
      ...builderSecretKeys.map((key) => toHex(ed25519.publicKeyOf(key))),
    ],
    genesis,
    chainId,
    validators,
    domain,
    checked: {
      weights: scenario.weights,
      domain,
      chainId,
      blsPublicKeys: members.map(({ blsPublicKey }) => blsPublicKey),
      ed25519PublicKeys: ed25519SecretKeys.map((secretKey) => ed25519.publicKeyOf(secretKey)),
      bls,
      verifyEd25519: ed25519.verify,
      sealingSuite: suite,
      genesisHash: genesisBlockHash(chainId),
      honest: new Set(scenario.weights.map((_, index) => index).filter((index) => !traitors.has(index) && !suspects.has(index))),
      suspects,
      expect: scenario.expect,
    },
    suite,
    liar: tier === "fast" ? createLyingSealer(fastGroup) : createLyingSealer(nobleGroup),
    sealingSecretKeys,
    sealing: scenario.sealing === undefined ? undefined : sealingConfigOf(scenario.sealing),
    createKeygen: (self, cheat) => {
      const keygen = createKeygen({
        suite: cheat?.suite ?? suite,
        verify: ed25519.verify,
        domain,
        validators: members,
        threshold: listQuorumOf(members.length),
        windowMs: genesis.parameters.keygenWindowMs,
        resharing: undefined,
        self:
          self === undefined
            ? undefined
            : {
                index: self,
                sealingSecretKey: sealingSecretKeys[self] as Uint8Array,
                sign: (message) => ed25519.sign(ed25519SecretKeys[self] as Uint8Array, message),
                holder: undefined,
              },
      });
      return cheat === undefined ? keygen : withSilence(keygen, cheat);
    },
    createApplication: () =>
      scenario.application === "null"
        ? createNullApplication({ chainId })
        : createLedger({ genesis, chainId, hasher: wasmPairHasher, indexSeed: INDEX_SEED }),
  };
}

const INDEX_SEED = sha256(asciiBytes("sealstone/simulator/index"));

const REAL_ED25519: Ed25519Suite = { publicKeyOf: ed25519PublicKeyOf, sign: signEd25519, verify: verifyEd25519 };

/** Has nothing due in the phases in which its owner is silent. */
function withSilence(keygen: Keygen, cheat: KeygenCheat): Keygen {
  return {
    apply: (block) => keygen.apply(block),
    check: (message) => keygen.check(message),
    signatureCheckOf: (message) => keygen.signatureCheckOf(message),
    due: () => (cheat.isSilent(keygen.status.phase) ? undefined : keygen.due()),
    get live() {
      return keygen.live;
    },
    get secretShare() {
      return keygen.secretShare;
    },
    get status() {
      return keygen.status;
    },
    encode: () => keygen.encode(),
    restore: (bytes) => keygen.restore(bytes),
  };
}

function sealingConfigOf({ fewSealed, openMs, listIntervalMs, poolTransactionsMax }: SealingPlan): SealingConfig {
  return {
    pool: { countMax: poolTransactionsMax, bytesMax: 4 * 1024 * 1024, senderCountMax: 256 },
    opening: { fewSealed, openMs },
    listIntervalMs,
  };
}

type FixedGenesis = Omit<Genesis, "assets" | "balances">;

function genesisOf(scenario: Scenario, validators: readonly Validator[]): FixedGenesis {
  const { deltaMsMin, deltaMsMax, heartbeatMs } = scenario.protocol;
  return {
    name: "simulation",
    application: scenario.application,
    timeMs: TimestampMs.of(GENESIS_TIME_MS),
    epoch: Epoch.ZERO,
    parameters: {
      deltaMsMin,
      deltaMsMax,
      heartbeatMs,
      feeAsset: 1,
      feePerTransaction: 2,
      feePerOperation: 1,
      sealingSuite: scenario.sealing === undefined ? SEALING_SUITES.none : SEALING_SUITES.tdh2Ristretto255,
      keygenWindowMs: scenario.sealing?.keygenWindowMs ?? 2_000,
      builderBondMin: scenario.builders === undefined ? 0n : BUILDER_BOND_MIN,
    },
    validators,
  };
}
