/** Bids 80 % of what it gains, once for each block, and again only when the gain has grown by a tenth. */

import { type Strategy, shareOf } from "../strategy.ts";

const SHARE_PERCENT = 80;
const STEP_PERCENT = 10n;

export const plain: Strategy = {
  name: "plain",
  valueOf(situation) {
    const { gain, previous } = situation;
    const isStep = previous === undefined || gain * 100n >= previous.gain * (100n + STEP_PERCENT);
    return isStep ? shareOf(situation, SHARE_PERCENT) : undefined;
  },
};
