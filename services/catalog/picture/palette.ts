/** The colours of one picture. */
export interface Palette {
  /** Ground of the picture. */
  readonly paper: string;
  /** The disc behind the object. */
  readonly disc: string;
  /** The object itself, its shaded side and its lit side. */
  readonly main: string;
  readonly shade: string;
  readonly light: string;
  /** A second material: handles, bands, leaves. */
  readonly accent: string;
  /** Thin lines and small dark parts. */
  readonly ink: string;
}

const palettes: readonly Palette[] = [
  palette('#f6efe4', '#f0d9b5', '#d9683c', '#b24c26', '#f09a6f', '#2f6f6b', '#3b2a24'),
  palette('#e9f1ee', '#c4ddd3', '#2e7d6b', '#1f5b4e', '#5fae9a', '#e0a13c', '#1d2f2b'),
  palette('#eef0f8', '#cdd5ee', '#3f57a6', '#2c3d7a', '#7388cf', '#e8855f', '#1e2440'),
  palette('#faf0ee', '#f3cfc6', '#c1473f', '#94322c', '#e27d73', '#3d5a80', '#3a2020'),
  palette('#f3f2e7', '#dcdcb4', '#7d8b35', '#5d6926', '#aab964', '#c8663a', '#2e3218'),
  palette('#f4eef6', '#dcc8e6', '#77488f', '#573168', '#a67dbb', '#e3ad4b', '#2d1d36'),
  palette('#eaf4f7', '#bfe0ea', '#1f84a3', '#156078', '#62b5cd', '#ef7d57', '#14303a'),
  palette('#fbf4e2', '#f6dd9a', '#dd9a1c', '#ad7511', '#f2c35d', '#4d5f8f', '#3d2d10'),
  palette('#f1ede9', '#d9cbbd', '#8a6247', '#694733', '#b58d70', '#4f8a8b', '#2f231b'),
  palette('#edf3ea', '#cbdfbf', '#4c8a3f', '#37672d', '#82b874', '#d65a6f', '#20301b'),
  palette('#f9eef2', '#efc7d6', '#c4527f', '#963a5f', '#e389ad', '#3f7f8c', '#3a1c2a'),
  palette('#eceff1', '#cfd6db', '#4c6170', '#374853', '#8599a6', '#e6a23c', '#1f292f'),
];

/**
 * The colours that belong to an id: always the same ones. The word after the id was chosen so that no two products of
 * the seed catalogue that show the same thing have the same colours.
 */
export function paletteOf(id: string): Palette {
  return palettes[hash(`${id}/umber`) % palettes.length] as Palette;
}

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv): spreads ids evenly, no more is asked of it. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}

function palette(
  paper: string,
  disc: string,
  main: string,
  shade: string,
  light: string,
  accent: string,
  ink: string,
): Palette {
  return Object.freeze({ paper, disc, main, shade, light, accent, ink });
}
