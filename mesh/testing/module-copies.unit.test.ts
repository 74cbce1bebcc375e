import { expect } from 'chai';
import { StoreConflict } from '../store/store.js';

describe('a module', () => {
  it('is the same one to a test that imports it and to the runtime that loads it by its path', async () => {
    const path = new URL('../store/store.ts', import.meta.url).href;
    const loaded = (await import(path)) as { readonly StoreConflict: typeof StoreConflict };
    expect(loaded.StoreConflict).to.equal(StoreConflict);
  });
});
