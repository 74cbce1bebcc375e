import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { rabbitmqUrl } from './rabbitmq-connection.js';

describe('RABBITMQ_URL', () => {
  for (const right of ['amqp://127.0.0.1', 'amqp://shop@rabbit.shop:5673/host', 'amqps://[::1]:5671'])
    it(`may be ${right}`, () => {
      expect(rabbitmqUrl(right).hostname).to.not.equal('');
    });

  for (const wrong of [
    '',
    'localhost:5672',
    'http://127.0.0.1',
    'amqp://',
    'amqp:shop',
    'amqp://a%zz@h',
    'amqp://h/%zz',
  ])
    it(`is not '${wrong}', which is said in one line`, () => {
      expect(() => rabbitmqUrl(wrong)).to.throw(StartupError, /^RABBITMQ_URL is '.*': give it as amqp:/);
    });

  it('holds no password, because it is shown', () => {
    expect(() => rabbitmqUrl('amqp://shop:hidden@127.0.0.1')).to.throw(
      StartupError,
      /^RABBITMQ_URL holds a password: put it into a file and name that in RABBITMQ_PASSWORD_FILE$/,
    );
  });
});
