/** A small latency matrix of our own: six regions, with round trips that we made up to be plausible. Nothing here was measured; it stands in
 *  the tree so that scenarios need no file. Rows and columns in the order of `regions`; not quite symmetric, as real ones are. */

import type { LatencyMatrix } from "./manifest.ts";

/** What a manifest calls it. */
export const SMALL_MATRIX_NAME = "small";

export const SMALL_MATRIX: LatencyMatrix = {
  regions: ["north", "west", "east", "south", "island", "far"],
  roundTripMs: [
    [2, 24, 38, 62, 90, 180],
    [24, 2, 70, 48, 76, 196],
    [39, 71, 2, 54, 112, 150],
    [62, 48, 55, 2, 134, 164],
    [91, 76, 112, 136, 3, 240],
    [182, 196, 150, 165, 242, 2],
  ],
};
