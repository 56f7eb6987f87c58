/** Hashes against independent second versions: node:crypto for SHA-256, `@chainsafe/ssz` for the Merkle root of a body. */

import { createHash } from "node:crypto";
import { ByteVectorType, ListCompositeType } from "@chainsafe/ssz";
import fc from "fast-check";
import t from "tap";
import { bodyRootOf, chainIdOf, genesisBlockHash, hashHeader, hashTransaction, sha256, validatorSetContext } from "../../crypto/hashes.ts";
import { AssertionError } from "../../types/assert.ts";
import { blockHeaderCodec } from "../../types/block.ts";
import { concatBytes, fromHex, toHex } from "../../types/bytes.ts";
import { genesisCodec } from "../../types/genesis.ts";
import { type ChainId, Epoch, type TransactionHash } from "../../types/ids.ts";
import { BLOCK_TRANSACTIONS_MAX } from "../../types/limits.ts";
import { TAGS } from "../../types/signing.ts";
import { validatorSetCodec } from "../../types/validator_set.ts";
import { blockHeaders, genesisFiles, hashes, validatorSets } from "../support/arbitraries.ts";
import { holds } from "../support/property.ts";

const oracle = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const numbered = (count: number): TransactionHash[] =>
  Array.from({ length: count }, (_, index) => hashTransaction(Uint8Array.of(index & 255, index >> 8)));

t.test("sha256: every length around block and buffer boundaries, same as node:crypto", async (t) => {
  const source = Uint8Array.from({ length: 5_000 }, (_, index) => (index * 31) & 255);
  const lengths = [...Array(260).keys(), 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 4096, 5_000];
  const wrong = lengths.filter((length) => toHex(sha256(source.subarray(0, length))) !== oracle(source.subarray(0, length)));
  t.same(wrong, []);
});

t.test("sha256: a later call leaves an earlier digest alone", async (t) => {
  const first = sha256(Uint8Array.of(1));
  const before = toHex(first);
  sha256(Uint8Array.of(2));
  t.equal(toHex(first), before);
});

t.test("sha256: bytes in shared memory, same digest", async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(100)).fill(7);
  t.equal(toHex(sha256(shared)), oracle(shared.slice()));
});

t.test("bodyRootOf: any list, equals the SSZ root of a list limited to the next power of two", async (t) => {
  // SSZ pads to the limit of the type; with the next power of two as limit the two definitions meet.
  holds(
    t,
    fc.property(fc.array(hashes<TransactionHash>(), { minLength: 1, maxLength: 40 }), (list) => {
      const limit = 2 ** Math.ceil(Math.log2(list.length));
      const root = new ListCompositeType(new ByteVectorType(32), limit).hashTreeRoot(list.map(fromHex));
      return bodyRootOf(list) === toHex(root);
    }),
    60,
  );
});

t.test("bodyRootOf: no transaction, the hash of a zero leaf and a zero count", async (t) => {
  t.equal(bodyRootOf([]), oracle(new Uint8Array(64)));
});

t.test("bodyRootOf: the largest body is hashed, one more trips the assertion", async (t) => {
  const list = numbered(BLOCK_TRANSACTIONS_MAX);
  const root = new ListCompositeType(new ByteVectorType(32), BLOCK_TRANSACTIONS_MAX).hashTreeRoot(list.map(fromHex));
  t.equal(bodyRootOf(list), toHex(root));
  t.throws(() => bodyRootOf([...list, ...numbered(1)]), AssertionError);
});

t.test("bodyRootOf: order, omission and padding spelled out, each another root", async (t) => {
  const [a, b, c] = numbered(3) as [TransactionHash, TransactionHash, TransactionHash];
  const zero = "0".repeat(64) as TransactionHash;
  const lists = [[], [zero], [zero, zero], [a], [a, zero], [a, a], [a, b], [b, a], [a, b, c], [a, b, c, zero], [a, b, c, c]];
  t.equal(new Set(lists.map(bodyRootOf)).size, lists.length);
});

t.test("hashTransaction: plain SHA-256 of the bytes", async (t) => {
  t.equal(hashTransaction(Uint8Array.of(1, 2, 3)), oracle(Uint8Array.of(1, 2, 3)));
});

t.test("hashHeader, chainIdOf, validatorSetContext: SHA-256 over their own tag and the encoding", async (t) => {
  holds(
    t,
    fc.property(blockHeaders, genesisFiles, validatorSets, (header, genesis, set) => {
      const isHeader = hashHeader(header) === oracle(concatBytes([TAGS.header, blockHeaderCodec.encode(header)]));
      const isGenesis = chainIdOf(genesis) === oracle(concatBytes([TAGS.genesis, genesisCodec.encode(genesis)]));
      return (
        isHeader && isGenesis && validatorSetContext(set).hash === oracle(concatBytes([TAGS.validatorSet, validatorSetCodec.encode(set)]))
      );
    }),
    20,
  );
});

t.test("validatorSetContext: R13, the same members in another epoch have another name", async (t) => {
  holds(
    t,
    fc.property(validatorSets, (set) => {
      const later = { ...set, epoch: Epoch.of(set.epoch === 0 ? 1 : set.epoch - 1) };
      const context = validatorSetContext(set);
      const total = set.validators.reduce((sum, { weight }) => sum + weight, 0);
      return validatorSetContext(later).hash !== context.hash && context.totalWeight === total;
    }),
    20,
  );
});

t.test("genesisBlockHash: bound to the chain id, tagged as a header", async (t) => {
  const chainId = "ab".repeat(32) as ChainId;
  t.equal(genesisBlockHash(chainId), oracle(concatBytes([TAGS.header, fromHex(chainId)])));
  t.not(genesisBlockHash("cd".repeat(32) as ChainId), genesisBlockHash(chainId));
});
