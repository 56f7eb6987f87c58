/** A least-recently-used cache bounded by entries and bytes. */

export class BoundedCache<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly bytes: number }>();
  readonly #limits: { readonly cacheEntriesMax: number; readonly cacheBytesMax: number };
  #bytes = 0;

  constructor(limits: { readonly cacheEntriesMax: number; readonly cacheBytesMax: number }) {
    this.#limits = limits;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** `bytes` is the size of the encoding, as a measure of the value. */
  set(key: K, value: V, bytes: number): void {
    this.#drop(key);
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.cacheEntriesMax && this.#bytes <= this.#limits.cacheBytesMax) break;
      this.#drop(oldest);
    }
  }

  #drop(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
