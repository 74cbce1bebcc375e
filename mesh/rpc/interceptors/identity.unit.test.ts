import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { testContext, testUser } from '../../testing/test-context.js';
import { oneCall, through } from '../one-call.test.js';
import { identityInterceptor } from './identity.js';

const user = testUser();
const interceptor = identityInterceptor({
  verify: async (token) => {
    if (token === 'good') return user;
    throw new MeshError({
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_EXPIRED',
      message: 'the token has expired',
    });
  },
});
const withHeader = (authorization: string) =>
  oneCall({ context: testContext({ metadata: { authorization, 'x-other': '1' } }) });

describe('the identity interceptor', () => {
  it('sets the user of a good token, keeps the token for nested calls, and takes it out of the metadata', async () => {
    for (const header of ['Bearer good', 'bearer good', 'Bearer   good']) {
      const { passed } = await through(interceptor, withHeader(header));
      expect(passed[0]?.context).to.include({ user, userToken: 'good' });
      expect(passed[0]?.context.metadata).to.deep.equal({ 'x-other': '1' });
    }
  });

  it('lets a call without a token pass, without a user', async () => {
    const { passed } = await through(interceptor, oneCall());
    expect(passed[0]?.context.user).to.equal(undefined);
  });

  it('refuses a bad token even where none is needed', async () => {
    const { passed, error } = await through(interceptor, withHeader('Bearer stale'));
    expect(error).to.include({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' });
    expect(passed).to.have.length(0);
  });

  for (const header of [
    '',
    'good',
    'Basic good',
    'Bearer',
    'Bearer ',
    'Bearer good good',
    'Bearer good, Bearer good',
  ]) {
    it(`refuses the header '${header}'`, async () => {
      const { passed, error } = await through(interceptor, withHeader(header));
      expect(error).to.include({ code: 'UNAUTHENTICATED', reason: 'TOKEN_INVALID' });
      expect(passed).to.have.length(0);
    });
  }
});
