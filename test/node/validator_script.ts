/** Runs scripts/validator.ts or scripts/builder.ts as its own process, on the runtime of the test. */

import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const scriptOf = (name: string) => fileURLToPath(new URL(`../../scripts/${name}.ts`, import.meta.url));
const RUN_MS_MAX = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

type OnLine = (line: string, stop: () => void) => Promise<void>;

/** Runs the script until it ends; `onLine` gets the first line of stdout and may stop the process. */
export const runValidatorScript = (arguments_: readonly string[], onLine?: OnLine): Promise<Ended> =>
  runScript("validator", arguments_, onLine);
export const runBuilderScript = (arguments_: readonly string[], onLine?: OnLine): Promise<Ended> =>
  runScript("builder", arguments_, onLine);

function runScript(name: string, arguments_: readonly string[], onLine: OnLine = async () => undefined): Promise<Ended> {
  const runtime = process.versions.deno === undefined ? [] : ["run", "-A"];
  const child = spawn(process.execPath, [...runtime, scriptOf(name), ...arguments_], {
    env: { ...process.env, SEALSTONE_PASSPHRASE: "a test passphrase" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
  // Not `child.kill`: on Deno that reports the signal as the end of the process even when the process exits by itself.
  const stop = (): void => void (child.pid !== undefined && process.kill(child.pid, "SIGTERM"));
  let output = "";
  let errors = "";
  let handled: Promise<void> | undefined;
  const fail = (error: unknown): void => {
    errors += String(error);
    stop();
  };
  child.stderr.on("data", (data: Uint8Array) => {
    errors += new TextDecoder().decode(data);
  });
  child.stdout.on("data", (data: Uint8Array) => {
    output += new TextDecoder().decode(data);
    if (output.includes("\n")) handled ??= onLine(output.slice(0, output.indexOf("\n")), stop).catch(fail);
  });
  return new Promise((resolve) => {
    child.once("close", async (code) => {
      clearTimeout(deadline);
      await handled;
      resolve({ code, output, errors });
    });
  });
}
