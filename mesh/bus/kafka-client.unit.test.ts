import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { kafkaBrokers } from './kafka-client.js';

describe('KAFKA_BROKERS', () => {
  it('is one broker or several', () => {
    expect(kafkaBrokers('127.0.0.1:9092')).to.deep.equal(['127.0.0.1:9092']);
    expect(kafkaBrokers('one.shop:9092, two.shop:9093,[::1]:9094')).to.deep.equal([
      'one.shop:9092',
      'two.shop:9093',
      '[::1]:9094',
    ]);
  });

  for (const wrong of [
    '',
    'localhost',
    '127.0.0.1:',
    ':9092',
    'a:9092,',
    'kafka://a:9092',
    'u:p@a:9092',
    'a:99999',
    'a:9092/x',
  ])
    it(`is not '${wrong}', which is said in one line`, () => {
      expect(() => kafkaBrokers(wrong)).to.throw(
        StartupError,
        /^KAFKA_BROKERS is '.*': give it as host:port/,
      );
    });
});
