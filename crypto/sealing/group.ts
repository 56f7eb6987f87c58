/** What threshold sealing asks of a group of prime order ℓ and of the symmetric primitives beside it. The protocol (suite.ts) is written once
 *  over this interface; libsodium, noble and the simulator's double bring the arithmetic. Points and scalars are opaque and valid by
 *  construction: bytes from outside enter only through `parsePoint` and `parseScalar`, which never throw.
 *  Operations take secret scalars unless their name says "public": only those may take time that depends on values. */

export interface Group<Point, Scalar> {
  readonly name: string;
  /** The suite's number on the wire (SEALING_SUITES). */
  readonly suite: number;

  /** 32 bytes, little-endian, below ℓ; zero is a scalar. */
  parseScalar(bytes: Uint8Array): Scalar | undefined;
  encodeScalar(scalar: Scalar): Uint8Array;
  /** 64 bytes as a little-endian number, reduced modulo ℓ. */
  scalarFromHash(hash: Uint8Array): Scalar;
  /** A small integer >= 0: evaluation points. */
  scalarOf(value: number): Scalar;
  addScalars(left: Scalar, right: Scalar): Scalar;
  subtractScalars(left: Scalar, right: Scalar): Scalar;
  multiplyScalars(left: Scalar, right: Scalar): Scalar;
  /** Of a scalar that is not zero. */
  invertScalar(scalar: Scalar): Scalar;

  /** 32 bytes in the canonical encoding, not the identity. */
  parsePoint(bytes: Uint8Array): Point | undefined;
  /** The identity, which only arithmetic can produce, is 32 zero bytes. */
  encodePoint(point: Point): Uint8Array;
  /** 64 uniform bytes to a point whose discrete logarithm nobody knows (RFC 9496 §4.3.4). */
  pointFromHash(hash: Uint8Array): Point;
  add(left: Point, right: Point): Point;
  subtract(left: Point, right: Point): Point;
  multiplyBase(scalar: Scalar): Point;
  multiply(point: Point, scalar: Scalar): Point;
  multiplyPublic(point: Point, scalar: Scalar): Point;
  /** `factor` is a public integer >= 1, small enough for an evaluation point. */
  multiplySmall(point: Point, factor: number): Point;
  /** Σ scalars[i]·points[i] of as many points as scalars, at least one; all public. */
  combinePublic(points: readonly Point[], scalars: readonly Scalar[]): Point;

  /** SHA-512: 64 bytes. */
  hash(bytes: Uint8Array): Uint8Array;
  /** ChaCha20-Poly1305 (RFC 8439) with the all-zero nonce: `key` encrypts one message, ever. Returns ciphertext ‖ 16-byte tag. */
  encrypt(given: AeadInput): Uint8Array;
  /** Undefined when the tag does not fit. */
  decrypt(given: AeadInput): Uint8Array | undefined;
}

/** `text` is the message or the ciphertext with its tag. */
export interface AeadInput {
  readonly key: Uint8Array;
  readonly associated: Uint8Array;
  readonly text: Uint8Array;
}

/** A point with its canonical bytes, so that it is not encoded or decoded twice. */
export interface EncodedPoint<Point> {
  readonly point: Point;
  readonly bytes: Uint8Array;
}

export function encoded<Point, Scalar>(group: Group<Point, Scalar>, point: Point): EncodedPoint<Point> {
  return { point, bytes: group.encodePoint(point) };
}

export function parseEncoded<Point, Scalar>(group: Group<Point, Scalar>, bytes: Uint8Array): EncodedPoint<Point> | undefined {
  const point = group.parsePoint(bytes);
  return point === undefined ? undefined : { point, bytes };
}

/** All or nothing. */
export function parseAllEncoded<Point, Scalar>(
  group: Group<Point, Scalar>,
  list: readonly Uint8Array[],
): EncodedPoint<Point>[] | undefined {
  const points: EncodedPoint<Point>[] = [];
  for (const bytes of list) {
    const point = parseEncoded(group, bytes);
    if (point === undefined) return undefined;
    points.push(point);
  }
  return points;
}
