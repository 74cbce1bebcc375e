import { expect } from 'chai';
import type { Exposure } from '../../contract/policy.js';
import { createCallPolicy } from '../../security/authority.js';
import { testContext, testUser } from '../../testing/test-context.js';
import type { User } from '../context.js';
import { echoPolicy } from '../echo-contract.test.js';
import { oneCall, through } from '../one-call.test.js';
import { authoriseInterceptor } from './authorise.js';

const interceptor = authoriseInterceptor(createCallPolicy({ order: ['test.echo.v1.EchoService/Say'] }));

const users = {
  nobody: undefined,
  buyer: testUser('usr_1', ['cart']),
  reader: testUser('usr_2', ['profile']),
  operator: { id: 'operator', kind: 'operator', scopes: ['operator'] },
} satisfies Record<string, User | undefined>;

/** Who may call a method of an exposure (scope of USER: cart): caller and user to the reason of the refusal, or OK. */
const table: Record<Exposure, Record<string, string>> = {
  public: {
    'outside nobody': 'OK',
    'outside buyer': 'OK',
    'order nobody': 'OK',
    'cart nobody': 'CALL_NOT_DECLARED',
  },
  user: {
    'outside nobody': 'TOKEN_MISSING',
    'outside buyer': 'OK',
    'outside reader': 'SCOPE_MISSING',
    'outside operator': 'SCOPE_MISSING',
    'order nobody': 'TOKEN_MISSING',
    'order buyer': 'OK',
    'cart buyer': 'CALL_NOT_DECLARED',
  },
  internal: {
    'outside nobody': 'METHOD_NOT_EXPOSED',
    'outside buyer': 'METHOD_NOT_EXPOSED',
    'outside operator': 'METHOD_NOT_EXPOSED',
    'order nobody': 'OK',
    'order buyer': 'OK',
    'cart nobody': 'CALL_NOT_DECLARED',
  },
  operator: {
    'outside nobody': 'TOKEN_MISSING',
    'outside buyer': 'SCOPE_MISSING',
    'outside operator': 'OK',
    'order buyer': 'SCOPE_MISSING',
    'cart operator': 'CALL_NOT_DECLARED',
  },
};

const codeOf: Record<string, string> = { TOKEN_MISSING: 'UNAUTHENTICATED' };

describe('the authorise interceptor', () => {
  for (const [exposure, rows] of Object.entries(table) as [Exposure, Record<string, string>][]) {
    for (const [who, wanted] of Object.entries(rows)) {
      it(`answers ${who} at a method that is ${exposure} with ${wanted}`, async () => {
        const [caller = '', user = ''] = who.split(' ');
        const { passed, error } = await through(
          interceptor,
          oneCall({
            method: echoPolicy('say', { exposure, scope: exposure === 'user' ? 'cart' : '' }),
            context: testContext({ caller, user: users[user as keyof typeof users] }),
          }),
        );
        expect(error?.reason ?? 'OK').to.equal(wanted);
        expect(passed).to.have.length(wanted === 'OK' ? 1 : 0);
        if (error !== undefined) expect(error.code).to.equal(codeOf[wanted] ?? 'PERMISSION_DENIED');
      });
    }
  }
});
