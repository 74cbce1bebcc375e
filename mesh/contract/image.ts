import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** All contracts, as the descriptor image holds them. */
export interface Contract {
  /** Types, services and options for protobuf-es. */
  readonly registry: FileRegistry;
  /** The image itself: every file with its comments, for reflection and documentation. */
  readonly files: FileDescriptorSet;
}

/**
 * Reads a descriptor image (`buf build -o image.binpb`), imports and comments included.
 * @throws Error when the bytes are not one.
 */
export function loadContract(image: Uint8Array): Contract {
  const files = fromBinary(FileDescriptorSetSchema, image);
  return { registry: createFileRegistry(files), files };
}
