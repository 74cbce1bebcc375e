import { desk } from './desk.js';
import { garden } from './garden.js';
import { kitchen } from './kitchen.js';
import { light } from './light.js';
import { outdoors } from './outdoors.js';
import type { SeedCategory, SeedProduct } from './product.js';
import { sound } from './sound.js';

/** What the shop sells when it opens: six categories of twelve products. */
export const seedCategories: readonly SeedCategory[] = [kitchen, desk, light, garden, outdoors, sound];

/** A product with its place in the catalogue. */
export interface PlacedProduct extends SeedProduct {
  readonly category: string;
  /** Order in which lists show it, from 1. */
  readonly position: number;
}

/** All products, taken from the categories in turn so that each page of the whole list is a mixture. */
export function placedProducts(categories: readonly SeedCategory[] = seedCategories): PlacedProduct[] {
  const length = Math.max(...categories.map(({ products }) => products.length));
  const mixed: Omit<PlacedProduct, 'position'>[] = [];
  for (let row = 0; row < length; row += 1) {
    for (const { id: category, products } of categories) {
      const product = products[row];
      if (product !== undefined) mixed.push({ ...product, category });
    }
  }
  return mixed.map((product, index) => ({ ...product, position: index + 1 }));
}
