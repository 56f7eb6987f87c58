/** What is kept of a proposal: a justification stands outside of the leader's signature, and a certificate of a ballot that is known
 *  is dropped before its signature is looked at (R3). Found by the simulator: such a block was stored and served with the spoilt
 *  certificate, and whoever lacked the QC blamed the honest validator that served it. */

import t from "tap";
import { ballotOf, headerOver, timeoutOf } from "../support/consensus_fixture.ts";
import { createDriver, of, quorumOf } from "../support/core_driver.ts";

const first = headerOver(undefined, 1, { count: 4 });
const third = headerOver(first, 3, { count: 4 });

t.test("R1: a proposal with spoilt certificates of known ballots, is kept with those that were verified", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.certify(ballotOf("vote", first));
  driver.certify(timeoutOf(2));
  const genuine = { parent: quorumOf(driver.fixture, first), timeout: driver.fixture.certificate(timeoutOf(2), [1, 2, 3]) };
  const spoilt = (certificate: typeof genuine.parent) => ({ ...certificate, signature: certificate.signature.map((byte) => byte ^ 0x55) });
  const effects = driver.propose(third, {
    justification: { parentCertificate: spoilt(genuine.parent), timeoutCertificates: [spoilt(genuine.timeout)] },
  });
  const [asked] = of(effects, "checkBody");
  t.same(asked?.proposal.parentCertificate, genuine.parent);
  t.same(asked?.proposal.timeoutCertificates, [genuine.timeout]);
});
