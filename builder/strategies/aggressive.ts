/** Starts at 90 % of what it gains, two points more for each block lost lately, and bids again with everything that comes in, a point more each time,
 *  up to 99 %. */

import { type Strategy, shareOf } from "../strategy.ts";

const SHARE_PERCENT_MIN = 90;
const SHARE_PERCENT_MAX = 99;
const LOSS_PERCENT = 2;

export const aggressive: Strategy = {
  name: "aggressive",
  valueOf(situation) {
    const { gain, previous, losses } = situation;
    if (previous !== undefined && gain <= previous.gain) return undefined;
    const percent = SHARE_PERCENT_MIN + LOSS_PERCENT * losses + (previous?.count ?? 0);
    return shareOf(situation, Math.min(percent, SHARE_PERCENT_MAX));
  },
};
