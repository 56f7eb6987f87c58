/** The strategies that ship: what holds of every strategy, and what each is for. */

import fc from "fast-check";
import t from "tap";
import { STRATEGIES } from "../../builder/strategies.ts";
import { type BidSituation, LOSSES_WINDOW, type Strategy } from "../../builder/strategy.ts";
import { holds } from "../support/property.ts";

const situation = (change: Partial<BidSituation> = {}): BidSituation => ({
  gain: 1_000n,
  spendable: 1_000_000n,
  previous: undefined,
  losses: 0,
  ...change,
});

const { plain, aggressive } = STRATEGIES;

t.test("plain: 80 % of the gain, and again only when it has grown by a hundredth", async (t) => {
  t.equal(plain.valueOf(situation()), 800n);
  const previous = { value: 800n, gain: 1_000n, count: 1 };
  t.equal(plain.valueOf(situation({ gain: 1_009n, previous })), undefined);
  t.equal(plain.valueOf(situation({ gain: 1_010n, previous })), 808n);
  t.equal(plain.valueOf(situation({ losses: LOSSES_WINDOW })), 800n);
});

t.test("aggressive: from 90 % up to 99 %, more after losses and with every bid, whenever the gain grows", async (t) => {
  t.equal(aggressive.valueOf(situation()), 900n);
  t.equal(aggressive.valueOf(situation({ losses: 2 })), 940n);
  t.equal(aggressive.valueOf(situation({ losses: LOSSES_WINDOW })), 990n);
  const previous = { value: 900n, gain: 1_000n, count: 1 };
  t.equal(aggressive.valueOf(situation({ previous })), undefined, "nothing came in");
  t.equal(aggressive.valueOf(situation({ gain: 1_001n, previous })), 910n);
  t.equal(aggressive.valueOf(situation({ gain: 2_000n, previous: { ...previous, count: 20 } })), 1_980n);
});

for (const strategy of Object.values<Strategy>(STRATEGIES)) {
  t.test(`${strategy.name}: cut at what can be spent; nothing where the share is nothing`, async (t) => {
    t.equal(strategy.valueOf(situation({ spendable: 7n })), 7n);
    for (const nothing of [{ gain: 0n }, { gain: 1n }, { gain: -50n }, { spendable: 0n }]) {
      t.equal(strategy.valueOf(situation(nothing)), undefined);
    }
    t.equal(STRATEGIES[strategy.name as keyof typeof STRATEGIES], strategy, "found by its name");
  });

  t.test(
    `T2: ${strategy.name}: between 1 and what can be spent, never above the gain, above the bid that stands; grows with the gain`,
    async (t) => {
      const amount = fc.bigInt({ min: 0n, max: 10n ** 30n });
      const previous = fc.record({ value: fc.bigInt({ min: 1n, max: 10n ** 30n }), gain: amount, count: fc.integer({ min: 1, max: 100 }) });
      const arbitrary = fc.record({
        gain: fc.bigInt({ min: -100n, max: 10n ** 30n }),
        spendable: amount,
        previous: fc.option(previous, { nil: undefined }),
        losses: fc.integer({ min: 0, max: LOSSES_WINDOW }),
      });
      const property = fc.property(arbitrary, amount, (given, more) => {
        const value = strategy.valueOf(given);
        const richer = strategy.valueOf({ ...given, gain: given.gain + more });
        if (value === undefined) return true;
        const isWithin = value >= 1n && value <= given.spendable && value <= given.gain && value > (given.previous?.value ?? 0n);
        return isWithin && richer !== undefined && richer >= value;
      });
      holds(t, property, 300);
    },
  );
}
