import type { Palette } from './palette.js';
import { circle, ellipse, faded, rect, shape, stroke } from './svg.js';

const glow = '#ffe9a8';

export function tableLamp({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    faded(0.55, shape('M128 196 L272 196 L330 326 L70 326 Z', glow)),
    rect(192, 190, 16, 120, 4, accent),
    shape('M152 84 L248 84 L286 200 L114 200 Z', main),
    shape('M222 84 L248 84 L286 200 L244 200 Z', shade),
    faded(0.5, shape('M162 94 L180 94 L158 190 L136 190 Z', light)),
    ellipse(200, 200, 86, 10, glow),
    stroke('M246 206 L246 238', ink, 3),
    circle(246, 242, 6, accent),
    shape('M134 326 C138 300 160 298 200 298 C240 298 262 300 266 326 Z', shade),
  ];
}

export function deskLamp({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    faded(0.55, shape('M206 168 L312 132 L352 326 L168 326 Z', glow)),
    stroke('M132 312 L104 196 L216 110', accent, 13),
    circle(104, 196, 13, ink),
    circle(216, 110, 11, ink),
    shape('M206 96 L258 78 C292 86 312 106 320 136 L206 176 C196 148 196 120 206 96 Z', main),
    shape('M206 176 L320 136 L316 122 L202 160 Z', shade),
    faded(0.5, stroke('M216 112 C212 128 212 140 214 150', light, 9)),
    rect(76, 308, 112, 20, 10, shade),
  ];
}

export function pendant({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    faded(0.5, shape('M104 236 L296 236 L352 372 L48 372 Z', glow)),
    stroke('M200 0 L200 108', ink, 5),
    rect(182, 100, 36, 36, 8, accent),
    shape('M92 240 C92 176 136 132 200 132 C264 132 308 176 308 240 Z', main),
    shape('M236 138 C282 152 308 190 308 240 L262 240 C264 196 256 162 236 138 Z', shade),
    faded(0.5, stroke('M116 218 C120 190 138 168 160 156', light, 10)),
    ellipse(200, 240, 108, 14, shade),
    ellipse(200, 242, 92, 9, glow),
    circle(200, 252, 20, '#fff6d8'),
  ];
}

export function lantern({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    stroke('M150 128 C150 62 250 62 250 128', ink, 8),
    shape('M128 152 L200 108 L272 152 Z', main),
    rect(118, 148, 164, 18, 6, shade),
    rect(132, 166, 136, 136, 4, '#fff6d8'),
    faded(0.7, circle(200, 240, 56, glow)),
    shape('M200 190 C224 222 222 246 200 250 C178 246 176 222 200 190 Z', '#f3a63b'),
    shape('M200 216 C210 232 210 246 200 248 C190 246 190 232 200 216 Z', '#fff1b8'),
    rect(180, 250, 40, 52, 4, light),
    stroke('M132 168 L132 302 M268 168 L268 302 M200 168 L200 182', ink, 7),
    rect(112, 300, 176, 24, 8, main),
    rect(124, 318, 152, 10, 5, accent),
  ];
}

export function candle({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    faded(0.6, circle(156, 132, 54, glow), circle(256, 176, 44, glow)),
    shape('M156 94 C178 124 174 146 156 148 C138 146 134 124 156 94 Z', '#f3a63b'),
    shape('M256 146 C272 168 270 186 256 188 C242 186 240 168 256 146 Z', '#f3a63b'),
    stroke('M156 146 L156 162 M256 186 L256 202', ink, 4),
    rect(120, 160, 72, 166, 10, main),
    faded(0.5, rect(130, 176, 12, 140, 6, light)),
    shape(
      'M120 172 C120 160 192 160 192 172 C190 200 182 184 176 180 C168 176 168 212 160 208 C152 206 150 176 140 180 C130 186 122 190 120 172 Z',
      light,
    ),
    rect(220, 200, 72, 126, 10, accent),
    faded(0.3, rect(268, 204, 22, 118, 10, ink)),
    ellipse(156, 326, 54, 9, shade),
    ellipse(256, 326, 50, 9, shade),
  ];
}

export function stringLights({ main, shade, light, accent, ink }: Palette): string[] {
  const bulbs = [
    [44, 128, main],
    [104, 184, accent],
    [170, 206, light],
    [236, 202, main],
    [300, 172, accent],
    [356, 122, shade],
  ] as const;
  return [
    stroke('M0 70 C90 220 300 230 400 60', ink, 5),
    ...bulbs.flatMap(([x, y, colour]) => [
      faded(0.6, circle(x, y + 40, 34, glow)),
      rect(x - 8, y - 4, 16, 20, 4, ink),
      shape(
        `M${x - 10} ${y + 14} C${x - 30} ${y + 44} ${x - 14} ${y + 64} ${x} ${y + 68} C${x + 14} ${y + 64} ${x + 30} ${y + 44} ${x + 10} ${y + 14} Z`,
        colour,
      ),
      faded(0.6, ellipse(x - 7, y + 38, 4, 10, '#ffffff')),
    ]),
  ];
}
