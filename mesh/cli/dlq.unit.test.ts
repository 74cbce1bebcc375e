import { expect } from 'chai';
import type { DeadLetterSummary, ShownDeadLetter } from '../bus/dead-letter-queues.js';
import { deadLetterPaths } from '../shape/dead-letter-pages.js';
import type { Terminal } from './command.js';
import { dlqCommand } from './dlq.js';
import { parseInvocation } from './parse.js';

const summary: DeadLetterSummary = {
  group: 'cart',
  id: 'order-1-x',
  topic: 'order',
  type: 'meshmart.order.v1.OrderPlaced',
  key: 'ord_1',
  attempts: 8,
  lastError: 'Error: no price',
  occurredAtMs: 1_767_225_600_000,
  failedAtMs: 1_767_225_606_000,
  traceId: '0af7651916cd43dd8448eb211c80319c',
};
const shown: ShownDeadLetter = { ...summary, message: { orderId: 'ord_1' }, unreadable: null, bytes: 7 };

/** Runs the command line against answers by path; gives what it printed and what it asked. */
async function run(argv: readonly string[], answers: Record<string, unknown>) {
  const asked: string[] = [];
  let output = '';
  let complaints = '';
  const terminal: Terminal = {
    out: (text) => {
      output += text;
    },
    err: (text) => {
      complaints += text;
    },
    environment: {},
    interactive: false,
  };
  const command = dlqCommand(() => async (method, path, query = {}) => {
    asked.push(`${method} ${path} ${new URLSearchParams(query)}`.trim());
    const answer = answers[path];
    if (answer instanceof Error) throw answer;
    return typeof answer === 'function' ? answer(query) : answer;
  });
  const invocation = parseInvocation(['dlq', ...argv], [command]);
  if (invocation.kind !== 'run') throw new Error('not a run');
  const outcome = await command.run(invocation.args, terminal).then(
    (code) => ({ code }),
    (error: Error) => ({ error: error.message }),
  );
  return { ...outcome, output, complaints, asked };
}

describe('meshmart dlq', () => {
  it('lists dead letters as a table, or as JSON', async () => {
    const answers = { [deadLetterPaths.list]: { deadLetters: [summary] } };
    const table = await run(['list'], answers);
    expect(table.asked).to.deep.equal(['GET /dead-letters']);
    expect(table.output.split('\n')[1]).to.equal(
      'cart   order-1-x  meshmart.order.v1.OrderPlaced  ord_1  8         2026-01-01T00:00:06.000Z  Error: no price',
    );
    const json = await run(['list', '--group', 'cart', '--json'], answers);
    expect(json.asked).to.deep.equal(['GET /dead-letters group=cart']);
    expect(JSON.parse(json.output)).to.deep.equal([summary]);
  });

  it('says when there are none', async () => {
    const { output, code } = {
      code: undefined,
      ...(await run(['list'], { '/dead-letters': { deadLetters: [] } })),
    };
    expect({ output, code }).to.deep.equal({ output: 'no dead letters\n', code: 0 });
  });

  it('shows a message with its attempts, last error and trace', async () => {
    const { output, asked } = await run(['show', 'cart', 'order-1-x'], { [deadLetterPaths.show]: shown });
    expect(asked).to.deep.equal(['GET /dead-letters/message group=cart&id=order-1-x']);
    expect(output)
      .to.include('after 8 attempts')
      .and.include('Error: no price')
      .and.include('meshmart trace 0af7651916cd43dd8448eb211c80319c')
      .and.include('"orderId": "ord_1"');
  });

  it('says why a message can not be read', async () => {
    const unreadable = { ...shown, message: null, unreadable: 'premature EOF' };
    const { output } = await run(['show', 'cart', 'order-1-x'], { [deadLetterPaths.show]: unreadable });
    expect(output).to.include('7 bytes, no meshmart.order.v1.OrderPlaced: premature EOF');
  });

  it('lets nothing from the bus steer the terminal', async () => {
    const hostile = { ...shown, key: '\u001b[2J', lastError: 'a\r\nb\u202ec', id: '\u0007' };
    const listed = await run(['list'], { [deadLetterPaths.list]: { deadLetters: [hostile] } });
    const told = await run(['show', 'cart', 'x'], { [deadLetterPaths.show]: hostile });
    for (const { output } of [listed, told]) expect(output).to.not.match(/(?!\n)[\p{Cc}\p{Cf}]/u);
  });

  it('replays one', async () => {
    const { output, asked } = await run(['replay', 'cart', 'order-1-x'], { [deadLetterPaths.replay]: {} });
    expect(asked).to.deep.equal(['POST /dead-letters/replay group=cart&id=order-1-x']);
    expect(output).to.equal('1 replayed\n');
  });

  it('replays all of a group, goes on after one that is gone, and then ends with 1', async () => {
    const outcome = await run(['replay', 'cart', '--all'], {
      [deadLetterPaths.list]: {
        deadLetters: [summary, { ...summary, id: 'gone' }, { ...summary, id: 'last' }],
      },
      [deadLetterPaths.replay]: ({ id }: { id: string }) => {
        if (id === 'gone') throw new Error('cart has no dead letter gone');
        return {};
      },
    });
    expect(outcome).to.deep.include({ code: 1, output: '2 replayed, 1 could not be\n' });
    expect(outcome.complaints).to.equal('meshmart: cart has no dead letter gone\n');
    expect(outcome.asked).to.deep.equal([
      'GET /dead-letters group=cart',
      'POST /dead-letters/replay group=cart&id=order-1-x',
      'POST /dead-letters/replay group=cart&id=gone',
      'POST /dead-letters/replay group=cart&id=last',
    ]);
  });

  const wrong: [argv: string[], says: RegExp][] = [
    [[], /^dlq needs a word: use list, show or replay/],
    [['purge'], /^dlq has no 'purge'/],
    [['show', 'cart'], /^show needs a group and an id/],
    [['replay'], /^replay needs a group and an id, or --all/],
    [['replay', 'cart'], /^replay needs a group and an id, or --all/],
    [['replay', 'cart', 'order-1-x', '--all'], /^replay needs a group and an id, or --all/],
  ];
  for (const [argv, says] of wrong) {
    it(`refuses '${['dlq', ...argv].join(' ')}' and asks nobody`, async () => {
      const outcome = await run(argv, {});
      expect('error' in outcome && outcome.error).to.match(says);
      expect(outcome.asked).to.deep.equal([]);
    });
  }
});
