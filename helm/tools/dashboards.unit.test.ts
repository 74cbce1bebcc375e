import { expect } from 'chai';
import { recordingRules } from '../../mesh/shape/servers/recording-rules.js';
import { createMetrics } from '../../mesh/telemetry/metrics.js';
import { virtualClock } from '../../mesh/testing/virtual-clock.js';
import { dashboardQueries } from './dashboards.js';

describe('the dashboards', () => {
  it('ask only for metrics that processes have and rules that are recorded', async () => {
    const metrics = createMetrics({ version: '1', shape: 'cluster', clock: virtualClock().clock });
    metrics.edge('order', 'cart');
    metrics.deadLetters(async () => ({}));
    const { text } = await metrics.text();
    const exposed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_count`, `${name}_sum`, `${name}_bucket`] : [name],
    );
    const recorded = (recordingRules() as { groups: { rules: { record: string }[] }[] }).groups.flatMap(
      ({ rules }) => rules.map(({ record }) => record),
    );
    const known = new Set([...exposed, ...recorded]);
    const functions = new Set(['sum', 'by', 'rate', 'topk', 'count']);
    for (const query of dashboardQueries()) {
      const bare = query.replace(/by \([^)]*\)/g, '').replace(/\[\w+\]/g, '');
      const names = (bare.match(/[a-z][\w:]+/g) ?? []).filter((name) => !functions.has(name));
      expect(names, query).to.not.be.empty;
      for (const name of names) expect(known.has(name), `${name} in ${query}`).to.equal(true);
    }
  });
});
