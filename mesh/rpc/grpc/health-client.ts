import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { MethodPolicy } from '../../contract/policy.js';
import { isStream } from '../stream.js';
import type { Wire } from '../wire.js';

/** `grpc.health.v1.Health/Check`, as a wire wants to know it. No contract of ours, so no policy is written down for it. */
const check: MethodPolicy = Object.freeze({
  path: '/grpc.health.v1.Health/Check',
  service: 'grpc.health.v1.Health',
  method: 'Check',
  kind: 'unary',
}) as MethodPolicy;

const serving = 1;

/**
 * Asks the process at the other end of a wire whether a service is well.
 * @param service full name of a proto service; empty for all that the process serves.
 * @param deadlineMs moment (milliseconds since the epoch) after which the answer is worthless.
 * @throws MeshError when there is no answer.
 */
export async function askHealth(
  wire: Wire,
  service: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const body = new BinaryWriter().tag(1, WireType.LengthDelimited).string(service).finish();
  const response = await wire.call({ method: check, body, metadata: {}, deadlineMs, signal });
  if (isStream(response.body)) throw new TypeError('Check answered with a stream');
  return readStatus(response.body) === serving;
}

function readStatus(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let status = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Varint) status = reader.int32();
    else reader.skip(type, field);
  }
  return status;
}
