import { clock, lettering, notebook, pen, stand, tray } from './desk.js';
import { basket, birdhouse, pot, seeds, trowel, wateringCan } from './garden.js';
import { board, jar, kettle, knife, mug, pan } from './kitchen.js';
import { candle, deskLamp, lantern, pendant, stringLights, tableLamp } from './light.js';
import { backpack, bottle, compass, hammock, stove, tent } from './outdoors.js';
import type { Palette } from './palette.js';
import { headphones, radio, record, speaker, turntable, ukulele } from './sound.js';
import { faded, rect, stroke } from './svg.js';

/** What can be drawn, by the name that a product gives. */
export const motifs = {
  kettle,
  pan,
  mug,
  knife,
  jar,
  board,
  notebook,
  pen,
  tray,
  clock,
  stand,
  lettering,
  tableLamp,
  deskLamp,
  pendant,
  lantern,
  candle,
  stringLights,
  pot,
  wateringCan,
  trowel,
  seeds,
  birdhouse,
  basket,
  tent,
  backpack,
  bottle,
  compass,
  hammock,
  stove,
  speaker,
  headphones,
  turntable,
  record,
  ukulele,
  radio,
} satisfies Record<string, (palette: Palette) => string[]>;

export type Motif = keyof typeof motifs;

/** Things that hang or lie on a background cast no shadow on the ground. */
export const withoutShadow: ReadonlySet<Motif> = new Set(['pendant', 'stringLights']);

export function isMotif(name: string): name is Motif {
  return Object.hasOwn(motifs, name);
}

/** For products that were made later, without a motif. */
export function parcel({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    rect(100, 152, 200, 176, 10, main),
    rect(100, 152, 200, 40, 10, shade),
    rect(182, 152, 36, 176, 0, accent),
    faded(0.5, stroke('M120 214 L120 304', light, 7)),
    stroke('M238 300 L276 300 M238 284 L262 284', ink, 5),
  ];
}
