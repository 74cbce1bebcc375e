import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Reason as ReasonEnum } from '../../proto/gen/meshmart/error/v1/error.js';
import { type Code, codes, type FieldViolation, MeshError, type Reason } from './error.js';

/**
 * google.rpc.Status with ErrorInfo and BadRequest, as `grpc-status-details-bin` carries it. Written out by hand because
 * the four small messages come with no package that this project has; field numbers are those of
 * googleapis google/rpc/status.proto and google/rpc/error_details.proto.
 */
const domain = 'meshmart';
const errorInfo = 'type.googleapis.com/google.rpc.ErrorInfo';
const badRequest = 'type.googleapis.com/google.rpc.BadRequest';

/** Number of a code, as `grpc-status` carries it. */
export function codeNumber(code: Code): number {
  return codes.indexOf(code);
}

/** The code of a number; unknown numbers count as UNKNOWN. */
export function codeOfNumber(number: number): Code {
  const code = codes[number];
  return code === undefined || code === 'OK' ? 'UNKNOWN' : code;
}

/** Encodes an error for the wire. Its cause stays behind. */
export function encodeStatus(error: MeshError): Uint8Array {
  const status = new BinaryWriter();
  status.tag(1, WireType.Varint).int32(codeNumber(error.code));
  status.tag(2, WireType.LengthDelimited).string(error.message);
  writeAny(status, errorInfo, (info) => {
    info.tag(1, WireType.LengthDelimited).string(error.reason);
    info.tag(2, WireType.LengthDelimited).string(domain);
    for (const [key, value] of Object.entries(error.metadata)) {
      info.tag(3, WireType.LengthDelimited).fork();
      info.tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).string(value).join();
    }
  });
  if (error.violations.length > 0) {
    writeAny(status, badRequest, (request) => {
      for (const violation of error.violations) {
        request.tag(1, WireType.LengthDelimited).fork();
        request.tag(1, WireType.LengthDelimited).string(violation.field);
        request.tag(2, WireType.LengthDelimited).string(violation.message);
        request.tag(3, WireType.LengthDelimited).string(violation.rule).join();
      }
    });
  }
  return status.finish();
}

function writeAny(status: BinaryWriter, typeUrl: string, write: (value: BinaryWriter) => void): void {
  const value = new BinaryWriter();
  write(value);
  status.tag(3, WireType.LengthDelimited).fork();
  status
    .tag(1, WireType.LengthDelimited)
    .string(typeUrl)
    .tag(2, WireType.LengthDelimited)
    .bytes(value.finish())
    .join();
}

/** What a far end says beside its details. */
export interface PlainStatus {
  readonly code: Code;
  readonly message: string;
}

/** Decodes an error. Without details, or with details that can't be read, it is made from code and message alone. */
export function decodeStatus(plain: PlainStatus, details: Uint8Array | undefined): MeshError {
  let reason: Reason = reasonWithoutDetails(plain.code);
  const metadata: Record<string, string> = {};
  const violations: FieldViolation[] = [];
  try {
    for (const { typeUrl, value } of details === undefined ? [] : readAnys(details)) {
      if (typeUrl === errorInfo) reason = readErrorInfo(value, metadata) ?? reason;
      if (typeUrl === badRequest) violations.push(...readBadRequest(value));
    }
  } catch {
    // Details are a courtesy of the far end; code and message still stand.
  }
  return new MeshError({ ...plain, reason, metadata, violations });
}

function reasonWithoutDetails(code: Code): Reason {
  switch (code) {
    case 'CANCELLED':
    case 'DEADLINE_EXCEEDED':
    case 'UNAVAILABLE':
    case 'UNIMPLEMENTED':
      return code;
    case 'RESOURCE_EXHAUSTED':
      return 'OVERLOADED';
    case 'INVALID_ARGUMENT':
      return 'MALFORMED_REQUEST';
    case 'UNAUTHENTICATED':
      return 'TOKEN_INVALID';
    case 'PERMISSION_DENIED':
      return 'SCOPE_MISSING';
    case 'ABORTED':
    case 'ALREADY_EXISTS':
    case 'FAILED_PRECONDITION':
      return 'CONFLICT';
    default:
      return 'INTERNAL';
  }
}

function* fieldsOf(bytes: Uint8Array): Generator<[field: number, reader: BinaryReader]> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const before = reader.pos;
    if (type === WireType.LengthDelimited) yield [field, reader];
    if (reader.pos === before) reader.skip(type, field);
  }
}

function readAnys(details: Uint8Array): { typeUrl: string; value: Uint8Array }[] {
  const anys: { typeUrl: string; value: Uint8Array }[] = [];
  for (const [field, reader] of fieldsOf(details)) {
    if (field !== 3) continue;
    const any: { typeUrl: string; value: Uint8Array } = { typeUrl: '', value: new Uint8Array() };
    for (const [part, inner] of fieldsOf(reader.bytes())) {
      if (part === 1) any.typeUrl = inner.string();
      else if (part === 2) any.value = inner.bytes();
    }
    anys.push(any);
  }
  return anys;
}

function readErrorInfo(bytes: Uint8Array, metadata: Record<string, string>): Reason | undefined {
  let reason: Reason | undefined;
  for (const [field, reader] of fieldsOf(bytes)) {
    if (field === 1) reason = knownReason(reader.string());
    else if (field === 3) {
      const entry = { key: '', value: '' };
      for (const [part, inner] of fieldsOf(reader.bytes())) {
        if (part === 1) entry.key = inner.string();
        else if (part === 2) entry.value = inner.string();
      }
      metadata[entry.key] = entry.value;
    }
  }
  return reason;
}

function readBadRequest(bytes: Uint8Array): FieldViolation[] {
  const violations: FieldViolation[] = [];
  for (const [field, reader] of fieldsOf(bytes)) {
    if (field !== 1) continue;
    const violation = { field: '', message: '', rule: '' };
    for (const [part, inner] of fieldsOf(reader.bytes())) {
      if (part === 1) violation.field = inner.string();
      else if (part === 2) violation.message = inner.string();
      else if (part === 3) violation.rule = inner.string();
    }
    violations.push(violation);
  }
  return violations;
}

function knownReason(text: string): Reason | undefined {
  return `REASON_${text}` in ReasonEnum ? (text as Reason) : undefined;
}
