import type { Overview, Readiness } from '../../mesh/runtime/edge.js';

/** A product to show on the page. */
export interface Shown {
  readonly id: string;
  readonly name: string;
  readonly price: string;
  readonly picturePath: string;
}

/** The page at `/`: what runs, and links to everything there is. Plain HTML, no scripts; every text is escaped. */
export function page(overview: Overview, readiness: Readiness, products: readonly Shown[]): string {
  const grpc = escaped(overview.grpcAddress ?? 'localhost:50051');
  const services = overview.services
    .map((service) => {
      const health = readiness.services.find((candidate) => candidate.name === service.name);
      const serving = health?.serving ?? true;
      const state = serving ? 'serving' : `not serving: ${escaped(health?.problem ?? '')}`;
      return `<tr><th scope="row">${escaped(service.name)}</th><td>${escaped(service.summary)}</td><td class="${serving ? 'up' : 'down'}">${state}</td></tr>`;
    })
    .join('\n');
  const shown = products
    .map(
      (product) =>
        `<li><a href="/v1/products/${encodeURIComponent(product.id)}"><img src="${escaped(product.picturePath)}" alt="" width="140" height="140" loading="lazy"><span>${escaped(product.name)}</span> <b>${escaped(product.price)}</b></a></li>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Meshmart</title>
<style>${style}</style>
</head>
<body>
<header><h1>Meshmart</h1><p>A shop you can take apart. Version ${escaped(overview.version)}, shape ${escaped(overview.shape)}, ${readiness.ready ? '<b class="up">ready</b>' : '<b class="down">not ready</b>'}.</p></header>
<main>
<section><h2>Look around</h2>
<ul class="links">
<li><a href="/v1/products">Products</a>, <a href="/v1/categories">categories</a>, <a href="/v1/products:search?q=lamp">search for a lamp</a></li>
<li><a href="/v1/shipping/quotes?country=DE">Shipping quotes for Germany</a></li>
<li><a href="/openapi.json">openapi.json</a>, the whole REST interface</li>
<li><a href="/healthz">healthz</a>, <a href="/readyz">readyz</a>, <a href="/.well-known/jwks.json">public keys of tokens</a></li>
${link(overview.adminUrl, '/metrics', 'Metrics')}${link(overview.adminUrl, '/status', 'Status')}${link(overview.adminUrl, '/traces', 'Recent spans')}${link(overview.cardProcessorUrl, '/v1/ledger', "The card processor's ledger")}${link(overview.mailSinkUrl, '/', 'Mail that the shop has sent')}
</ul></section>
<section><h2>Services</h2><table>${services}</table></section>
<section><h2>Call it</h2>
<pre>grpcurl -plaintext ${grpc} list
grpcurl -plaintext ${grpc} describe meshmart.order.v1.OrderService
grpcurl -plaintext -d '{"q": "lamp"}' ${grpc} meshmart.catalog.v1.CatalogService/SearchProducts
npx meshmart status</pre>
<p>A purchase by curl and by grpcurl stands in the README.</p></section>
<section><h2>On the shelves</h2><ul class="shelf">${shown}</ul></section>
</main>
</body>
</html>
`;
}

function link(base: string | undefined, path: string, text: string): string {
  return base === undefined || base === '' ? '' : `<li><a href="${escaped(base + path)}">${text}</a></li>\n`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const style = `
:root { color-scheme: light dark; --ink: #1d2528; --paper: #fbfaf7; --line: #d9d5cb; --up: #1c7c4a; --down: #b3261e; --link: #0b5c87; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --paper: #171b1d; --line: #3a4145; --up: #6fd39b; --down: #ff8a80; --link: #7cc4ec; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header, main { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
header { border-bottom: 1px solid var(--line); }
h1 { margin: 0; font-size: 2.2rem; letter-spacing: -.02em; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
a { color: var(--link); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
th { font-weight: 600; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid var(--line); border-radius: 6px; font-size: .85rem; }
.up { color: var(--up); } .down { color: var(--down); }
.links { padding-left: 1.2rem; }
.shelf { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1rem; }
.shelf a { display: block; color: inherit; text-decoration: none; }
.shelf img { display: block; width: 100%; height: auto; border-radius: 8px; border: 1px solid var(--line); margin-bottom: .3rem; }
`;
