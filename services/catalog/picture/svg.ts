/** Shapes as SVG text. Coordinates are in a square of 400 by 400. */

/** Text that is safe between tags and in attributes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  radius: number,
  fill: string,
): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${fill}"/>`;
}

export function circle(x: number, y: number, radius: number, fill: string): string {
  return `<circle cx="${x}" cy="${y}" r="${radius}" fill="${fill}"/>`;
}

export function ellipse(x: number, y: number, radiusX: number, radiusY: number, fill: string): string {
  return `<ellipse cx="${x}" cy="${y}" rx="${radiusX}" ry="${radiusY}" fill="${fill}"/>`;
}

/** A filled outline, in SVG path data. */
export function shape(data: string, fill: string): string {
  return `<path d="${data}" fill="${fill}"/>`;
}

/** A stroke with round ends, in SVG path data. */
export function stroke(data: string, colour: string, width: number): string {
  return `<path d="${data}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
}

/** Lets what is behind shine through. @param opacity from 0 to 1. */
export function faded(opacity: number, ...content: readonly string[]): string {
  return `<g opacity="${opacity}">${content.join('')}</g>`;
}

/** Turns its content about a point, clockwise in degrees. */
export function turned(degrees: number, x: number, y: number, ...content: readonly string[]): string {
  return `<g transform="rotate(${degrees} ${x} ${y})">${content.join('')}</g>`;
}
