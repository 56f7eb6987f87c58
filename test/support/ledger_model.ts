/** The independent model of the ledger; it lives with the simulator's auditor, which predicts outcomes with it. */

export { LedgerModel } from "../../testnet/workload/ledger_model.ts";
export type { ModelAccount, ModelLimits, ModelReceipt, ModelSealed } from "../../testnet/workload/ledger_model_records.ts";
