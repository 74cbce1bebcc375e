import { startOneProcess } from '../mesh/shape/one-process.js';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { badInputSuite } from './bad-input-suite.js';

badInputSuite('one process', async () => {
  const folder = temporaryFolder();
  const environment = { PORT: '0', GRPC_PORT: '0', ADMIN_PORT: '0' };
  const mesh = await startOneProcess({ dataFolder: folder.path, environment });
  return {
    httpUrl: mesh.addresses.httpUrl,
    stop: async () => {
      await mesh.stop();
      folder.remove();
    },
  };
});
