/** Runs one validator for the testnet: the same command line as scripts/validator.ts, in two steps. It loads the code at once, while
 *  the testnet still makes keys, and begins when a line on standard input brings the arguments as a JSON list. When standard input
 *  ends, the testnet is gone, however it went: then the validator ends too. */

import process from "node:process";
import { createInterface } from "node:readline";

const LOADED = Promise.all([import("../node/command_line.ts"), import("../node/node.ts"), import("../node/validator_process.ts")]);

async function run(line: string): Promise<number> {
  const [{ runCommandLine }] = await LOADED;
  return runCommandLine(JSON.parse(line) as string[]);
}

/** A validator that serves shuts down in order on this signal; one that does not serve yet just ends. */
function endAlone(): void {
  process.kill(process.pid, "SIGTERM");
}

const lines = createInterface({ input: process.stdin });
lines.once("line", (line) => {
  run(line).then(
    (exitCode) => process.exit(exitCode),
    (error: unknown) => {
      console.error(error);
      process.exit(127);
    },
  );
});
lines.once("close", endAlone);
