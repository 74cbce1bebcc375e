import type { MethodPolicy, Policies } from '../contract/policy.js';
import type { BoundContract } from '../runtime/service.js';
import type { Codec, Handlers, MethodDefinition } from './definition.js';

/** The one message of the echo service. */
export interface Echo {
  readonly text: string;
  readonly number: number;
}

/** The runtime carries bytes and does not ask what they mean: JSON is enough for a contract of the tests. */
const echoCodec: Codec<Echo> = {
  encode: (message) => ({ finish: () => new Uint8Array(Buffer.from(JSON.stringify(message))) }),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Echo,
  fromPartial: (message) => ({ text: '', number: 0, ...(message as Partial<Echo>) }),
};

function method<RequestStream extends boolean, ResponseStream extends boolean>(
  name: string,
  requestStream: RequestStream,
  responseStream: ResponseStream,
) {
  return { name, requestType: echoCodec, requestStream, responseType: echoCodec, responseStream } as const;
}

/** A service with a method of each kind. */
export const EchoDefinition = {
  name: 'EchoService',
  fullName: 'test.echo.v1.EchoService',
  methods: {
    say: method('Say', false, false),
    count: method('Count', false, true),
    gather: method('Gather', true, false),
    chat: method('Chat', true, true),
  },
} as const;

export type EchoHandlers = Handlers<typeof EchoDefinition>;

/** The policy of a method of the echo service; a test changes what it is about. */
export function echoPolicy(
  key: keyof typeof EchoDefinition.methods,
  changes: Partial<MethodPolicy> = {},
): MethodPolicy {
  const definition: MethodDefinition = EchoDefinition.methods[key];
  const request = definition.requestStream;
  return {
    path: `/${EchoDefinition.fullName}/${definition.name}`,
    service: EchoDefinition.fullName,
    method: definition.name,
    kind: definition.responseStream
      ? request
        ? 'bidi_streaming'
        : 'server_streaming'
      : request
        ? 'client_streaming'
        : 'unary',
    input: 'test.echo.v1.Echo',
    output: 'test.echo.v1.Echo',
    deadlineMs: 5_000,
    priority: 'normal',
    exposure: 'public',
    scope: '',
    idempotency: 'unknown',
    idempotencyKey: 'none',
    cacheableForMs: 0,
    httpStatus: 200,
    http: [],
    ...changes,
  };
}

/** The policies of the echo service by path. */
export const echoPolicies: Policies = new Map(
  (['say', 'count', 'gather', 'chat'] as const).map((key) => [echoPolicy(key).path, echoPolicy(key)]),
);

/** The echo service; a test replaces the handlers that it is about. */
export function echoService(changes: Partial<EchoHandlers> = {}): BoundContract {
  const handlers: EchoHandlers = {
    say: async (request) => request,
    count: async function* ({ text, number }) {
      for (let n = 1; n <= number; n += 1) yield { text, number: n };
    },
    gather: async (requests) => {
      const texts: string[] = [];
      for await (const { text } of requests) texts.push(text);
      return { text: texts.join(' '), number: texts.length };
    },
    chat: async function* (requests) {
      for await (const request of requests) yield { ...request, text: `${request.text}!` };
    },
    ...changes,
  };
  return { definition: EchoDefinition, handlers };
}
