import { StartupError } from '../runtime/startup-error.js';
import { traceText } from '../telemetry/trace-text.js';
import type { FinishedSpan } from '../telemetry/tracer.js';
import { readAdmin, runningMesh } from './admin-client.js';
import { type Command, switchOption } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';

/** `meshmart trace ORDER`: every hop of a purchase, as a tree. */
export const trace: Command = {
  name: 'trace',
  summary: 'Show the trace of an order, or any trace by its id, as a tree.',
  usage: 'ORDER|TRACE [OPTIONS]',
  options: {
    data: dataOption,
    json: { type: 'boolean', about: 'Print the spans as JSON.' },
  },
  examples: [
    'meshmart trace ord_01kb2vjzq0w8x4n6t3r5m7c9e1',
    'meshmart trace 4bf92f3577b34da6a3ce929d0e0e4736 --json',
  ],
  run: async (args, terminal) => {
    const [id] = args.positionals;
    if (id === undefined)
      throw new StartupError('trace needs an order or a trace id', 'see meshmart trace --help');
    const query = /^[0-9a-f]{32}$/.test(id) ? `traceId=${id}` : `order=${encodeURIComponent(id)}`;
    const answer = (await readAdmin(runningMesh(dataFolderOf(args, terminal)), `/traces?${query}`)) as {
      spans: FinishedSpan[];
    };
    if (answer.spans.length === 0) {
      throw new StartupError(
        `no trace of ${id} is in memory`,
        'the newest 20,000 spans are kept; buy something and look again',
      );
    }
    terminal.out(
      switchOption(args, 'json') ? `${JSON.stringify(answer, null, 2)}\n` : traceText(answer.spans),
    );
    return 0;
  },
};
