/** The independent model of the ledger; it lives with the simulator's auditor, which predicts outcomes with it. */

export { LedgerModel, type ModelLimits, type ModelReceipt } from "../../testnet/workload/ledger_model.ts";
export type { ModelAccount, ModelSealed } from "../../testnet/workload/ledger_model_records.ts";
