import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { MethodPolicy } from '../../contract/policy.js';
import { testContext, testUser } from '../../testing/test-context.js';
import { echoPolicy } from '../echo-contract.test.js';
import { oneCall, through } from '../one-call.test.js';
import { deduplicateInterceptor } from './deduplicate.js';

const interceptor = deduplicateInterceptor();

interface Sent {
  readonly key?: string;
  readonly takes?: MethodPolicy['idempotencyKey'];
  readonly user?: string;
  readonly caller?: string;
  readonly body?: Uint8Array;
  readonly method?: 'say' | 'count';
}

function send({
  key,
  takes = 'required',
  user,
  caller = 'order',
  body = new Uint8Array([1]),
  method = 'say',
}: Sent) {
  const context = testContext({
    caller,
    metadata: key === undefined ? {} : { 'idempotency-key': key },
    user: user === undefined ? undefined : testUser(user),
  });
  return through(
    interceptor,
    oneCall({ method: echoPolicy(method, { idempotencyKey: takes }), body, context }),
  );
}

const commandOf = async (sent: Sent) => (await send(sent)).passed[0]?.context.command;

describe('the deduplicate interceptor', () => {
  it('makes a command of the key, the hash of the request and whose it is', async () => {
    const command = await commandOf({ key: 'key-1', user: 'usr_1', body: Buffer.from('request') });
    expect(command?.key).to.equal('key-1');
    expect(command?.scope).to.include('user:usr_1').and.include('/test.echo.v1.EchoService/Say');
    expect(
      Buffer.from(command?.requestHash ?? []).equals(createHash('sha256').update('request').digest()),
    ).to.equal(true);
  });

  it('keeps the keys of two users, two services, a user and a service, and two methods apart', async () => {
    const scopes = await Promise.all(
      [
        { user: 'usr_1' },
        { user: 'usr_2' },
        { caller: 'order' },
        { caller: 'cart' },
        { user: 'usr_1', method: 'count' as const },
      ].map(async (sent) => (await commandOf({ key: 'same', ...sent }))?.scope),
    );
    expect(new Set(scopes).size).to.equal(scopes.length);
  });

  it('tells the same request again from another', async () => {
    const hash = async (body: string) =>
      Buffer.from((await commandOf({ key: 'k', body: Buffer.from(body) }))?.requestHash ?? []).toString(
        'hex',
      );
    expect(await hash('a')).to.equal(await hash('a'));
    expect(await hash('a')).to.not.equal(await hash('b'));
  });

  it('refuses a call without a key where one is required', async () => {
    for (const sent of [{}, { key: '' }]) {
      const { passed, error } = await send(sent);
      expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'IDEMPOTENCY_KEY_REQUIRED' });
      expect(error?.violations[0]).to.include({ field: 'idempotency-key', rule: 'required' });
      expect(passed).to.have.length(0);
    }
  });

  it('takes a call without a key where it is optional', async () => {
    const { passed } = await send({ takes: 'optional' });
    expect([passed.length, passed[0]?.context.command]).to.deep.equal([1, undefined]);
  });

  it('does not ask for a key where the method takes none', async () => {
    expect(await commandOf({ takes: 'none', key: 'key-1' })).to.equal(undefined);
  });

  it('takes keys of 1 to 200 printable characters', async () => {
    for (const key of ['1', '~'.repeat(200), '0b8f-...:/x'])
      expect((await commandOf({ key }))?.key).to.equal(key);
    for (const key of ['x'.repeat(201), 'a\nb', 'schlüssel', '\u0000', 'a\u007fb']) {
      const { error } = await send({ key });
      expect(error, JSON.stringify(key)).to.include({
        code: 'INVALID_ARGUMENT',
        reason: 'VALIDATION_FAILED',
      });
      expect(error?.violations[0]?.field).to.equal('idempotency-key');
    }
  });
});
