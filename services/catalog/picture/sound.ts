import type { Palette } from './palette.js';
import { circle, ellipse, faded, rect, shape, stroke, turned } from './svg.js';

export function speaker({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    rect(118, 74, 172, 254, 18, shade),
    rect(110, 68, 172, 254, 18, main),
    circle(196, 134, 36, ink),
    circle(196, 134, 22, light),
    circle(196, 134, 8, ink),
    circle(196, 240, 64, ink),
    circle(196, 240, 48, shade),
    circle(196, 240, 34, light),
    circle(196, 240, 16, accent),
    circle(126, 84, 4, ink),
    circle(266, 84, 4, ink),
    faded(0.7, stroke('M312 160 C330 184 330 214 312 238 M334 138 C364 176 364 222 334 260', accent, 7)),
  ];
}

export function headphones({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    stroke('M104 236 C84 60 316 60 296 236', ink, 18),
    stroke('M126 148 C154 96 246 96 274 148', main, 22),
    rect(74, 204, 54, 112, 26, main),
    rect(272, 204, 54, 112, 26, main),
    rect(114, 212, 34, 96, 17, shade),
    rect(252, 212, 34, 96, 17, shade),
    faded(0.6, rect(84, 220, 9, 74, 4, light)),
    circle(300, 260, 11, accent),
    stroke('M102 316 C104 350 170 338 196 356', accent, 5),
  ];
}

export function turntable({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    rect(62, 296, 40, 34, 8, ink),
    rect(298, 296, 40, 34, 8, ink),
    rect(50, 120, 300, 186, 18, main),
    rect(50, 280, 300, 26, 10, shade),
    circle(174, 200, 76, ink),
    faded(0.5, stroke('M174 142 A58 58 0 0 1 232 200 M174 258 A58 58 0 0 1 116 200', light, 4)),
    faded(0.4, stroke('M174 156 A44 44 0 0 1 218 200 M174 244 A44 44 0 0 1 130 200', light, 4)),
    circle(174, 200, 27, accent),
    circle(174, 200, 5, '#ffffff'),
    stroke('M306 152 L300 224 L246 250', light, 9),
    circle(306, 150, 18, shade),
    circle(314, 258, 10, light),
  ];
}

export function record({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    circle(248, 200, 104, ink),
    faded(
      0.35,
      stroke(
        'M248 114 A86 86 0 0 1 334 200 M248 130 A70 70 0 0 1 318 200 M248 286 A86 86 0 0 0 334 200',
        '#ffffff',
        4,
      ),
    ),
    circle(248, 200, 34, accent),
    turned(
      -4,
      160,
      204,
      rect(60, 100, 204, 208, 8, main),
      shape(
        'M60 308 L60 240 C110 190 150 268 200 220 C230 192 250 200 264 206 L264 300 C264 306 262 308 256 308 Z',
        shade,
      ),
      circle(206, 154, 32, light),
      stroke('M80 124 L150 124 M80 142 L124 142', '#fffaf0', 7),
    ),
  ];
}

export function ukulele({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    turned(
      30,
      200,
      200,
      rect(186, 44, 28, 150, 4, ink),
      rect(178, 20, 44, 42, 8, shade),
      circle(172, 32, 6, accent),
      circle(172, 50, 6, accent),
      circle(228, 32, 6, accent),
      circle(228, 50, 6, accent),
      shape(
        'M200 166 C240 166 256 188 246 218 C240 236 270 246 270 288 C270 332 238 352 200 352 C162 352 130 332 130 288 C130 246 160 236 154 218 C144 188 160 166 200 166 Z',
        main,
      ),
      faded(0.5, stroke('M164 196 C162 222 142 244 142 286', light, 8)),
      circle(200, 240, 27, ink),
      stroke('M184 240 A16 16 0 0 1 216 240', accent, 3),
      rect(174, 302, 52, 12, 4, shade),
      stroke('M192 50 L192 302 M200 50 L200 302 M208 50 L208 302', '#fffaf0', 2),
    ),
  ];
}

export function radio({ main, shade, light, accent, ink }: Palette): string[] {
  const holes = [0, 1, 2, 3, 4].map((row) => stroke(`M92 ${200 + row * 20} L186 ${200 + row * 20}`, ink, 6));
  return [
    stroke('M276 150 L338 58', ink, 5),
    circle(338, 58, 7, accent),
    stroke('M116 152 C116 104 244 104 244 152', shade, 12),
    rect(58, 148, 284, 178, 26, shade),
    rect(58, 142, 284, 178, 26, main),
    rect(76, 182, 126, 116, 14, light),
    ...holes,
    rect(220, 176, 100, 42, 8, '#fffaf0'),
    stroke('M232 198 L308 198 M244 190 L244 206 M264 192 L264 204 M284 190 L284 206', ink, 3),
    stroke('M272 184 L272 212', accent, 5),
    circle(244, 264, 22, ink),
    circle(302, 264, 22, ink),
    stroke('M244 264 L244 248 M302 264 L314 254', accent, 5),
    ellipse(200, 166, 34, 3, shade),
  ];
}
