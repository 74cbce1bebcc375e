import type { Palette } from './palette.js';
import { circle, ellipse, faded, rect, shape, stroke, turned } from './svg.js';

export function notebook({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    turned(
      -7,
      200,
      210,
      rect(116, 96, 184, 232, 12, '#fffaf0'),
      rect(108, 88, 184, 232, 12, main),
      rect(108, 88, 30, 232, 12, shade),
      rect(250, 88, 12, 232, 0, accent),
      rect(162, 132, 74, 46, 6, '#fffaf0'),
      stroke('M172 148 L226 148 M172 162 L208 162', ink, 4),
      faded(0.4, stroke('M158 286 L232 286', light, 5)),
    ),
    stroke('M250 316 L254 350', accent, 7),
  ];
}

export function pen({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    turned(
      42,
      200,
      200,
      rect(180, 58, 40, 92, 14, shade),
      rect(216, 66, 8, 76, 4, accent),
      rect(180, 142, 40, 12, 0, accent),
      rect(182, 154, 36, 110, 2, main),
      faded(0.5, rect(189, 70, 8, 190, 4, light)),
      shape('M182 264 L218 264 L206 308 L194 308 Z', ink),
      shape('M188 306 L212 306 L200 348 Z', accent),
      stroke('M200 318 L200 342', ink, 2),
    ),
    stroke('M84 318 C112 298 128 338 152 318 C172 302 184 334 206 320', ink, 5),
  ];
}

export function tray({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    turned(-8, 130, 200, rect(118, 92, 18, 150, 6, accent), shape('M118 92 L136 92 L127 66 Z', light)),
    turned(6, 190, 200, rect(170, 106, 16, 140, 6, light), rect(170, 106, 16, 22, 6, ink)),
    turned(
      12,
      244,
      180,
      rect(234, 100, 40, 130, 4, '#fffaf0'),
      stroke('M244 122 L264 122 M244 138 L264 138', ink, 3),
    ),
    shape('M78 214 L322 214 L308 326 L92 326 Z', main),
    shape('M78 214 L322 214 L318 244 L82 244 Z', shade),
    stroke('M164 248 L168 322 M236 248 L232 322', shade, 5),
    circle(200, 284, 12, accent),
    faded(0.5, stroke('M100 260 L106 308', light, 7)),
  ];
}

export function clock({ main, shade, light, accent, ink }: Palette): string[] {
  const marks = [0, 90, 180, 270].map((angle) => turned(angle, 200, 202, rect(196, 122, 8, 18, 4, ink)));
  return [
    stroke('M136 300 L120 326 M264 300 L280 326', shade, 16),
    circle(200, 202, 116, shade),
    circle(200, 200, 106, main),
    circle(200, 202, 88, '#fffaf0'),
    ...marks,
    stroke('M200 202 L200 148', ink, 8),
    stroke('M200 202 L240 226', ink, 8),
    stroke('M200 216 L200 136', accent, 3),
    circle(200, 202, 9, accent),
    faded(0.5, stroke('M118 160 C130 132 150 116 176 106', light, 8)),
  ];
}

export function stand({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    shape('M92 110 L308 110 C318 110 324 116 324 126 L324 232 L76 232 L76 126 C76 116 82 110 92 110 Z', ink),
    rect(90, 124, 220, 96, 4, light),
    shape('M90 220 L90 180 C140 150 180 212 230 176 C266 150 290 170 310 164 L310 220 Z', accent),
    rect(60, 232, 280, 14, 7, shade),
    shape('M112 246 L288 246 L264 262 L136 262 Z', main),
    shape('M150 262 L176 262 L150 326 L118 326 Z', main),
    shape('M224 262 L250 262 L282 326 L250 326 Z', main),
    rect(96, 318, 208, 12, 6, shade),
  ];
}

export function lettering({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    turned(
      -10,
      180,
      210,
      rect(86, 128, 200, 140, 6, shade),
      rect(82, 122, 200, 140, 6, '#fffaf0'),
      shape('M82 128 L182 208 L282 128 L282 122 L82 122 Z', light),
      stroke('M84 126 L182 206 L280 126', main, 5),
    ),
    circle(176, 206, 22, accent),
    faded(0.5, stroke('M166 206 L174 214 L188 198', '#ffffff', 4)),
    turned(
      14,
      280,
      260,
      rect(240, 232, 96, 74, 4, main),
      rect(250, 242, 28, 28, 3, accent),
      stroke('M290 252 L324 252 M290 266 L316 266 M252 288 L320 288', light, 4),
    ),
    ellipse(110, 312, 30, 7, ink),
    rect(92, 272, 36, 40, 8, ink),
    faded(0.4, rect(98, 278, 6, 28, 3, '#ffffff')),
  ];
}
