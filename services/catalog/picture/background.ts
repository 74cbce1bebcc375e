import type { Palette } from './palette.js';
import { circle, stroke } from './svg.js';

/** Small things around the object; a picture has one set of them. */
export const backgrounds: readonly ((palette: Palette) => string[])[] = [
  ({ light, accent }) => [
    circle(56, 76, 9, light),
    circle(342, 60, 14, accent),
    circle(366, 246, 7, light),
    circle(30, 264, 6, accent),
  ],
  ({ light }) => [
    stroke(
      'M34 84 C46 70 58 98 70 84 C82 70 94 98 106 84 M304 78 C316 64 328 92 340 78 C352 64 364 92 376 78',
      light,
      5,
    ),
  ],
  ({ light, accent }) => [
    stroke('M52 62 L52 90 M38 76 L66 76 M344 92 L344 116 M332 104 L356 104', light, 6),
    circle(352, 220, 6, accent),
  ],
  ({ light, accent }) => [
    stroke('M30 60 A44 44 0 0 0 74 104 M330 46 A40 40 0 0 0 370 86', accent, 6),
    circle(40, 250, 8, light),
  ],
  ({ disc, light }) => [circle(60, 330, 44, disc), circle(352, 70, 36, disc), circle(62, 70, 6, light)],
];
