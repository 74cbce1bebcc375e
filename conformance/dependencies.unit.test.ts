import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../mesh/runtime/package-root.js';

const root = packageRoot();
const text = (path: string) => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(text('package.json')) as Record<
  'dependencies' | 'devDependencies' | 'overrides',
  Record<string, string>
>;
const all = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];

/** Names in the first column of the table; a short name belongs to the scope of the one before it. */
function namedInTable(): string[] {
  return text('docs/dependencies.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| package'))
    .flatMap((line) => {
      let scope = '';
      return (line.split('|')[1] ?? '')
        .replace(/\([^)]*\)/g, '')
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
        .map((name) => {
          const at = /^(@[^/]+\/)/.exec(name)?.[1];
          if (at !== undefined) scope = at;
          return all.includes(name) || at !== undefined ? name : `${scope}${name}`;
        });
    });
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return path.endsWith('.ts') ? [text(path)] : [];
  });
}

describe('the dependencies', () => {
  it('have a row each in docs/dependencies.md, and every row is a dependency', () => {
    const rows = namedInTable();
    const wanted = all.filter((name) => !name.startsWith('@types/'));
    expect(rows.filter((name) => name !== '@types/*')).to.have.members(wanted);
  });

  it('are imported by the code that ships, each of them', () => {
    const code = ['mesh', 'services', 'witnesses', 'proto'].flatMap(sources).join('\n');
    const unused = Object.keys(manifest.dependencies).filter(
      (name) => !new RegExp(`['"]${name}(/[^'"]*)?['"]`).test(code),
    );
    expect(unused).to.deep.equal([]);
  });

  it('come in one copy of grpc-js, and the lockfile names no place of download', () => {
    expect(manifest.overrides['@grpc/grpc-js']).to.equal('$@grpc/grpc-js');
    const lock = text('package-lock.json');
    expect(lock.match(/"node_modules\/(.*\/)?@grpc\/grpc-js"/g)).to.have.length(1);
    expect(lock).to.not.include('"resolved"');
  });
});
