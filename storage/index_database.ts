/** The index in SQLite: block hash → height, transaction hash → (height, index), height → place in the operation log.
 *  Places of a bundle's transactions count on from those of its block (receipt_places.ts). Derived from the logs: a damaged or foreign
 *  database is deleted and filled again. Hashes are cut to 16 bytes; readers check what they find against the log, so that the index can
 *  be incomplete but never lie. */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { fromHex, toHex } from "../types/bytes.ts";
import { type BlockHash, Height, type TransactionHash } from "../types/ids.ts";
import type { Files } from "./files.ts";
import type { TransactionLocation } from "./interface.ts";
import type { FrameLocation } from "./segmented_log.ts";

export type IndexRow =
  | { readonly type: "block"; readonly height: Height; readonly blockHash: BlockHash }
  | { readonly type: "operation"; readonly height: Height; readonly location: FrameLocation }
  | { readonly type: "transaction"; readonly height: Height; readonly index: number; readonly hash: TransactionHash };

/** How far the index is complete. */
export interface IndexMarks {
  readonly finalHeight: Height;
  readonly operationHeight: Height;
}

export class IndexDatabase {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  #marks: IndexMarks;

  private constructor(database: DatabaseSync, marks: IndexMarks) {
    this.#database = database;
    this.#marks = marks;
    this.#statements = prepareStatements(database);
  }

  /** The index of the store `storeId`; undefined when there is none that can be read. */
  static openExisting(files: Files, directory: string, storeId: Uint8Array): IndexDatabase | undefined {
    if (!files.exists(`${directory}/${INDEX_FILE}`)) return undefined;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(files.databasePath(`${directory}/${INDEX_FILE}`));
      database.exec(SETTINGS);
      const row = database.prepare("SELECT version, store, final_height, operation_height FROM marks").get();
      if (row?.version === INDEX_VERSION && row.store === toHex(storeId)) {
        const marks = { finalHeight: Height.of(Number(row.final_height)), operationHeight: Height.of(Number(row.operation_height)) };
        return new IndexDatabase(database, marks);
      }
    } catch (error) {
      // Whatever is wrong with it, the index can be made again from the logs.
      if (!(error instanceof Error)) throw error;
    }
    database?.close();
    return undefined;
  }

  /** An empty index in the place of whatever is there. */
  static create(files: Files, directory: string, storeId: Uint8Array): IndexDatabase {
    for (const name of files.list(directory)) if (name.startsWith(INDEX_FILE)) files.remove(`${directory}/${name}`);
    const database = new DatabaseSync(files.databasePath(`${directory}/${INDEX_FILE}`));
    database.exec(SCHEMA);
    database.prepare("INSERT INTO marks VALUES (?, ?, 0, 0)").run(INDEX_VERSION, toHex(storeId));
    return new IndexDatabase(database, NO_MARKS);
  }

  get marks(): IndexMarks {
    return this.#marks;
  }

  /** Writes rows and, when given, new marks in one transaction. */
  write(rows: readonly IndexRow[], marks: IndexMarks): void {
    const { insertBlock, insertOperation, insertTransaction, setMarks } = this.#statements;
    this.#database.exec("BEGIN");
    for (const row of rows) {
      if (row.type === "block") insertBlock.run(keyOf(row.blockHash), row.height);
      else if (row.type === "transaction") insertTransaction.run(keyOf(row.hash), row.height, row.index);
      else insertOperation.run(row.height, row.location.segment, row.location.offset, row.location.length);
    }
    setMarks.run(marks.finalHeight, marks.operationHeight);
    this.#database.exec("COMMIT");
    this.#marks = marks;
  }

  heightOf(blockHash: BlockHash): Height | undefined {
    const row = this.#statements.findBlock.get(keyOf(blockHash));
    return row === undefined ? undefined : Height.of(Number(row.height));
  }

  operationAt(height: Height): FrameLocation | undefined {
    const row = this.#statements.findOperation.get(height);
    return row === undefined ? undefined : { segment: Number(row.segment), offset: Number(row.offset), length: Number(row.length) };
  }

  locate(hash: TransactionHash): TransactionLocation | undefined {
    const row = this.#statements.findTransaction.get(keyOf(hash));
    return row === undefined ? undefined : { height: Height.of(Number(row.height)), index: Number(row.position) };
  }

  /** Forgets operations above `height`: they were lost before they were synced and will be derived again, alike. */
  rewindOperations(height: Height): void {
    this.#database.prepare("DELETE FROM operations WHERE height > ?").run(height);
    this.write([], { ...this.#marks, operationHeight: height });
  }

  close(): void {
    this.#database.close();
  }
}

const INDEX_FILE = "index.sqlite";
const INDEX_VERSION = 1;
const NO_MARKS: IndexMarks = { finalHeight: Height.ZERO, operationHeight: Height.ZERO };

/** WAL with NORMAL: a killed process loses nothing, a power cut loses recent rows and never the structure. */
const SETTINGS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096";
const SCHEMA = `${SETTINGS};
  CREATE TABLE marks (version INTEGER NOT NULL, store TEXT NOT NULL, final_height INTEGER NOT NULL, operation_height INTEGER NOT NULL);
  CREATE TABLE blocks (hash BLOB PRIMARY KEY, height INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE operations (height INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL);
  CREATE TABLE transactions (hash BLOB PRIMARY KEY, height INTEGER NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;`;

interface Statements {
  readonly insertBlock: StatementSync;
  readonly insertOperation: StatementSync;
  readonly insertTransaction: StatementSync;
  readonly setMarks: StatementSync;
  readonly findBlock: StatementSync;
  readonly findOperation: StatementSync;
  readonly findTransaction: StatementSync;
}

function prepareStatements(database: DatabaseSync): Statements {
  return {
    insertBlock: database.prepare("INSERT OR REPLACE INTO blocks VALUES (?, ?)"),
    insertOperation: database.prepare("INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?)"),
    // The first place wins: a transaction that is ordered again does not execute again.
    insertTransaction: database.prepare("INSERT OR IGNORE INTO transactions VALUES (?, ?, ?)"),
    setMarks: database.prepare("UPDATE marks SET final_height = ?, operation_height = ?"),
    findBlock: database.prepare("SELECT height FROM blocks WHERE hash = ?"),
    findOperation: database.prepare("SELECT segment, offset, length FROM operations WHERE height = ?"),
    findTransaction: database.prepare("SELECT height, position FROM transactions WHERE hash = ?"),
  };
}

function keyOf(hash: string): Uint8Array {
  return fromHex(hash.slice(0, 32));
}
