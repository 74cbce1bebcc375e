import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../runtime/package-root.js';
import { composeFile } from './compose-file.js';

// Run by hand after a change of a server's settings; a test tells when that was forgotten.
writeFileSync(join(packageRoot(), 'compose.yaml'), composeFile());
