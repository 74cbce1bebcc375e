import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { MeshError } from '../../contract/error.js';
import { codeNumber, codeOfNumber, decodeStatus, encodeStatus } from '../../contract/status.js';

const detailsKey = 'grpc-status-details-bin';

/** What a grpc-js client call failed with, as the one error of the mesh. */
export function errorFromGrpc(failure: unknown): MeshError {
  if (MeshError.is(failure)) return failure;
  const { code, details, metadata } = failure as Partial<ServiceError>;
  if (typeof code !== 'number') return MeshError.from(failure);
  const [bytes] = metadata?.get(detailsKey) ?? [];
  return decodeStatus({ code: codeOfNumber(code), message: details ?? '' }, Buffer.isBuffer(bytes) ? bytes : undefined);
}

/** An error as a grpc-js server sends it, with its details and without its cause. */
export function errorToGrpc(thrown: unknown): StatusObject {
  const error = MeshError.from(thrown);
  const metadata = new Metadata();
  metadata.set(detailsKey, Buffer.from(encodeStatus(error)));
  return { code: codeNumber(error.code) as status, details: error.message, metadata };
}
