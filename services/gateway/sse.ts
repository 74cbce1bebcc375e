import type { ServerResponse } from 'node:http';
import type { JsonValue } from '@bufbuild/protobuf';
import type { Timers } from '../../mesh/runtime/ports.js';

const heartbeatEveryMs = 15_000;

/** A stream of messages as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface EventStream {
  readonly response: ServerResponse;
  readonly messages: AsyncIterable<JsonValue>;
  readonly timers: Timers;
  /** Name of each event, such as `WatchOrder`. */
  readonly event: string;
  /** Aborted when the client has gone or the gateway stops. */
  readonly signal: AbortSignal;
}

/**
 * Writes messages as they come, waits while the client is slow, and keeps the connection alive by comments. An event's id is
 * its `event.version`, so that a client that comes back goes on where it was. A failure after the first byte is an `error`
 * event, because the status has been sent.
 * @param problem turns a failure into what the client is told.
 */
export async function writeEvents(stream: EventStream, problem: (failure: unknown) => object): Promise<void> {
  const { response, timers, signal } = stream;
  const heartbeat = () => {
    response.write(': still here\n\n');
    cancel = timers.after(heartbeatEveryMs, heartbeat);
  };
  let cancel = timers.after(heartbeatEveryMs, heartbeat);
  try {
    for await (const message of stream.messages) {
      const id = versionOf(message);
      const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${stream.event}\ndata: ${JSON.stringify(message)}\n\n`;
      if (!response.write(text)) await drained(response, signal);
      if (signal.aborted) break;
    }
  } catch (error) {
    response.write(`event: error\ndata: ${JSON.stringify(problem(error))}\n\n`);
  } finally {
    cancel();
    response.end();
  }
}

function versionOf(message: JsonValue): string | undefined {
  const event = (message as { event?: { version?: string } } | null)?.event;
  return event?.version;
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    signal.addEventListener('abort', done);
  });
}
