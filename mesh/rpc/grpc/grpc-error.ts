import { Metadata, type ServiceError, type StatusObject, type status } from '@grpc/grpc-js';
import { type Code, MeshError } from '../../contract/error.js';
import { codeNumber, codeOfNumber, decodeStatus, encodeStatus } from '../../contract/status.js';

const detailsKey = 'grpc-status-details-bin';

/**
 * What a grpc-js client call failed with, as the one error of the mesh.
 * @param sentBytes length of the one message that was sent, where it was one.
 */
export function errorFromGrpc(failure: unknown, sentBytes?: number): MeshError {
  if (MeshError.is(failure)) return failure;
  const { code, details, metadata } = failure as Partial<ServiceError>;
  if (typeof code !== 'number') return MeshError.from(failure);
  const [bytes] = metadata?.get(detailsKey) ?? [];
  if (Buffer.isBuffer(bytes))
    return decodeStatus({ code: codeOfNumber(code), message: details ?? '' }, bytes);
  return fromTransport(codeOfNumber(code), details ?? '', sentBytes, failure);
}

/**
 * Our servers always send details: what comes without them was said by the transport, whose words name addresses. A
 * CANCELLED that is not our own is a peer that went away in the middle.
 */
function fromTransport(
  code: Code,
  message: string,
  sentBytes: number | undefined,
  cause: unknown,
): MeshError {
  switch (code) {
    case 'CANCELLED':
    case 'UNAVAILABLE':
      return new MeshError({
        code: 'UNAVAILABLE',
        reason: 'UNAVAILABLE',
        message: "the service can't be reached or is stopping: try again",
        cause,
      });
    case 'DEADLINE_EXCEEDED':
      return new MeshError({
        code,
        reason: code,
        message:
          'there was no answer in time: what was asked for may have happened, so repeat it with the same key',
        cause,
      });
    case 'RESOURCE_EXHAUSTED':
      if (isAboutAnswer(message, sentBytes)) {
        return new MeshError({
          code: 'INTERNAL',
          reason: 'INTERNAL',
          message: 'the service answered with more than is taken',
          cause,
        });
      }
      return new MeshError({
        code,
        reason: /larger than/.test(message) ? 'BODY_TOO_LARGE' : 'OVERLOADED',
        message,
        cause,
      });
    default:
      return decodeStatus({ code, message }, undefined);
  }
}

/**
 * grpc-js says the same words for a message that the other end would not take and for an answer that this end did not
 * take, but with the length that was announced. Only the first is a mistake of the caller.
 */
function isAboutAnswer(message: string, sentBytes: number | undefined): boolean {
  const [, announced] = /^Received message larger than max \((\d+) vs/.exec(message) ?? [];
  return announced !== undefined && sentBytes !== undefined && Number(announced) !== sentBytes;
}

/** An error as a grpc-js server sends it, with its details and without its cause. */
export function errorToGrpc(thrown: unknown): StatusObject {
  const error = MeshError.from(thrown);
  const metadata = new Metadata();
  metadata.set(detailsKey, Buffer.from(encodeStatus(error)));
  return { code: codeNumber(error.code) as status, details: wellFormed(error.message), metadata };
}

/** grpc-js escapes the text as a URI, which throws for half a surrogate pair. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
