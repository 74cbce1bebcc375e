import type { Palette } from './palette.js';
import { circle, ellipse, faded, rect, shape, stroke, turned } from './svg.js';

export function tent({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    faded(0.5, shape('M36 316 L120 150 L176 230 L236 124 L364 316 Z', accent)),
    shape('M190 132 L330 322 L230 322 Z', shade),
    shape('M190 132 L66 322 L230 322 Z', main),
    shape('M190 132 L140 322 L214 322 Z', ink),
    shape('M190 132 L140 322 L112 322 C150 270 176 210 190 132 Z', light),
    stroke('M190 132 L190 108', ink, 5),
    shape('M190 104 L222 114 L190 126 Z', accent),
    stroke('M66 322 L44 334 M330 322 L354 334', ink, 4),
  ];
}

export function backpack({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    stroke('M166 112 C166 72 234 72 234 112', ink, 10),
    rect(92, 190, 34, 110, 16, shade),
    rect(274, 190, 34, 110, 16, shade),
    shape(
      'M114 192 C114 134 148 100 200 100 C252 100 286 134 286 192 L286 304 C286 318 276 328 262 328 L138 328 C124 328 114 318 114 304 Z',
      main,
    ),
    shape('M114 186 C116 132 150 100 200 100 C250 100 284 132 286 186 L286 196 L114 196 Z', shade),
    rect(142, 226, 116, 82, 14, light),
    stroke('M156 246 L244 246', ink, 4),
    rect(150, 184, 16, 34, 4, accent),
    rect(234, 184, 16, 34, 4, accent),
    circle(200, 150, 15, accent),
  ];
}

export function bottle({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    stroke('M182 80 C182 54 218 54 218 80', ink, 8),
    rect(172, 76, 56, 42, 10, accent),
    shape(
      'M172 118 L228 118 C230 142 258 148 258 182 L258 302 C258 318 248 328 232 328 L168 328 C152 328 142 318 142 302 L142 182 C142 148 170 142 172 118 Z',
      main,
    ),
    shape(
      'M224 130 C234 146 258 150 258 182 L258 302 C258 318 248 328 232 328 L222 328 C236 270 236 190 224 130 Z',
      shade,
    ),
    rect(142, 214, 116, 54, 0, light),
    shape('M154 262 L184 224 L200 244 L214 230 L244 262 Z', ink),
    faded(0.6, rect(154, 170, 10, 34, 5, '#ffffff')),
  ];
}

export function compass({ main, shade, light, accent, ink }: Palette): string[] {
  const marks = [0, 45, 90, 135, 180, 225, 270, 315].map((angle) =>
    turned(angle, 200, 216, rect(197, 132, 6, angle % 90 === 0 ? 18 : 9, 3, ink)),
  );
  return [
    stroke('M200 92 C150 60 120 52 84 78', accent, 7),
    circle(200, 92, 16, shade),
    circle(200, 216, 112, shade),
    circle(200, 214, 104, main),
    circle(200, 216, 90, '#fffaf0'),
    ...marks,
    turned(
      32,
      200,
      216,
      shape('M200 144 L216 216 L184 216 Z', accent),
      shape('M200 288 L216 216 L184 216 Z', light),
    ),
    circle(200, 216, 9, ink),
    faded(0.6, stroke('M112 186 C118 160 136 140 158 128', light, 8)),
  ];
}

export function hammock({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    rect(48, 60, 26, 272, 6, ink),
    rect(326, 60, 26, 272, 6, ink),
    ellipse(58, 56, 92, 60, '#4f8f4a'),
    ellipse(346, 52, 92, 62, '#4f8f4a'),
    faded(0.6, ellipse(30, 38, 44, 26, '#82b874'), ellipse(366, 30, 44, 26, '#82b874')),
    circle(96, 82, 8, accent),
    circle(318, 78, 8, accent),
    stroke('M74 152 L110 182 M326 152 L290 182', shade, 5),
    shape('M104 176 C140 236 260 236 296 176 C290 296 252 302 200 302 C148 302 110 296 104 176 Z', main),
    faded(0.8, stroke('M116 206 C140 262 260 262 284 206', light, 9)),
    faded(0.8, stroke('M122 236 C150 282 250 282 278 236', shade, 9)),
    stroke('M124 290 L120 308 M200 302 L200 320 M276 290 L280 308', shade, 4),
  ];
}

export function stove({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    faded(0.6, stroke('M176 104 C164 88 188 78 176 60 M222 104 C210 88 234 78 222 60', shade, 6)),
    shape('M128 118 L272 118 L264 200 C262 208 258 210 252 210 L148 210 C142 210 138 208 136 200 Z', main),
    ellipse(200, 118, 72, 11, light),
    stroke('M272 134 L326 126', ink, 10),
    shape(
      'M166 246 C160 226 176 226 176 212 C190 222 190 236 186 246 Z M196 246 C190 226 200 222 202 208 C216 222 214 236 210 246 Z M222 246 C218 230 226 226 230 214 C242 228 238 240 234 246 Z',
      '#f08a3c',
    ),
    stroke('M132 212 L150 250 M268 212 L250 250', ink, 7),
    rect(146, 246, 108, 18, 8, shade),
    shape(
      'M160 264 L240 264 C262 274 266 286 266 300 L266 326 L134 326 L134 300 C134 286 138 274 160 264 Z',
      accent,
    ),
    rect(134, 292, 132, 14, 0, light),
    circle(282, 256, 10, ink),
    stroke('M254 255 L276 256', ink, 5),
  ];
}
