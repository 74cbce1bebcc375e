import { expect } from 'chai';
import type { StoredEvent } from './store.js';
import { type Upcasters, upcast } from './upcast.js';

const event = (type: string, text: string): StoredEvent => ({ type, data: Buffer.from(text) });
const textOf = ({ type, data }: StoredEvent) => `${type}: ${Buffer.from(data)}`;

describe('upcasting', () => {
  const upcasters: Upcasters = {
    'order.v1': ({ data }) => event('order.v2', `${Buffer.from(data)}, in EUR`),
    'order.v2': ({ data }) => event('order.v3', `${Buffer.from(data)}, to DE`),
    around: () => event('and around', ''),
    'and around': () => event('around', ''),
  };

  it('takes an old event through every step to today, and keeps its place in the stream', () => {
    const recorded = { ...event('order.v1', 'a mug'), version: 3, recordedAtMs: 17 };
    const newer = upcast(recorded, upcasters);
    expect(textOf(newer)).to.equal('order.v3: a mug, in EUR, to DE');
    expect(newer).to.include({ version: 3, recordedAtMs: 17 });
    expect(textOf(recorded)).to.equal('order.v1: a mug');
  });

  it('leaves an event of today as it is, also one that is called like what every object has', () => {
    for (const type of ['order.v3', 'constructor', '__proto__'])
      expect(textOf(upcast(event(type, 'a mug'), upcasters))).to.equal(`${type}: a mug`);
  });

  it('refuses steps that go round in a circle', () => {
    expect(() => upcast(event('around', ''), upcasters)).to.throw(/circle/);
  });
});
