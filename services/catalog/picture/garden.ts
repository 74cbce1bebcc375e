import type { Palette } from './palette.js';
import { circle, ellipse, faded, rect, shape, stroke, turned } from './svg.js';

const leaf = '#4f8f4a';
const darkLeaf = '#37703a';

export function pot({ main, shade, light, accent }: Palette): string[] {
  return [
    stroke('M200 226 C200 170 196 140 200 92', darkLeaf, 8),
    shape('M200 150 C148 146 118 116 116 76 C162 78 194 106 200 150 Z', leaf),
    shape('M200 176 C252 172 286 140 290 96 C240 100 206 130 200 176 Z', darkLeaf),
    shape('M200 214 C150 222 116 204 98 166 C146 152 184 174 200 214 Z', leaf),
    shape('M200 104 C186 84 188 60 202 44 C216 62 216 86 200 104 Z', accent),
    shape('M126 232 L274 232 L254 328 L146 328 Z', main),
    shape('M222 232 L274 232 L254 328 L214 328 Z', shade),
    rect(114, 212, 172, 32, 8, main),
    faded(0.5, rect(124, 219, 60, 8, 4, light)),
  ];
}

export function wateringCan({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    stroke('M252 178 C340 150 344 262 268 276', accent, 13),
    shape('M150 236 L84 150 L68 160 L142 286 Z', shade),
    turned(-38, 76, 148, rect(52, 136, 48, 16, 8, ink)),
    faded(0.7, stroke('M52 158 L40 190 M66 172 L56 206 M46 206 L40 224', '#58a6c4', 5)),
    shape('M140 172 L262 172 L276 326 L126 326 Z', main),
    shape('M226 172 L262 172 L276 326 L232 326 Z', shade),
    faded(0.5, rect(150, 190, 14, 118, 7, light)),
    ellipse(201, 172, 61, 12, shade),
    ellipse(201, 172, 48, 7, ink),
    stroke('M162 170 C164 112 238 112 240 170', accent, 10),
  ];
}

export function trowel({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    turned(
      28,
      200,
      200,
      rect(182, 44, 36, 112, 18, main),
      faded(0.5, rect(190, 56, 8, 86, 4, light)),
      rect(184, 146, 32, 16, 4, accent),
      rect(194, 160, 12, 40, 2, ink),
      shape('M156 196 L244 196 C250 264 226 310 200 336 C174 310 150 264 156 196 Z', '#cfd8dc'),
      shape('M200 196 L244 196 C250 264 226 310 200 336 Z', '#a9b6bc'),
    ),
    shape('M60 330 C92 292 136 300 164 330 Z', shade),
    stroke('M292 320 C292 296 290 284 296 270', darkLeaf, 6),
    shape('M294 292 C270 288 260 274 258 258 C282 260 294 272 294 292 Z', leaf),
    shape('M295 282 C318 276 328 262 328 246 C306 250 296 262 295 282 Z', darkLeaf),
  ];
}

export function seeds({ main, shade, light, accent, ink }: Palette): string[] {
  const petals = [0, 60, 120, 180, 240, 300].map((angle) =>
    turned(angle, 200, 190, ellipse(200, 154, 17, 27, accent)),
  );
  return [
    turned(
      5,
      200,
      200,
      rect(112, 72, 176, 250, 8, '#fffaf0'),
      rect(112, 72, 176, 40, 8, shade),
      stroke('M126 100 L274 100', light, 3),
      rect(124, 124, 152, 148, 6, light),
      stroke('M200 200 L200 268', darkLeaf, 7),
      shape('M200 250 C176 248 164 236 160 220 C184 222 198 232 200 250 Z', leaf),
      ...petals,
      circle(200, 190, 19, main),
      rect(150, 288, 100, 12, 6, ink),
    ),
    ellipse(84, 322, 10, 6, ink),
    ellipse(108, 334, 10, 6, shade),
    ellipse(320, 330, 10, 6, ink),
  ];
}

export function birdhouse({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    rect(190, 286, 20, 80, 2, shade),
    shape('M124 174 L276 174 L276 296 L124 296 Z', main),
    faded(0.4, stroke('M162 180 L162 292 M200 196 L200 292 M238 180 L238 292', shade, 4)),
    shape('M200 76 L308 172 L288 192 L200 114 L112 192 L92 172 Z', accent),
    shape('M200 114 L262 174 L138 174 Z', main),
    circle(200, 210, 30, ink),
    rect(192, 252, 16, 9, 4, shade),
    rect(110, 288, 180, 16, 6, shade),
    shape(
      'M284 142 C300 114 338 118 342 146 C356 150 360 156 362 162 L340 162 C330 180 300 176 284 142 Z',
      light,
    ),
    circle(330, 140, 4, ink),
  ];
}

export function basket({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    stroke('M112 222 C112 84 288 84 288 222', shade, 14),
    circle(148, 206, 32, accent),
    circle(206, 196, 36, '#c8d36b'),
    circle(258, 208, 30, accent),
    faded(
      0.6,
      circle(138, 196, 8, '#ffffff'),
      circle(196, 184, 9, '#ffffff'),
      circle(250, 198, 7, '#ffffff'),
    ),
    stroke('M206 162 C206 150 212 144 222 142', ink, 5),
    shape('M92 220 L308 220 L286 328 L114 328 Z', main),
    faded(0.7, stroke('M98 250 L302 250 M104 276 L296 276 M110 302 L290 302', shade, 6)),
    faded(0.8, stroke('M136 226 L146 324 M179 226 L183 324 M222 226 L218 324 M264 226 L254 324', light, 6)),
    rect(84, 210, 232, 20, 10, shade),
  ];
}
