import { expect } from 'chai';
import { createCallPolicy } from '../../security/authority.js';
import { testContext } from '../../testing/test-context.js';
import { oneCall, through } from '../one-call.test.js';
import { declaredCallInterceptor } from './declared-call.js';

describe('the declared-call interceptor', () => {
  const policy = createCallPolicy({ order: ['test.echo.v1.EchoService/Say'], cart: [] });

  it('lets out what the manifest of the caller declares', async () => {
    const interceptor = declaredCallInterceptor(policy);
    const { passed } = await through(interceptor, oneCall({ context: testContext({ caller: 'order' }) }));
    expect(passed).to.have.length(1);
  });

  for (const caller of ['cart', 'nobody', '__proto__', 'constructor']) {
    it(`stops a call of '${caller}', which declares none, before it leaves`, async () => {
      const interceptor = declaredCallInterceptor(policy);
      const { passed, error } = await through(interceptor, oneCall({ context: testContext({ caller }) }));
      expect(error).to.include({ code: 'PERMISSION_DENIED', reason: 'CALL_NOT_DECLARED' });
      expect(error?.message).to.include('test.echo.v1.EchoService/Say').and.include('calls:');
      expect(passed).to.have.length(0);
    });
  }
});
