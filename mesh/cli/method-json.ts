import type { JsonValue } from '@bufbuild/protobuf';
import type { Contract } from '../contract/image.js';
import { bytesToJson, jsonToBytes } from '../contract/json.js';
import type { DynamicClient } from './dynamic-client.js';

/** A method's messages as people write and read them: by the same JSON mapping as over REST, and as strictly. */
export interface MethodJson {
  /** @throws MeshError INVALID_ARGUMENT with a violation for each field that does not fit the request. */
  toRequest(value: unknown): object;
  fromAnswer(answer: unknown): JsonValue;
}

/**
 * The JSON of one method of a dynamic client. proto-loader's own reading takes what fits and drops the rest: a
 * misspelt key would be no mistake, and text for a number would be 0.
 * @param path `package.Service/Method`
 */
export function methodJson(
  contract: Contract,
  client: Pick<DynamicClient, 'readRequest' | 'writeAnswer'>,
  path: string,
): MethodJson {
  const [service = '', name] = path.split('/');
  const method = contract.registry.getService(service)?.methods.find((one) => one.name === name);
  if (method === undefined) throw new RangeError(`the contracts have no method ${path}`);
  return {
    toRequest: (value) => client.readRequest(path, jsonToBytes(contract, method.input.typeName, value)),
    fromAnswer: (answer) => bytesToJson(contract, method.output.typeName, client.writeAnswer(path, answer)),
  };
}
