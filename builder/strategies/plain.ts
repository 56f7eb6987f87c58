/** Bids 80 % of what it gains, and again when the gain has grown by a hundredth: whatever comes in while the block waits should not wait for the next. */

import { type Strategy, shareOf } from "../strategy.ts";

const SHARE_PERCENT = 80;
const STEP_PERCENT = 1n;

export const plain: Strategy = {
  name: "plain",
  valueOf(situation) {
    const { gain, previous } = situation;
    const isStep = previous === undefined || gain * 100n >= previous.gain * (100n + STEP_PERCENT);
    return isStep ? shareOf(situation, SHARE_PERCENT) : undefined;
  },
};
