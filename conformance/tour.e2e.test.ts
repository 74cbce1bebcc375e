import { startOneProcess } from '../mesh/shape/one-process.js';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { tourSettings, tourSuite } from './tour-suite.js';

tourSuite('one process', async () => {
  const folder = temporaryFolder();
  const environment = { PORT: '0', GRPC_PORT: '0', ADMIN_PORT: '0', ...tourSettings };
  const mesh = await startOneProcess({ dataFolder: folder.path, environment });
  return {
    ...mesh.addresses,
    dataFolder: folder.path,
    stop: async () => {
      await mesh.stop();
      folder.remove();
    },
  };
});
