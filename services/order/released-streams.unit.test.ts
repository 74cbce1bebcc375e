import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { ordersProjection } from './projection.js';

interface RecordedStream {
  readonly stream: string;
  readonly events: readonly { readonly type: string; readonly data: string; readonly recordedAtMs: number }[];
  readonly row: Readonly<Record<string, string | number>>;
}

const folder = join(packageRoot(), 'services', 'order', 'released-streams');

describe('streams that a release wrote', () => {
  const releases = readdirSync(folder).filter((name) => name.endsWith('.json'));

  it('are there for each release', () => {
    expect(releases).to.include('0.1.0.json');
  });

  for (const release of releases) {
    it(`${release} give the rows that they gave then`, () => {
      const streams = JSON.parse(readFileSync(join(folder, release), 'utf8')) as RecordedStream[];
      expect(streams.length).to.be.greaterThan(5);
      for (const { stream, events, row } of streams) {
        const values = ordersProjection.row(
          events.map(({ type, data, recordedAtMs }, index) => ({
            type,
            data: Buffer.from(data, 'base64'),
            recordedAtMs,
            version: index + 1,
          })),
        );
        const shown = values.map((value) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
        );
        expect(shown, stream).to.deep.equal(ordersProjection.columns.map((column) => row[column]));
      }
    });
  }
});
