import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { eventually } from '../testing/eventually.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { startWitness, type Witness } from './witness-process.js';

/** Whether a process is there, a dead one that nobody has waited for not counted. */
function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Children of this process that are still running. */
const children = () => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;

describe('a witness, the built program in a process of its own', function () {
  this.timeout(20_000);
  let folder: TemporaryFolder;
  let ledger: string;
  let started: Witness[];
  let ended: [name: string, code: number | null][];
  let blocker: Server | undefined;
  let childrenBefore: number;
  beforeEach(() => {
    folder = temporaryFolder();
    ledger = join(folder.path, 'ledger.jsonl');
    started = [];
    ended = [];
    childrenBefore = children();
  });
  afterEach(async () => {
    await Promise.all(started.map((witness) => witness.stop(500)));
    blocker?.close();
    blocker = undefined;
    folder.remove();
  });

  const start = async (
    environment: Record<string, string> = { CARD_PROCESSOR_LEDGER: ledger },
    startWithinMs = 10_000,
    name = 'card-processor',
  ) => {
    const witness = await startWitness({
      name,
      environment,
      startWithinMs,
      onExit: (who, code) => ended.push([who, code]),
    });
    started.push(witness);
    return witness;
  };
  const complaint = (call: Promise<unknown>) =>
    call.then(
      () => 'it started',
      (error: unknown) => {
        expect(error).to.be.instanceOf(StartupError);
        expect((error as Error).message).not.to.contain('\n');
        return (error as Error).message;
      },
    );
  const urlOf = (witness: Witness) => witness.listening['url'] ?? '';
  const noChildLeft = () => eventually(() => children() === childrenBefore, { what: 'the child to be gone' });
  const authorize = (witness: Witness, reference: string) =>
    fetch(`${urlOf(witness)}/v1/authorizations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `key-${reference}` },
      body: JSON.stringify({
        reference,
        amount: { currencyCode: 'EUR', units: '5', nanos: 0 },
        card: { number: '4242424242424242', expiryMonth: 12, expiryYear: 2099, cvc: '123' },
      }),
    });

  it('tells where it listens, answers there, and ends when it is asked to', async () => {
    const witness = await start();
    expect(lives(witness.pid)).to.equal(true);
    expect(children()).to.equal(childrenBefore + 1);
    expect(urlOf(witness)).to.match(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${urlOf(witness)}/healthz`)).status).to.equal(200);
    await witness.stop(5_000);
    expect(lives(witness.pid)).to.equal(false);
    expect(ended).to.deep.equal([]);
    await noChildLeft();
  });

  it('is stopped as often as somebody likes', async () => {
    const witness = await start();
    await Promise.all([witness.stop(5_000), witness.stop(5_000)]);
    await witness.stop(5_000);
    expect(ended).to.deep.equal([]);
  });

  it('that does not listen to the request to end is ended by force', async () => {
    const witness = await start();
    process.kill(witness.pid, 'SIGSTOP');
    const beganMs = performance.now();
    await witness.stop(200);
    expect(performance.now() - beganMs).to.be.within(190, 5_000);
    expect(lives(witness.pid)).to.equal(false);
  });

  it('that ends by itself is told of, with its name, once', async () => {
    const witness = await start();
    process.kill(witness.pid, 'SIGKILL');
    await eventually(() => ended.length > 0, { what: 'the end to be told' });
    expect(ended).to.deep.equal([['card-processor', null]]);
    await witness.stop(100);
    expect(ended).to.have.length(1);
  });

  it('goes on from its ledger when it is started again after a kill', async () => {
    const first = await start();
    const answer = await authorize(first, 'ord_1');
    expect(answer.status, await answer.clone().text()).to.be.within(200, 201);
    process.kill(first.pid, 'SIGKILL');
    await eventually(() => ended.length > 0);
    const second = await start();
    expect(second.pid).not.to.equal(first.pid);
    const kept = (await (await fetch(`${urlOf(second)}/v1/ledger`)).json()) as {
      entries: { reference: string }[];
    };
    expect(kept.entries.map(({ reference }) => reference)).to.include('ord_1');
  });

  it('runs with the settings it is given and nothing else of the environment', async () => {
    process.env['CARD_PROCESSOR_IDEMPOTENCY'] = 'nonsense';
    try {
      await start();
    } finally {
      delete process.env['CARD_PROCESSOR_IDEMPOTENCY'];
    }
  });

  describe('does not start, says why in one line and leaves no process behind:', () => {
    afterEach(noChildLeft);

    it('without a setting that it needs', async () => {
      expect(await complaint(start({}))).to.match(
        /^card-processor did not start: card-processor: CARD_PROCESSOR_LEDGER is not set: name a file$/,
      );
    });

    it('with a wrong setting', async () => {
      const environment = { CARD_PROCESSOR_LEDGER: ledger, CARD_PROCESSOR_PORT: 'eighty' };
      expect(await complaint(start(environment))).to.match(
        /CARD_PROCESSOR_PORT is 'eighty': give a port from 0 to 65535$/,
      );
    });

    it('at a port that is taken', async () => {
      const server = createServer();
      blocker = server;
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      const environment = { CARD_PROCESSOR_LEDGER: ledger, CARD_PROCESSOR_PORT: String(port) };
      expect(await complaint(start(environment))).to.match(
        new RegExp(`port ${port} is taken: choose another with CARD_PROCESSOR_PORT$`),
      );
    });

    it('on a ledger that is a folder', async () => {
      expect(await complaint(start({ CARD_PROCESSOR_LEDGER: folder.path }))).to.match(
        /^card-processor did not start: card-processor: /,
      );
    });

    it('in less time than any program takes', async () => {
      expect(await complaint(start(undefined, 1))).to.equal(
        'card-processor did not listen within 1 ms: look at its log',
      );
    });

    it('under a name that no program has', async () => {
      expect(await complaint(start({}, 1_000, 'oracle'))).to.equal('oracle is not built: run npm run build');
    });
  });

  it('leaves a ledger that it can not read as it was', async () => {
    const text = 'this is no ledger\nnor is this\n';
    writeFileSync(ledger, text);
    expect(await complaint(start())).to.match(/ledger\.jsonl is damaged in line 1: restore it from a copy$/);
    expect(readFileSync(ledger, 'utf8')).to.equal(text);
  });
});
