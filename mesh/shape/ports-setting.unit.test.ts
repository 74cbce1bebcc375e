import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { readPorts } from './ports-setting.js';

describe('the ports of the shop', () => {
  it('are the usual ones on the loopback interface unless told otherwise', () => {
    const usual = { host: '127.0.0.1', http: 8080, grpc: 50051, adminHost: '127.0.0.1', admin: 9464 };
    expect(readPorts({})).to.deep.equal(usual);
    expect(readPorts({ HOST: '', PORT: '', GRPC_PORT: '', ADMIN_HOST: '', ADMIN_PORT: '' })).to.deep.equal(
      usual,
    );
  });

  it('are read from five variables', () => {
    expect(
      readPorts({ HOST: '0.0.0.0', PORT: '1', GRPC_PORT: '2', ADMIN_HOST: '::1', ADMIN_PORT: '0' }),
    ).to.deep.equal({ host: '0.0.0.0', http: 1, grpc: 2, adminHost: '::1', admin: 0 });
  });

  it('do not open the admin port to the outside with the others', () => {
    expect(readPorts({ HOST: '0.0.0.0' }).adminHost).to.equal('127.0.0.1');
  });

  for (const variable of ['PORT', 'GRPC_PORT', 'ADMIN_PORT']) {
    it(`name ${variable} when it is no port`, () => {
      expect(() => readPorts({ [variable]: '80000' })).to.throw(
        StartupError,
        `${variable} is '80000': give a port from 0 to 65535`,
      );
    });
  }
});
