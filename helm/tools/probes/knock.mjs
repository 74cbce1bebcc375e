// Opens plain TCP connections, says the first bytes of a protocol, and prints what was heard. A sidecar accepts connections for
// others, so only an answer tells that somebody is there. Given: {knocks: [{name, host, port, say}], withinMs}.
import { connect } from 'node:net';

const { knocks, withinMs } = globalThis.given;

function knock({ name, host, port, say }) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let heard = '';
    const end = (how) => {
      socket.destroy();
      resolve({ name, host, port, heard, how });
    };
    socket.setTimeout(withinMs, () => end('silence'));
    socket.on('connect', () => socket.write(Buffer.from(say, 'latin1')));
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1').slice(0, 200);
      end('answer');
    });
    socket.on('error', (error) => end(error.code));
    socket.on('close', () => end('closed'));
  });
}

console.log(JSON.stringify(await Promise.all(knocks.map(knock))));
