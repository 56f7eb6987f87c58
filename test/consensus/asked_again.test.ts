/** What is missing is asked for again although views go by. Found by the simulator (seed 228): a traitor answered the request for one block
 *  with another, the chain moved on by certificates, each of which put the repetition off, and the validator, whose commit votes
 *  finality needed, never asked again. The chain grew without end, and nothing became final any more. */

import t from "tap";
import { hashHeader } from "../../crypto/hashes.ts";
import { ballotOf, CONFIG, headerOver } from "../support/consensus_fixture.ts";
import { type CoreDriver, createDriver, of, quorumOf } from "../support/core_driver.ts";

const COUNT = { count: 4 };
const STEP_MS = CONFIG.resendMs / 3;

/** A validator that lacks the first block, and then sees one certified block after the other. */
function withoutFirst(): { readonly driver: CoreDriver; readonly missing: string; readonly moveOn: (views: number) => number } {
  const driver = createDriver({ isObserver: true });
  let parent = headerOver(undefined, 1, COUNT);
  const missing = hashHeader(parent);
  driver.certify(ballotOf("vote", parent));
  function moveOn(views: number): number {
    const before = driver.effects.length;
    for (let index = 0; index < views; index++) {
      driver.advance(STEP_MS);
      const header = headerOver(parent, parent.view + 1, COUNT);
      driver.propose(header, { justification: { parentCertificate: quorumOf(driver.fixture, parent) } });
      driver.certify(ballotOf("vote", header));
      parent = header;
    }
    return of(driver.effects.slice(before), "fetchBlock").filter(({ blockHash }) => blockHash === missing).length;
  }
  return { driver, missing, moveOn };
}

t.test("R7: a missing block while certificates move us on, asked for again after resendMs, and not with every view", async (t) => {
  const { driver, missing, moveOn } = withoutFirst();
  t.equal(of(driver.effects, "fetchBlock").filter(({ blockHash }) => blockHash === missing).length, 1);
  t.equal(moveOn(2), 0, "not before it is due");
  t.equal(moveOn(12), 4, "then once in resendMs");
});

t.test("R7: nothing is missing, nothing is asked for, however long views go by", async (t) => {
  const driver = createDriver({ isObserver: true });
  let parent = headerOver(undefined, 1, COUNT);
  driver.propose(parent);
  for (let index = 0; index < 20; index++) {
    driver.advance(STEP_MS);
    driver.certify(ballotOf("vote", parent));
    const header = headerOver(parent, parent.view + 1, COUNT);
    driver.propose(header, { justification: { parentCertificate: quorumOf(driver.fixture, parent) } });
    parent = header;
  }
  t.same(of(driver.effects, "fetchBlock"), []);
});
