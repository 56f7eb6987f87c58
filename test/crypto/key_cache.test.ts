/** The cache of parsed public keys: its bound, its order of forgetting, and that refusals are not kept. */

import t from "tap";
import { createKeyCache } from "../../crypto/key_cache.ts";
import { AssertionError } from "../../types/assert.ts";

t.test("createKeyCache: more keys than its bound, the least recently used is parsed again", async (t) => {
  const parsed: number[] = [];
  const cache = createKeyCache(2, (bytes) => {
    parsed.push(bytes[0] as number);
    return { name: bytes[0] };
  });
  for (const name of [1, 2, 1, 3, 1, 2]) t.same(cache(Uint8Array.of(name)), { name });
  t.same(parsed, [1, 2, 3, 2]);
});

t.test("createKeyCache: refused bytes, asked again and never kept", async (t) => {
  let asked = 0;
  const cache = createKeyCache(1, (bytes) => {
    asked++;
    return bytes.length > 1 ? "key" : undefined;
  });
  t.equal(cache(Uint8Array.of(1, 2)), "key");
  for (let index = 0; index < 3; index++) t.equal(cache(Uint8Array.of(index)), undefined);
  t.equal(cache(Uint8Array.of(1, 2)), "key");
  t.equal(asked, 4, "the good key survived the refused ones");
});

t.test("createKeyCache: the caller changes its bytes afterwards, the cache does not confuse them", async (t) => {
  const cache = createKeyCache(4, (bytes) => bytes[0]);
  const bytes = Uint8Array.of(1);
  t.equal(cache(bytes), 1);
  bytes[0] = 2;
  t.equal(cache(bytes), 2);
  t.equal(cache(Uint8Array.of(1)), 1);
});

t.test("createKeyCache: a bound of zero, assertion", async (t) => {
  t.throws(() => createKeyCache(0, () => 1), AssertionError);
});
