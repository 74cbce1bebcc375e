import { expect } from 'chai';
import { createCallPolicy } from '../../security/authority.js';
import { testContext } from '../../testing/test-context.js';
import { oneCall, through } from '../one-call.test.js';
import { declaredCallInterceptor } from './declared-call.js';

describe('the declared-call interceptor', () => {
  const policy = createCallPolicy({ order: ['test.echo.v1.EchoService/Say'], cart: [] });

  it('lets out what the manifest of the caller declares, and tells of it', async () => {
    const seen: string[] = [];
    const interceptor = declaredCallInterceptor(
      policy,
      (caller, path) => void seen.push(`${caller} ${path}`),
    );
    const { passed } = await through(interceptor, oneCall({ context: testContext({ caller: 'order' }) }));
    expect(passed).to.have.length(1);
    expect(seen).to.deep.equal(['order /test.echo.v1.EchoService/Say']);
  });

  for (const caller of ['cart', 'nobody', '__proto__', 'constructor']) {
    it(`stops a call of '${caller}', which declares none, before it leaves`, async () => {
      const seen: string[] = [];
      const interceptor = declaredCallInterceptor(policy, (name) => void seen.push(name));
      const { passed, error } = await through(interceptor, oneCall({ context: testContext({ caller }) }));
      expect(error).to.include({ code: 'PERMISSION_DENIED', reason: 'CALL_NOT_DECLARED' });
      expect(error?.message).to.include('test.echo.v1.EchoService/Say').and.include('calls:');
      expect([passed.length, seen.length]).to.deep.equal([0, 0]);
    });
  }
});
