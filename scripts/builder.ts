/** `npm run builder -- …`: one builder, its key, or its registration. See `--help`. */

import process from "node:process";
import { runBuilderCommandLine } from "../node/builder_command_line.ts";
import { REGISTRATION_COMMANDS, runRegistration } from "./builder_registration.ts";

const [name, ...rest] = process.argv.slice(2);
const command = REGISTRATION_COMMANDS.find((each) => each === name);

// Sockets or threads that a part left open must not keep the process: its exit code is what a supervisor waits for.
process.exit(await (command === undefined ? runBuilderCommandLine(process.argv.slice(2)) : runRegistration(command, rest)));
