import { expect } from 'chai';

/** A trace as Jaeger's own page asks for it. */
interface JaegerTrace {
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly references: readonly { readonly refType: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

/** A span with what checks ask of it. */
export interface TracedSpan {
  readonly name: string;
  readonly service: string;
  readonly kind: unknown;
  /** Id of the span above; undefined for a root. */
  readonly parentId: string | undefined;
  readonly parent: TracedSpan | undefined;
  tag(key: string): unknown;
}

/** Reads a trace from the server that Jaeger's own page asks. Spans may still be missing, or all of them. */
export async function readTrace(jaegerUrl: string, traceId: string): Promise<TracedSpan[]> {
  const answer = await fetch(`${jaegerUrl}/api/traces/${traceId}`);
  const { data } = (await answer.json()) as { data: JaegerTrace[] };
  expect(data, 'traces').to.have.length(1);
  const [{ spans, processes }] = data as [JaegerTrace];
  const byId = new Map<string, TracedSpan>();
  for (const { spanID, operationName, processID, references, tags } of spans) {
    const tag = (key: string) => tags.find((one) => one.key === key)?.value;
    // Where a span is linked to its own parent, as consumers are to producers, Jaeger may show the link alone.
    const above = references.find(({ refType }) => refType === 'CHILD_OF') ?? references[0];
    byId.set(spanID, {
      name: operationName,
      service: processes[processID]?.serviceName ?? '',
      kind: tag('span.kind'),
      parentId: above?.spanID,
      get parent() {
        return byId.get(above?.spanID ?? '');
      },
      tag,
    });
  }
  return [...byId.values()];
}
