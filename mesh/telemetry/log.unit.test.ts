import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { packageRoot } from '../runtime/package-root.js';
import { StartupError } from '../runtime/startup-error.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { type LogLevel, type OpenLog, openLog } from './log.js';

describe('log', () => {
  let folder: TemporaryFolder;
  let file: string;
  const opened: OpenLog[] = [];
  const open = (level?: LogLevel) => {
    const log = openLog({ destination: { file }, clock: virtualClock().clock, ...(level && { level }) });
    opened.push(log);
    return log;
  };
  const text = () => readFileSync(file, 'utf8');
  const lines = () =>
    text()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  beforeEach(() => {
    folder = temporaryFolder();
    file = join(folder.path, 'shop.log');
  });
  afterEach(() => {
    for (const log of opened.splice(0)) log.close();
    folder.remove();
  });

  it('writes one JSON object a line, with time, level, service, message and the fields', () => {
    const log = open();
    log.service('cart').info({ method: 'AddItem', ms: 1.5 }, 'called');
    log.service('order').child({ order: 'ord_1' }).warn({}, 'slow');
    log.flush();
    expect(lines()).to.deep.equal([
      {
        level: 'info',
        time: '2026-01-01T00:00:00.000Z',
        service: 'cart',
        method: 'AddItem',
        ms: 1.5,
        message: 'called',
      },
      { level: 'warn', time: '2026-01-01T00:00:00.000Z', service: 'order', order: 'ord_1', message: 'slow' },
    ]);
  });

  it('writes the place in a trace under the names of OpenTelemetry, unharmed', () => {
    const ids = { traceId: '4242424242424242'.repeat(2), spanId: '4242424242424242' };
    const written = { trace_id: ids.traceId, span_id: ids.spanId };
    const log = open().service('cart');
    log.warn({ trace: { ...ids, sampled: true } }, 'by context');
    log.warn(ids, 'by ids');
    log.warn(written, 'by their own names');
    for (const line of lines()) expect(line).to.include(written);
  });

  it('masks card numbers, tokens and passwords in fields, in fields of children and in messages', () => {
    const log = open().service('payment').child({ token: 'secret-token', note: 'card 4242424242424242' });
    log.error({ password: 'hunter2', error: new Error('no 5555 5555 5555 4444') }, 'bearer abcdefghijklmnop');
    expect(text()).to.not.match(/secret-token|42424242424|5555 5555 55|hunter2|abcdefghijklmnop/);
    expect(lines()[0]).to.include({ note: 'card ************4242', password: '[redacted]' });
  });

  it('lets no value break a line or take the place of a line of its own', () => {
    const breaks = 'a\nb\rc\u2028d\u2029e\u0085f\u009bg\u001b[2J';
    const log = open().service('cart');
    log.warn({ [breaks]: breaks, level: 'fatal', time: 0, service: 'other', message: 'forged' }, breaks);
    expect(text().match(/[\p{Cc}\u2028\u2029]/gu)).to.deep.equal(['\n']);
    expect(lines()[0]).to.include({ level: 'warn', service: 'cart', message: breaks, field_level: 'fatal' });
    expect(lines()[0]).to.include({ field_service: 'other', field_message: 'forged', [breaks]: breaks });
  });

  it('writes nothing below its level', () => {
    const log = open('warn');
    log.service('cart').info({}, 'not this');
    log.service('cart').error({}, 'this');
    expect(lines().map((line) => line['message'])).to.deep.equal(['this']);
  });

  it('appends to its file, which only its owner can read', () => {
    for (const message of ['first', 'second']) {
      const log = open();
      log.service('cart').info({}, message);
      log.close();
      log.close();
      log.service('cart').info({}, 'too late');
    }
    expect(lines().map((line) => line['message'])).to.deep.equal(['first', 'second']);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it('writes what it has gathered when the process exits', () => {
    const module = pathToFileURL(join(packageRoot(), 'mesh', 'telemetry', 'log.ts')).href;
    const program = `
      const { openLog } = await import(${JSON.stringify(module)});
      const log = openLog({ destination: 'stdout', clock: { nowMs: () => 0 } }).service('cart');
      for (let n = 0; n < 100; n += 1) log.info({ n }, 'line');
      process.exit(0);`;
    const { stdout } = spawnSync(process.execPath, ['--import=tsx', '--input-type=module', '-e', program], {
      cwd: packageRoot(),
      encoding: 'utf8',
    });
    expect(stdout.split('\n')).to.have.length(101);
    expect(JSON.parse(stdout.split('\n')[99] ?? '')).to.include({ service: 'cart', n: 99 });
  });

  it('names the file that it can not write, and what to do', () => {
    file = join(folder.path, 'missing', 'shop.log');
    expect(() => open()).to.throw(
      StartupError,
      /^the log file .*shop\.log can't be written \(ENOENT\): make its/,
    );
  });
});
