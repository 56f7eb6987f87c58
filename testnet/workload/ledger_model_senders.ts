/** Nonces in the ledger's model: which each sender has used, and what is wrong with another one. Shares nothing with `ledger/` but the numbers of
 *  the result codes. */

import { TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import type { ModelAccount, ModelSender, Terms } from "./ledger_model_records.ts";

export class ModelSenders {
  /** In the order of their first use. */
  readonly list: ModelSender[] = [];
  readonly #byId = new Map<string, ModelSender>();

  flawsOf({ sender: id, nonce }: Pick<Terms, "sender" | "nonce">): number[] {
    const failing: number[] = [];
    const sender = this.#byId.get(id);
    const lowest = Math.max(0, (sender?.highest ?? 0) - 255);
    if (nonce < lowest) failing.push(TX.nonceTooOld);
    if (sender?.used.has(nonce) === true) failing.push(TX.nonceReplayed);
    if (nonce > lowest + 511) failing.push(TX.nonceTooFar);
    return failing;
  }

  use(payer: ModelAccount, { nonce, onUndo }: { readonly nonce: number; readonly onUndo: (takeBack: () => void) => void }): void {
    const known = this.#byId.get(payer.id);
    const sender = known ?? { id: payer.id, used: new Set<number>(), highest: 0, leaf: undefined };
    if (known === undefined) {
      this.list.push(sender);
      this.#byId.set(payer.id, sender);
      Object.assign(payer, { sender: this.list.length, leaf: undefined });
    }
    const { highest } = sender;
    sender.used.add(nonce);
    Object.assign(sender, { highest: Math.max(highest, nonce), leaf: undefined });
    onUndo(() => {
      sender.used.delete(nonce);
      Object.assign(sender, { highest, leaf: undefined });
      if (known !== undefined) return;
      this.list.pop();
      this.#byId.delete(payer.id);
      Object.assign(payer, { sender: 0, leaf: undefined });
    });
  }
}
