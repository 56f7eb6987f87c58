/** `npm run validator -- …`: one validator, its keys, or a genesis. See `--help`. */

import process from "node:process";
import { runCommandLine } from "../node/command_line.ts";

// Sockets or threads that a part left open must not keep the process: its exit code is what a supervisor waits for.
process.exit(await runCommandLine(process.argv.slice(2)));
