/** The bounded memory of recent values. */

import fc from "fast-check";
import t from "tap";
import { createRecentSet } from "../../types/recent_set.ts";
import { holds } from "../support/property.ts";

t.test("createRecentSet: remembers the last values and forgets what is twice as old", async (t) => {
  const recent = createRecentSet<number>(3);
  for (let value = 1; value <= 5; value++) recent.add(value);
  t.same([3, 4, 5].map(recent.has), [true, true, true], "the last three");
  for (let value = 6; value <= 9; value++) recent.add(value);
  t.same([1, 2, 3].map(recent.has), [false, false, false]);
  recent.clear();
  t.equal(recent.has(9), false);
});

t.test("createRecentSet: holds the last countMax distinct values, whatever comes", async (t) => {
  holds(
    t,
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.nat(20), { maxLength: 60 }), (countMax, values) => {
      const recent = createRecentSet<number>(countMax);
      for (const value of values) recent.add(value);
      const distinct = [...new Set(values.slice(-countMax))];
      return distinct.every((value) => recent.has(value));
    }),
    200,
  );
});
