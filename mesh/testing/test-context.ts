import { createHash } from 'node:crypto';
import type { CallContext, CommandKey, User } from '../rpc/context.js';
import type { Clock } from '../runtime/ports.js';

/** What a test wants other than the defaults of {@link testContext}. */
export interface TestContextOptions extends Partial<CallContext> {
  /** Gives the deadline: a minute from its now. Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'nowMs'>;
}

/** A context that remembers the trailers that a handler set. */
export interface TestContext extends CallContext {
  readonly trailers: Readonly<Record<string, string>>;
}

/**
 * A context to call a handler with: a call from `outside` without a user, a key or metadata, a minute before its
 * deadline. `context.trailers` shows what the handler set.
 *
 * ```ts
 * await handlers.AddItem(request, testContext({ user: testUser('usr_1'), command: testCommand('key-1') }));
 * ```
 */
export function testContext(options: TestContextOptions = {}): TestContext {
  const { clock = { nowMs: () => Date.now() }, ...overrides } = options;
  const trailers: Record<string, string> = {};
  return {
    deadlineMs: clock.nowMs() + 60_000,
    signal: new AbortController().signal,
    caller: 'outside',
    user: undefined,
    userToken: undefined,
    trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true },
    priority: 'normal',
    metadata: {},
    command: undefined,
    peer: '127.0.0.1:1',
    setTrailer: (name, value) => {
      trailers[name] = value;
    },
    ...overrides,
    trailers,
  };
}

/** A user with the scopes of an ordinary login. */
export function testUser(
  id = 'usr_01kb2vjzq0w8x4n6t3r5m7c9e1',
  scopes: readonly string[] = ['profile', 'cart', 'orders', 'payment'],
): User {
  return { id, kind: 'user', scopes };
}

/**
 * A command key as the deduplicate interceptor sets it.
 * @param request the encoded request: another one with the same key is a conflict. Default: no bytes.
 * @param scope whose key it is. Default: a scope of no real method.
 */
export function testCommand(
  key: string,
  request: Uint8Array = new Uint8Array(),
  scope = 'user:test/test.v1.Test/Test',
): CommandKey {
  return { scope, key, requestHash: new Uint8Array(createHash('sha256').update(request).digest()) };
}
