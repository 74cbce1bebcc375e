import { type SpanNode, type TraceNode, traceTree } from './trace-tree.js';
import type { FinishedSpan } from './tracer.js';

/** Attributes that are worth a place on a line, with the words that lead them in. */
const shownAttributes: readonly (readonly [name: string, leadIn: string])[] = [
  ['http.response.status_code', 'status '],
  ['db.namespace', 'in '],
  ['messaging.destination.name', 'topic '],
];

/**
 * Writes spans as a tree for the terminal; ends with a newline. Times are milliseconds; `*` marks the critical path,
 * `~` what came by a message, `!` an error.
 *
 * ```text
 * trace 0af7651916cd43dd8448eb211c80319c: 3 spans, 2 services, 12.5 ms
 *    start   took
 *      0.0   12.5 * gateway  POST /v1/orders  status 201
 *      0.4   11.9 * └─ gateway  meshmart.order.v1.OrderService/PlaceOrder  client
 *      0.6   11.5 *    └─ order  meshmart.order.v1.OrderService/PlaceOrder  server
 * ```
 */
export function traceText(spans: readonly FinishedSpan[]): string {
  if (spans.length === 0) return 'no spans\n';
  const tree = traceTree(spans);
  const traces = new Set(spans.map((span) => span.context.traceId));
  const services = new Set(spans.map((span) => span.service));
  const [first] = traces;
  const subject = traces.size === 1 ? `trace ${plain(first ?? '')}` : counted(traces.size, 'trace');
  const heading = [
    counted(spans.length, 'span'),
    counted(services.size, 'service'),
    `${tree.durationMs.toFixed(1)} ms`,
  ];
  const lines = [`${subject}: ${heading.join(', ')}`, '   start   took'];
  for (const root of tree.roots) writeNode(lines, root, '', '');
  return `${lines.join('\n')}\n`;
}

function writeNode(lines: string[], node: TraceNode, branch: string, below: string): void {
  lines.push(node.kind === 'span' ? spanLine(node, branch) : gapLine(node.offsetMs, branch, node.spanId));
  node.children.forEach((child, position) => {
    const last = position === node.children.length - 1;
    writeNode(lines, child, `${below}${last ? '└─ ' : '├─ '}`, `${below}${last ? '   ' : '│  '}`);
  });
}

function spanLine(node: SpanNode, branch: string): string {
  const { span } = node;
  const words = [
    `${node.by === 'link' ? '~ ' : ''}${plain(span.service)}`,
    plain(span.name),
    ...(span.kind === 'internal' ? [] : [span.kind]),
    ...shownAttributes.flatMap(([name, leadIn]) => {
      const value = span.attributes[name];
      return value === undefined ? [] : [`${leadIn}${plain(String(value))}`];
    }),
    ...span.events.map((event) => `[${plain(event.name)}]`),
    ...(span.error === undefined ? [] : [`! ${plain(span.error)}`]),
  ];
  return `${column(node.offsetMs)}${column(span.durationMs)} ${node.critical ? '*' : ' '} ${branch}${words.join('  ')}`;
}

function gapLine(offsetMs: number, branch: string, spanId: string): string {
  return `${column(offsetMs)}      -   ${branch}(span ${plain(spanId)} is not here: it has not ended, or was forgotten)`;
}

function column(ms: number): string {
  return ms
    .toFixed(1)
    .padStart(8)
    .slice(-Math.max(8, ms.toFixed(1).length));
}

/** Text without control characters: a name in a span must not move the cursor of whoever reads it. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
