import type { Palette } from './palette.js';
import { circle, ellipse, faded, rect, shape, stroke, turned } from './svg.js';

export function kettle({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    stroke('M140 168 C140 84 260 84 260 168', accent, 14),
    shape('M276 214 L330 168 L346 182 L292 262 Z', shade),
    shape('M118 322 C96 250 122 166 200 166 C278 166 304 250 282 322 Z', main),
    faded(0.5, shape('M140 306 C126 250 144 196 184 186 C160 216 154 262 164 306 Z', light)),
    ellipse(200, 168, 50, 11, shade),
    rect(188, 142, 24, 20, 8, ink),
    rect(112, 314, 176, 14, 7, shade),
  ];
}

export function pan({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    rect(270, 224, 104, 20, 10, accent),
    circle(360, 234, 5, ink),
    shape('M64 216 L284 216 C284 284 256 318 174 318 C92 318 64 284 64 216 Z', main),
    shape('M64 216 L284 216 C284 232 282 244 280 250 L68 250 C66 244 64 232 64 216 Z', shade),
    faded(0.6, stroke('M92 268 C98 290 112 300 132 304', light, 9)),
    ellipse(174, 216, 112, 18, light),
    ellipse(174, 217, 96, 12, ink),
    faded(0.7, stroke('M130 176 C118 160 142 148 130 130', shade, 6)),
    faded(0.7, stroke('M174 168 C162 152 186 140 174 120', shade, 6)),
    faded(0.7, stroke('M218 176 C206 160 230 148 218 130', shade, 6)),
  ];
}

export function mug({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    stroke('M264 196 C330 190 330 282 258 280', shade, 20),
    shape('M108 160 L272 160 L262 304 C260 320 250 326 238 326 L142 326 C130 326 120 320 118 304 Z', main),
    shape('M112 214 L268 214 L265 250 L115 250 Z', accent),
    faded(0.5, rect(132, 178, 16, 132, 8, light)),
    ellipse(190, 160, 82, 18, light),
    ellipse(190, 162, 68, 12, ink),
    faded(0.6, stroke('M164 128 C150 108 178 100 166 78', shade, 7)),
    faded(0.6, stroke('M212 128 C198 108 226 100 214 78', shade, 7)),
  ];
}

export function knife({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    turned(
      -38,
      200,
      206,
      shape('M36 196 C80 178 180 178 246 180 L246 236 C160 244 76 232 36 196 Z', '#dfe5e8'),
      shape('M36 196 C100 216 180 222 246 222 L246 236 C160 244 76 232 36 196 Z', '#b4c0c6'),
      rect(240, 174, 16, 66, 4, ink),
      shape('M256 178 L352 182 C372 184 372 230 352 230 L256 234 Z', main),
      shape('M256 210 L366 210 C364 222 360 230 352 230 L256 234 Z', shade),
      circle(284, 205, 6, light),
      circle(334, 205, 6, light),
    ),
    circle(118, 302, 24, accent),
    faded(0.6, circle(110, 294, 7, '#ffffff')),
    stroke('M118 278 C118 268 124 264 132 262', ink, 4),
  ];
}

export function jar({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    faded(
      0.55,
      shape(
        'M132 150 L268 150 C284 166 288 180 288 200 L288 306 C288 320 280 328 266 328 L134 328 C120 328 112 320 112 306 L112 200 C112 180 116 166 132 150 Z',
        '#ffffff',
      ),
    ),
    shape(
      'M122 214 C150 200 174 226 204 212 C236 198 256 224 278 212 L278 304 C278 314 272 318 264 318 L136 318 C128 318 122 314 122 304 Z',
      main,
    ),
    faded(
      0.7,
      circle(156, 262, 12, light),
      circle(196, 290, 14, light),
      circle(240, 256, 11, light),
      circle(232, 298, 8, shade),
      circle(166, 298, 8, shade),
    ),
    rect(126, 112, 148, 40, 12, accent),
    faded(0.35, rect(126, 134, 148, 8, 4, ink)),
    faded(0.8, rect(128, 186, 10, 120, 5, '#ffffff')),
  ];
}

export function board({ main, shade, light, accent, ink }: Palette): string[] {
  return [
    rect(150, 66, 40, 70, 20, shade),
    circle(170, 88, 9, ink),
    rect(88, 122, 164, 204, 22, shade),
    rect(84, 116, 164, 204, 22, main),
    faded(0.5, stroke('M112 142 C124 200 104 250 116 296', light, 5)),
    faded(0.5, stroke('M154 140 C142 200 166 250 152 300', light, 5)),
    faded(0.5, stroke('M206 142 C218 190 196 250 212 296', light, 5)),
    shape('M262 322 C242 250 262 178 292 176 C322 178 342 250 322 322 Z', accent),
    rect(284, 92, 16, 90, 8, shade),
    faded(0.4, shape('M274 312 C262 256 272 204 288 190 C280 230 280 276 286 312 Z', '#ffffff')),
  ];
}
