/** What a builder says of a bundle, as JSON: amounts as decimal strings, codes with their names, each reason with a sentence. */

import type { BundleStatus, NotIncludedReason, OperationFailure, TransactionFailure } from "../../builder/bundle.ts";

/** The application's names of its result codes. */
export type DescribeCode = (code: number) => string;
type Json = Readonly<Record<string, unknown>>;

export function bundleStatusJson(status: BundleStatus, describeCode: DescribeCode): Json {
  switch (status.type) {
    case "pending":
      return { status: "pending", ...(status.last === undefined ? {} : { last: reasonJson(status.last, describeCode) }) };
    case "offered":
      return { status: "offered", height: status.height, sequence: status.sequence, value: status.value.toString() };
    case "included":
      return { status: "included", height: status.height, blockHash: status.blockHash, group: status.group };
    case "notIncluded":
      return { status: "notIncluded", reason: reasonJson(status.reason, describeCode) };
    default:
      return status satisfies never;
  }
}

function reasonJson(reason: NotIncludedReason, describeCode: DescribeCode): Json {
  const message = sentenceOf(reason, describeCode);
  if (reason.type === "simulationFailed" || reason.type === "executionFailed") {
    const operations = reason.operations.map((each) => ({ ...each, codeName: describeCode(each.code) }));
    return { ...reason, message, codeName: describeCode(reason.code), operations };
  }
  const { type, ...details } = reason;
  const shown = Object.entries(details).map(([name, value]) => [name, typeof value === "bigint" ? value.toString() : value]);
  return { type, message, ...Object.fromEntries(shown) };
}

function sentenceOf(reason: NotIncludedReason, describeCode: DescribeCode): string {
  switch (reason.type) {
    case "expired":
      return "its last height has passed";
    case "simulationFailed":
      return `on the last executed state its transaction ${failureText(reason, describeCode)}`;
    case "executionFailed":
      return `it stood in block ${reason.height}, and nothing of it was kept: its transaction ${failureText(reason, describeCode)}`;
    case "tipNotPaid":
      return `it brings the builder ${reason.measured}, less than the ${reason.declared} that it promises`;
    case "noRoom":
      return "other bundles paid better for the room there is";
    case "cannotSeal":
      return "it could not be sealed: there is no sealing key, or too many blocks wait to be opened";
    case "lostAuction":
      return `it was bid with, and somebody else built block ${reason.height}`;
    case "conflict":
      return reason.with.type === "bundle" ? "another bundle used one of its nonces" : "a public transaction used one of its nonces";
    case "unfit":
      return "one of its transactions is not an open one of this chain, well signed";
    case "unopened":
      return `what it was sealed in for block ${reason.height} did not open`;
    case "orderedApart":
      return `one of its transactions was ordered in block ${reason.height} without the others`;
    case "evicted":
      return "the builder's pool was full, and others are worth more, or this one was not measured in time";
    default:
      return reason satisfies never;
  }
}

function failureText({ position, code, operations }: TransactionFailure, describeCode: DescribeCode): string {
  const named = (value: number): string => `code ${value} (${describeCode(value)})`;
  const cause = causeOf(operations, describeCode);
  const detail = cause === undefined ? "" : `: its operation ${cause.index} with ${named(cause.code)}`;
  return `${position} fails with ${named(code)}${detail}`;
}

/** Not an operation that only shares the fate of the one that failed. */
function causeOf(operations: readonly OperationFailure[], describeCode: DescribeCode): OperationFailure | undefined {
  return operations.find(({ code }) => describeCode(code) !== SHARED_FATE) ?? operations[0];
}

const SHARED_FATE = "linkedOperationFailed";
