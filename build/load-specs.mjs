// Lets mocha load TypeScript as what it is in production: ECMAScript modules, each once. Mocha asks `require` first, and
// the CommonJS half of tsx would answer: a spec and all that it imports were a second copy of what `import()` loads, with
// classes that `instanceof` does not know again. So only the half for modules is registered, and what mocha requires is
// imported.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { register } from 'tsx/esm/api';

register();
const { extensions } = createRequire(import.meta.url);
extensions['.ts'] = (module, path) => {
  module.exports = import(pathToFileURL(path).href);
};
