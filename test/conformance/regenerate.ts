/** Stores the golden vectors anew: `node test/conformance/regenerate.ts`. A changed file is a change of what this protocol
 *  publishes: nodes of the old and the new encoding do not understand each other. Review the difference line by line. */

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { goldenFiles } from "./golden.ts";

for (const [name, content] of goldenFiles()) {
  await writeFile(path.join(import.meta.dirname, name), `${JSON.stringify(content, undefined, 2)}\n`);
}
