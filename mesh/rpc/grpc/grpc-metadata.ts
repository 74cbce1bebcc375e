import { Metadata as GrpcMetadata } from '@grpc/grpc-js';
import type { Metadata } from '../context.js';

/** Names that gRPC and HTTP/2 keep for themselves. */
const reserved = /^(:|grpc-|te$|content-type$|user-agent$|host$|connection$)/;

/** The text entries of grpc-js metadata; the last one wins where a name is there several times. */
export function fromGrpcMetadata(metadata: GrpcMetadata): Metadata {
  const entries: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata.getMap())) {
    if (typeof value === 'string' && !reserved.test(name)) entries[name] = value;
  }
  return entries;
}

/** Names that only the inside of the mesh may set: a client outside would call itself critical, or somebody else. */
const spoofable = /^(x-priority|x-caller|x-user-id|x-forwarded-client-cert|x-mesh-.*)$/;

/** The metadata of a client outside, without what such a client may not say. */
export function withoutSpoofable(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !spoofable.test(name)));
}

export function toGrpcMetadata(entries: Metadata): GrpcMetadata {
  const metadata = new GrpcMetadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}
