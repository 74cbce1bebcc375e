import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, isMap, parseAllDocuments } from 'yaml';

// Run by istio/render.sh: what was rendered comes by standard input, and is written one file for each service, and one for all.
const [folder = ''] = process.argv.slice(2);
if (folder === '') throw new Error('istio-files.ts FOLDER');
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) rmSync(join(folder, name));

const ofIstio = /^(security|networking|telemetry)\.istio\.io\/|^gateway\.networking\.k8s\.io\//;
const files = new Map<string, string[]>();
for (const document of parseAllDocuments(readFileSync(0, 'utf8'))) {
  if (!isMap(document.contents) || !ofIstio.test(String(document.get('apiVersion')))) continue;
  const app = String(document.getIn(['metadata', 'labels', 'app']));
  files.set(app, [...(files.get(app) ?? []), textOf(document)]);
}
for (const [app, documents] of files) {
  const made = '# Made from helm/shop by: bash istio/render.sh\n';
  writeFileSync(join(folder, `${app}.yaml`), `${made}${documents.sort().join('')}`);
}

/** Without the labels that say that Helm keeps it, since here it does not. */
function textOf(document: Document): string {
  document.deleteIn(['metadata', 'labels', 'app.kubernetes.io/managed-by']);
  document.commentBefore = null;
  if (isMap(document.contents)) document.contents.commentBefore = null;
  return `---\n${document.toString({ lineWidth: 0, directives: false })}`;
}
