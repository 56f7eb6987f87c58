/** A real validator process for crash tests: `crashing_validator.ts TARGET RECORDS [KILL]`. It is the product's own process with two
 *  things around it: SIGKILL to itself inside one durable write, and append-only files in the directory RECORDS, written before
 *  anything could leave the process, that outlive every kill: `signed` (what was signed), `final` (what was acknowledged as final),
 *  `writes` (label of each durable write).
 *
 *  KILL is `creation:N` (TARGET is a data directory; only opens the store, killed in its durable write number N), or `label:N:TEXT`
 *  (TARGET is a configuration; killed at the Nth durable write whose label is TEXT), or nothing: runs TARGET and is not killed. */

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Signer } from "../../node/signer.ts";
import { openFileStore } from "../../storage/file_store.ts";
import type { Store } from "../../storage/interface.ts";
import { CREATION_IDENTITY } from "./creation_identity.ts";

const [target, records, kill = ""] = process.argv.slice(2);
if (target === undefined || records === undefined) throw new Error("usage: crashing_validator.ts TARGET RECORDS [KILL]");
const [mode, numberText, wantedLabel] = kill.split(":");
const killNumber = Number(numberText);
let labelsSeen = 0;
const record = (file: string, line: string): void => appendFileSync(join(records, file), `${line}\n`);

function onDurableWrite(ordinal: number, label: string): void {
  record("writes", label);
  if (mode === "label" && label === wantedLabel) labelsSeen += 1;
  const isHit = mode === "creation" ? ordinal === killNumber : mode === "label" && label === wantedLabel && labelsSeen === killNumber;
  if (!isHit) return;
  process.kill(process.pid, "SIGKILL");
  // The signal may take a moment to arrive; nothing more may happen meanwhile.
  for (;;);
}

/** A final block counts as acknowledged once its save has resolved. */
function recordingStore(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name !== "save") {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (...parameters: Parameters<Store["save"]>) => {
        await target.save(...parameters);
        const [durable] = parameters;
        for (const { height, blockHash, stateRoot } of durable.operations) record("final", `${height} ${blockHash} ${stateRoot}`);
      };
    },
  });
}

function recordingSigner(signer: Signer): Signer {
  return {
    signVote(ballot) {
      const vote = signer.signVote(ballot);
      record("signed", `${ballot.kind} ${ballot.view} ${ballot.blockHash}`);
      return vote;
    },
    signProposal(wanted) {
      const proposal = signer.signProposal(wanted);
      record("signed", `proposal ${wanted.header.view} ${wanted.blockHash}`);
      return proposal;
    },
    stop: () => signer.stop(),
  };
}

async function openOnly(directory: string): Promise<number> {
  await (await openFileStore({ directory, identity: CREATION_IDENTITY, onDurableWrite })).close();
  return 0;
}

async function runWhole(configFile: string): Promise<number> {
  // Loaded here: opening a store needs no network stack, and there are many kills in it.
  const { runValidator } = await import("../../node/validator_process.ts");
  return runValidator({
    configFile,
    passphraseFile: undefined,
    acceptMissingCounter: false,
    parts: {
      openStore: async (options) => recordingStore(await openFileStore({ ...options, onDurableWrite })),
      wrapSigner: recordingSigner,
    },
  });
}

process.exit(await (mode === "creation" ? openOnly(target) : runWhole(target)));
