import { MeshError } from '../contract/error.js';
import { loadContract } from '../contract/image.js';
import { errorFromGrpc } from '../rpc/grpc/grpc-error.js';
import { StartupError } from '../runtime/startup-error.js';
import { runningMesh } from './admin-client.js';
import { type Command, switchOption, textOption } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';
import { contractImage, openDynamicClient } from './dynamic-client.js';
import { methodJson } from './method-json.js';
import { resolveMethod } from './method-name.js';

/** `meshmart call METHOD JSON`: one call to any method, by its name or a unique suffix of it. */
export const call: Command = {
  name: 'call',
  summary: 'Call a method of the running shop over gRPC and print the answer as JSON.',
  usage: "METHOD ['{...}'] [OPTIONS]",
  options: {
    data: dataOption,
    address: { type: 'string', value: 'HOST:PORT', about: 'Where to call. Default: the running mesh.' },
    token: { type: 'string', value: 'TOKEN', about: 'Bearer token of a user, guest or operator.' },
    header: {
      type: 'string',
      short: 'H',
      multiple: true,
      value: 'NAME:VALUE',
      about: 'Metadata to send; may be repeated.',
    },
    deadline: { type: 'string', value: 'MS', about: 'Deadline in milliseconds. Default 10000.' },
    list: { type: 'boolean', about: 'List the methods instead.' },
    json: { type: 'boolean', about: 'Print each answer on one line.' },
  },
  examples: [
    'meshmart call --list',
    'meshmart call ListProducts \'{"pageSize": 3}\'',
    'meshmart call meshmart.order.v1.OrderService/GetOrder \'{"id": "ord_..."}\' --token "$TOKEN"',
  ],
  run: async (args, terminal) => {
    const list = switchOption(args, 'list');
    const address =
      textOption(args, 'address') ??
      (list ? 'localhost:1' : runningMesh(dataFolderOf(args, terminal)).grpcAddress);
    const image = contractImage();
    const client = openDynamicClient(address, image);
    try {
      const paths = client.methods.map((method) => method.path);
      if (list) {
        terminal.out(`${paths.join('\n')}\n`);
        return 0;
      }
      const [wanted, json = '{}'] = args.positionals;
      if (wanted === undefined)
        throw new StartupError('call needs a method', 'see them with meshmart call --list');
      const path = resolveMethod(wanted, paths);
      const indent = switchOption(args, 'json') ? 0 : 2;
      const { toRequest, fromAnswer } = methodJson(loadContract(image), client, path);
      const request = toRequest(requestOf(json));
      for await (const answer of client.call(path, request, metadataOf(args.values), deadlineOf(args.values)))
        terminal.out(`${JSON.stringify(fromAnswer(answer), null, indent)}\n`);
      return 0;
    } catch (error) {
      if (error instanceof StartupError) throw error;
      const failure = errorFromGrpc(error);
      terminal.err(`${failure.code} ${failure.reason}: ${failure.message}\n`);
      for (const violation of failure.violations)
        terminal.err(`  ${violation.field}: ${violation.message} (${violation.rule})\n`);
      return MeshError.is(failure) ? 2 : 1;
    } finally {
      client.close();
    }
  },
};

function requestOf(json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw new StartupError(
      `the request is not JSON (${(cause as Error).message})`,
      'write it in quotes: \'{"id": "..."}\'',
      { cause },
    );
  }
  throw new StartupError('the request is not a JSON object', 'write it as \'{"field": value}\'');
}

function metadataOf(values: Readonly<Record<string, unknown>>): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const header of (values['header'] as string[] | undefined) ?? []) {
    const match = /^([a-zA-Z0-9_.-]+):\s*(.*)$/.exec(header);
    if (match === null)
      throw new StartupError(`header '${header}' is not NAME:VALUE`, 'write it as -H idempotency-key:1');
    metadata[(match[1] ?? '').toLowerCase()] = match[2] ?? '';
  }
  const token = values['token'];
  return typeof token === 'string' ? { ...metadata, authorization: `Bearer ${token}` } : metadata;
}

function deadlineOf(values: Readonly<Record<string, unknown>>): number {
  const deadlineMs = Number(values['deadline'] ?? 10_000);
  if (deadlineMs >= 1 && deadlineMs <= 3_600_000) return deadlineMs;
  throw new StartupError(
    `--deadline is '${String(values['deadline'])}'`,
    'give milliseconds from 1 to 3600000',
  );
}
