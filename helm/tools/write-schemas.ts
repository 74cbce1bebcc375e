import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type OpenApi, schemaFile, strictSchema } from './strict-schema.js';

// Run by conformance/verify-charts.sh: write-schemas.ts FOLDER SWAGGER.json CRDS.yaml... (or folders of them).
interface CustomResource {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema?: { readonly openAPIV3Schema: OpenApi };
    }[];
  };
}

const [folder = '', swagger = '', ...crds] = process.argv.slice(2);
if (swagger === '') throw new Error('write-schemas.ts FOLDER SWAGGER.json CRDS.yaml...');
mkdirSync(folder, { recursive: true });
const write = (kind: string, group: string, version: string, schema: OpenApi) =>
  writeFileSync(join(folder, schemaFile(kind, group, version)), JSON.stringify(schema));

const { definitions } = JSON.parse(readFileSync(swagger, 'utf8')) as {
  definitions: Record<string, OpenApi>;
};
for (const [name, definition] of Object.entries(definitions)) {
  const kinds = definition['x-kubernetes-group-version-kind'] as
    | { group: string; version: string; kind: string }[]
    | undefined;
  // Options of requests have a row for each group.
  if (kinds?.length !== 1 || kinds[0] === undefined || kinds[0].kind.endsWith('List')) continue;
  const { group, version, kind } = kinds[0];
  write(kind, group, version, strictSchema({ $ref: `#/definitions/${name}` }, definitions));
}

/** The API server adds to each kind what all have. */
const meta = strictSchema(
  { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
  definitions,
);
const files = crds.flatMap((path) =>
  path.endsWith('.yaml')
    ? [path]
    : readdirSync(path)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => join(path, name)),
);
for (const file of files) {
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const resource = document.toJS() as CustomResource | null;
    if (resource?.kind !== 'CustomResourceDefinition') continue;
    const { group, names, versions } = resource.spec;
    for (const { name, schema } of versions) {
      if (schema === undefined) continue;
      const own = strictSchema(schema.openAPIV3Schema) as { properties: OpenApi };
      const properties = {
        ...own.properties,
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: meta,
      };
      write(names.kind, group, name, { ...own, properties });
    }
  }
}
