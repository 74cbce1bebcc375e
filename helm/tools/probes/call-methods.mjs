// Calls gRPC methods with an empty message, over plain HTTP/2, and prints what came of each. Runs in a pod, which has node and no
// library. Given: {calls: [{dial, authority, paths}], withinMs}.
import { connect } from 'node:http2';

const { calls, withinMs } = globalThis.given;

/** An empty message in gRPC's frame: not compressed, no bytes. */
const emptyMessage = Buffer.alloc(5);

function call(session, authority, path) {
  return new Promise((resolve) => {
    const seen = { path };
    const read = (headers) => {
      seen.http ??= headers[':status'];
      if (headers['grpc-status'] !== undefined) seen.status = Number(headers['grpc-status']);
      if (headers['grpc-message'] !== undefined) seen.message = decodeURIComponent(headers['grpc-message']);
    };
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      ':authority': authority,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('error', (error) => {
      seen.problem = error.code;
    });
    stream.on('close', () => resolve(seen));
    stream.setTimeout(withinMs, () => {
      seen.problem = 'TIMEOUT';
      stream.close();
    });
    stream.resume();
    stream.end(emptyMessage);
  });
}

async function callAll({ dial, authority, paths }) {
  const session = connect(`http://${dial}`);
  session.on('error', () => undefined);
  const results = await Promise.all(paths.map((path) => call(session, authority, path)));
  session.destroy();
  return results.map((result) => ({ dial, authority, ...result }));
}

console.log(JSON.stringify((await Promise.all(calls.map(callAll))).flat()));
