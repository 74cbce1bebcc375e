import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createTransport } from 'nodemailer';

const here = fileURLToPath(new URL('.', import.meta.url));

/** A witness as the launcher runs it, from its source. */
async function start(name: string, environment: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', join(here, name, 'main.ts')], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  await Promise.race([once(child.stdout, 'data'), exited]);
  const listening =
    out === '' ? {} : (JSON.parse(out.split('\n')[0] ?? '').listening as Record<string, string>);
  return { child, listening, exited, error: () => err };
}

describe('the witnesses', function () {
  this.timeout(20_000);
  const children: ChildProcess[] = [];
  let folder: string;
  const run = async (name: string, environment: Record<string, string>) => {
    const started = await start(name, environment);
    children.push(started.child);
    return started;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'meshmart-witness-'));
  });
  afterEach(async () => {
    await Promise.all(
      children.splice(0).map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
    rmSync(folder, { recursive: true, force: true });
  });

  it('keep the ledger through kill -9, and cut off an entry that was torn', async () => {
    const file = join(folder, 'ledger.jsonl');
    const first = await run('card-processor', { CARD_PROCESSOR_LEDGER: file });
    const body = JSON.stringify({
      reference: 'ord_1',
      card: { number: '4242424242424242', expiryMonth: 12, expiryYear: 2034 },
      amount: { currencyCode: 'EUR', units: '5', nanos: 0 },
    });
    const post = (url: string, key: string) =>
      fetch(`${url}/v1/authorizations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body,
      });
    expect((await post(first.listening['url'] ?? '', 'k1')).status).to.equal(201);
    first.child.kill('SIGKILL');
    await first.exited;
    appendFileSync(file, '{"type":"captured","autho');
    const second = await run('card-processor', { CARD_PROCESSOR_LEDGER: file });
    const url = second.listening['url'] ?? '';
    expect((await post(url, 'k1')).status).to.equal(200);
    const { entries } = (await (await fetch(`${url}/v1/ledger`)).json()) as { entries: unknown[] };
    expect(entries).to.have.length(1);
    expect(readFileSync(file, 'utf8').endsWith('}\n')).to.equal(true);
  });

  it('refuse what they are asked wrongly, and live on', async () => {
    const { listening } = await run('card-processor', {
      CARD_PROCESSOR_LEDGER: join(folder, 'ledger.jsonl'),
    });
    const url = `${listening['url']}/v1/authorizations`;
    for (const [headers, body] of [
      [{}, '{}'],
      [{ 'idempotency-key': 'k' }, 'no json'],
      [{ 'idempotency-key': 'k' }, '{"reference": "r"}'],
      [{ 'idempotency-key': 'k' }, `{"reference": "${'x'.repeat(20_000)}"}`],
    ] as const) {
      expect((await fetch(url, { method: 'POST', headers, body })).status).to.equal(400);
    }
    expect((await fetch(`${listening['url']}/healthz`)).status).to.equal(200);
  });

  it('take mail by SMTP, show it escaped, and count what came twice', async () => {
    const { listening } = await run('mail-sink', { MAIL_SINK_FILE: join(folder, 'mail.jsonl') });
    const transport = createTransport({ url: listening['smtpUrl'] });
    const mail = {
      from: 'shop@example.com',
      to: 'ada@example.com',
      subject: '<script>alert(1)</script>',
      text: 'hello',
      messageId: '<1@example.com>',
    };
    await transport.sendMail(mail);
    await transport.sendMail(mail);
    transport.close();
    const get = async (path: string) => (await fetch(`${listening['httpUrl']}${path}`)).text();
    expect(JSON.parse(await get('/v1/messages/summary'))).to.deep.equal({ total: 2, distinct: 1 });
    expect(JSON.parse(await get('/v1/messages?to=ada@example.com')).messages).to.have.length(2);
    expect(await get('/'))
      .to.contain('&#60;script')
      .and.not.contain('<script>');
  });

  it('say in one line what keeps them from starting', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const port = String((blocker.address() as { port: number }).port);
    const ledger = { CARD_PROCESSOR_LEDGER: join(folder, 'ledger.jsonl') };
    const cases: [string, Record<string, string>, RegExp][] = [
      ['card-processor', {}, /CARD_PROCESSOR_LEDGER is not set/],
      [
        'card-processor',
        { ...ledger, CARD_PROCESSOR_PORT: port },
        /port \d+ is taken: choose another with CARD_PROCESSOR_PORT/,
      ],
      ['card-processor', { ...ledger, CARD_PROCESSOR_IDEMPOTENCY: 'maybe' }, /use honour or ignore/],
      [
        'mail-sink',
        { MAIL_SINK_FILE: join(folder, 'm'), MAIL_SINK_SMTP_PORT: 'x' },
        /MAIL_SINK_SMTP_PORT is 'x'/,
      ],
    ];
    for (const [name, environment, says] of cases) {
      const failed = await run(name, environment);
      expect(await failed.exited).to.equal(1);
      expect(failed.error()).to.match(says);
      expect(failed.error().trim().split('\n')).to.have.length(1);
    }
    blocker.close();
  });
});
