import type { Reason as ReasonEnum } from '../../proto/gen/meshmart/error/v1/error.js';

/** Status codes of gRPC (https://grpc.io/docs/guides/status-codes/), by number. */
export const codes = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type Code = Exclude<(typeof codes)[number], 'OK'>;

type WithoutPrefix<Name> = Name extends `REASON_${infer Rest}` ? Rest : never;

/** Why a call failed: a member of the contract's enum `meshmart.error.v1.Reason`, without its prefix. */
export type Reason = Exclude<WithoutPrefix<keyof typeof ReasonEnum>, 'UNSPECIFIED'>;

/** One rule that one field of a request breaks. */
export interface FieldViolation {
  /** JSON path of the field, such as `shippingAddress.country` or `ids[2]`; empty for the request as a whole. */
  readonly field: string;
  /** Stable name of the rule, such as `int32.gte`. */
  readonly rule: string;
  /** What the rule asks for, for people. */
  readonly message: string;
}

/** What a {@link MeshError} is made from. */
export interface MeshErrorFields {
  readonly code: Code;
  readonly reason: Reason;
  /** What was wrong, where, and what to do. Never holds secrets, stacks or data of others. */
  readonly message: string;
  /** Machine-readable details, such as `newTotal`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  /** What lies behind it; for logs, never on the wire. */
  readonly cause?: unknown;
}

const brand = Symbol.for('meshmart.MeshError');

/**
 * The one error that crosses the wire. Code and reason are the contract, the message is for people. Two copies of this
 * module recognise each other's errors.
 */
export class MeshError extends Error {
  override readonly name = 'MeshError';
  readonly code: Code;
  readonly reason: Reason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly [brand] = true;

  constructor(fields: MeshErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.reason = fields.reason;
    this.metadata = fields.metadata ?? {};
    this.violations = fields.violations ?? [];
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return MeshError.is(value);
  }

  static is(value: unknown): value is MeshError {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
  }

  /** Turns whatever was thrown into a MeshError. What is not one already becomes INTERNAL with a neutral message. */
  static from(thrown: unknown): MeshError {
    if (MeshError.is(thrown)) return thrown;
    return new MeshError({
      code: 'INTERNAL',
      reason: 'INTERNAL',
      message: 'the shop made a mistake: the log has more under the trace id',
      cause: thrown,
    });
  }
}

/** INVALID_ARGUMENT for one field. */
export function invalidField(
  field: string,
  rule: string,
  message: string,
  reason: Reason = 'VALIDATION_FAILED',
): MeshError {
  return invalidRequest([{ field, rule, message }], reason);
}

/** INVALID_ARGUMENT for several violations; the message names the first. */
export function invalidRequest(
  violations: readonly FieldViolation[],
  reason: Reason = 'VALIDATION_FAILED',
): MeshError {
  const [first] = violations;
  const where = first === undefined || first.field === '' ? 'the request' : first.field;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  return new MeshError({
    code: 'INVALID_ARGUMENT',
    reason,
    message: `${where}: ${first?.message ?? 'breaks a rule'}${more}`,
    violations,
  });
}
