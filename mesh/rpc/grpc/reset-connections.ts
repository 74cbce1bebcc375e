import type { Duplex } from 'node:stream';

/** How long a reset may stay unseen. */
const lookEveryMs = 250;

/** What Node's TLS sockets are made of, as far as it is needed here. */
interface TlsHandle {
  readonly bytesRead: number;
  readStart(): number;
}

/** Connections that are open, and how many bytes had come when they were last looked at. One timer looks at all. */
const open = new Map<Duplex, number>();
let timer: NodeJS.Timeout | undefined;

/**
 * Lets a client's HTTP/2 session over TLS see that its connection was reset, within a quarter of a second.
 *
 * Node's `TLSWrap` forgets to end a write that fails at once: from then on each write counts as under way, and an HTTP/2
 * session does not read while it writes. So after a reset that came before the process had its turn, one failed write
 * and another after it, nothing is read any more, not even the end: calls run into their deadlines until a keepalive is
 * missed (nodejs/node issues 55804 and 61304; seen with 20.20). To read again is what `Http2Session` would do after the
 * write; it finds the reset, and the session ends as it should. A connection on which something came is left alone.
 */
export function noticeResets(socket: Duplex): void {
  if (handleOf(socket) === undefined) return;
  open.set(socket, -1);
  timer ??= setInterval(look, lookEveryMs).unref();
  socket.once('close', () => {
    open.delete(socket);
    if (open.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  });
}

function look(): void {
  for (const [socket, before] of open) {
    const handle = handleOf(socket);
    if (handle === undefined) continue;
    const { bytesRead } = handle;
    if (bytesRead === before) handle.readStart();
    open.set(socket, bytesRead);
  }
}

/** Not public, hence looked at before it is used. */
function handleOf(socket: Duplex): TlsHandle | undefined {
  const { _handle: handle } = socket as { _handle?: Partial<TlsHandle> | null };
  return typeof handle?.readStart === 'function' && typeof handle.bytesRead === 'number'
    ? (handle as TlsHandle)
    : undefined;
}
