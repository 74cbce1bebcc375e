import { expect } from 'chai';
import fc from 'fast-check';
import type { Manifest } from './manifest.js';
import { portOf, settingsOf, urlOf, wordOf } from './setting.js';
import { StartupError } from './startup-error.js';

describe('a setting', () => {
  const manifest = {
    name: 'payment',
    settings: {
      processorTimeoutMs: { default: '2000', about: 'Limit.' },
      cardProcessorUrl: { default: 'http://default', about: 'Where.', env: 'CARD_PROCESSOR_URL' },
    },
  } as unknown as Manifest;

  it('is what the environment says, else what the launcher found, else the default', () => {
    const variable = 'CARD_PROCESSOR_URL';
    const found = { [variable]: 'http://found' };
    expect(settingsOf(manifest, { [variable]: 'http://given' }, found)('cardProcessorUrl')).to.equal(
      'http://given',
    );
    expect(settingsOf(manifest, {}, found)('cardProcessorUrl')).to.equal('http://found');
    expect(settingsOf(manifest, {}, {})('cardProcessorUrl')).to.equal('http://default');
  });

  it('is read from the variable of its service and name', () => {
    expect(settingsOf(manifest, { PAYMENT_PROCESSOR_TIMEOUT_MS: '5' }, {})('processorTimeoutMs')).to.equal(
      '5',
    );
  });

  it('of an empty variable is as if there was none', () => {
    expect(
      settingsOf(manifest, { CARD_PROCESSOR_URL: '' }, { CARD_PROCESSOR_URL: '' })('cardProcessorUrl'),
    ).to.equal('http://default');
  });

  it('that the manifest does not declare is refused, and where to declare it told', () => {
    expect(() => settingsOf(manifest, { PAYMENT_COLOUR: 'red' }, {})('colour')).to.throw(
      StartupError,
      "services/payment/service.yaml does not declare setting 'colour': declare it under settings",
    );
  });
});

describe('a port', () => {
  it('is a whole number from 0 to 65535', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), (port) => {
        expect(portOf({ PORT: String(port) }, 'PORT', 8080)).to.equal(port);
      }),
    );
  });

  it('is the usual one when the variable is absent or empty', () => {
    expect(portOf({}, 'PORT', 8080)).to.equal(8080);
    expect(portOf({ PORT: '' }, 'PORT', 8080)).to.equal(8080);
  });

  for (const text of [
    'eighty',
    '-1',
    '65536',
    '99999',
    '080808',
    '80.5',
    '8e3',
    '0x50',
    ' 80',
    '８０',
    'NaN',
  ]) {
    it(`is not '${text}'`, () => {
      expect(() => portOf({ GRPC_PORT: text }, 'GRPC_PORT', 1)).to.throw(
        StartupError,
        `GRPC_PORT is '${text}': give a port from 0 to 65535`,
      );
    });
  }
});

describe('a word', () => {
  const words = ['none', 'otlp'] as const;

  it('is one of those that there are, the usual one when none is given', () => {
    expect(wordOf({ TRACES_EXPORTER: 'otlp' }, 'TRACES_EXPORTER', words, 'none')).to.equal('otlp');
    expect(wordOf({}, 'TRACES_EXPORTER', words, 'none')).to.equal('none');
    expect(wordOf({ TRACES_EXPORTER: '' }, 'TRACES_EXPORTER', words, 'none')).to.equal('none');
  });

  for (const text of ['zipkin', 'OTLP', 'otlp ', 'none,otlp', '__proto__']) {
    it(`is not '${text}'`, () => {
      expect(() => wordOf({ TRACES_EXPORTER: text }, 'TRACES_EXPORTER', words, 'none')).to.throw(
        StartupError,
        `TRACES_EXPORTER is '${text}': use one of none, otlp`,
      );
    });
  }
});

describe('what keeps the shop from starting', () => {
  it('is one line whatever it quotes', () => {
    const error = new StartupError("X is 'a\n  at b'", ' give\r\nanother ');
    expect(error.message).to.equal("X is 'a at b': give another");
  });

  for (const [quoted, shown] of [
    ['postgres://me:hid#den@host', 'postgres://me:***@host'],
    ['redis://:hid/den@host:1', 'redis://:***@host:1'],
    ['amqp://a:hid@den@host', 'amqp://a:***@host'],
    ['me:hidden@host:9092', 'me:***@host:9092'],
    ['smtps://user@mail.example:25', 'smtps://user@mail.example:25'],
    ['http://127.0.0.1:80', 'http://127.0.0.1:80'],
  ])
    it(`shows ${shown}, with no password`, () => {
      expect(new StartupError(`X is '${quoted}'`, 'mend it').message).to.equal(`X is '${shown}': mend it`);
    });
});

describe('the address of a server outside', () => {
  const read = (text: string | undefined, example = 'http://127.0.0.1:9000') =>
    urlOf({ THERE_URL: text }, 'THERE_URL', example);

  it('is a URL of the kind that is wanted, with or without TLS', () => {
    for (const text of ['http://10.0.0.1:80', 'https://bank.example/api']) expect(read(text)).to.equal(text);
    for (const text of ['smtp://mail:25', 'smtps://user@mail.example'])
      expect(read(text, 'smtp://127.0.0.1:25')).to.equal(text);
  });

  it('is none when the variable is absent or empty', () => {
    expect(read(undefined)).to.equal(undefined);
    expect(read('')).to.equal(undefined);
  });

  it('of another form is refused by name, with one that would do', () => {
    for (const text of ['nope', '127.0.0.1:9000', 'ftp://x', 'http://', 'smtp://mail:25'])
      expect(() => read(text), text).to.throw(
        StartupError,
        `THERE_URL is '${text}': give a URL such as http://127.0.0.1:9000`,
      );
  });
});
