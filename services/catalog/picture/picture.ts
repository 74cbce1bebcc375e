import { backgrounds } from './background.js';
import { isMotif, motifs, parcel, withoutShadow } from './motif.js';
import { hash, paletteOf } from './palette.js';
import { circle, ellipse, escapeXml, faded, rect } from './svg.js';

/** What a picture is made from. */
export interface Pictured {
  /** Gives the colours and the small things in the background. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** One of the names of motif.ts; another name gives a plain parcel. */
  readonly motif: string;
}

/**
 * A product's picture: one SVG document without scripts, styles or references, below 6 KB, always the same for the same
 * product. Its title is the product's name, its description the first sentence of the product's own.
 */
export function picture(product: Pictured): string {
  const palette = paletteOf(product.id);
  const seed = hash(`${product.id}/background`);
  const background = backgrounds[seed % backgrounds.length] ?? (() => []);
  const motif = isMotif(product.motif) ? product.motif : undefined;
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400" role="img" aria-labelledby="t d">',
    `<title id="t">${escapeXml(product.name)}</title>`,
    `<desc id="d">${escapeXml(firstSentence(product.description))}</desc>`,
    rect(0, 0, 400, 400, 0, palette.paper),
    circle(186 + (seed % 29), 182 + ((seed >>> 8) % 23), 148, palette.disc),
    faded(0.5, ...background(palette)),
    motif !== undefined && withoutShadow.has(motif)
      ? ''
      : faded(0.22, ellipse(200, 330, 136, 15, palette.ink)),
    ...(motif === undefined ? parcel : motifs[motif])(palette),
    '</svg>',
  ].join('');
}

function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s|$)/s.exec(text)?.[0] ?? text;
}
