import { expect } from 'chai';
import type { Overview, Readiness } from '../../mesh/runtime/edge.js';
import { page, type Shown } from './page.js';

const overview: Overview = {
  version: '1.2.3',
  shape: 'one-process',
  startedAtMs: 0,
  grpcAddress: 'localhost:50051',
  adminUrl: 'http://localhost:9464',
  cardProcessorUrl: 'http://localhost:7001',
  mailSinkUrl: 'http://localhost:7002',
  services: [
    { name: 'cart', summary: 'One cart a user.', implements: ['meshmart.cart.v1.CartService'] },
    { name: 'order', summary: 'The checkout saga.', implements: ['meshmart.order.v1.OrderService'] },
  ],
};
const ready: Readiness = {
  ready: true,
  services: [
    { name: 'cart', serving: true, criticality: 'required', problem: undefined },
    { name: 'order', serving: true, criticality: 'required', problem: undefined },
  ],
};
const lamp: Shown = {
  id: 'prd_lamp',
  name: 'Lamp',
  price: '12.00 EUR',
  picturePath: '/v1/products/prd_lamp/picture',
};

const attack = `"><script>alert('&')</script><img src=x onerror=alert(1)>`;

/** Where the page leads. */
const links = (html: string) => [...html.matchAll(/href="([^"]*)"/g)].map((match) => match[1]);

describe('the page', () => {
  it('tells what runs: every service, how it is, and the version and shape of it all', () => {
    const html = page(overview, ready, []);
    for (const text of ['1.2.3', 'one-process', 'cart', 'One cart a user.', 'order', 'The checkout saga.'])
      expect(html).to.include(text);
    expect(html.match(/class="up">serving/g)).to.have.length(2);
    expect(html).to.include('>ready<');
  });

  it('tells which service is not well, and why', () => {
    const problem = 'the store can not be read';
    const html = page(
      overview,
      { ready: false, services: [{ name: 'order', serving: false, criticality: 'required', problem }] },
      [],
    );
    expect(html).to.include('not ready');
    expect(html).to.include(`class="down">not serving: ${problem}`);
  });

  it('leads to everything there is', () => {
    expect(links(page(overview, ready, [lamp]))).to.include.members([
      '/v1/products',
      '/v1/categories',
      '/v1/products:search?q=lamp',
      '/v1/shipping/quotes?country=DE',
      '/openapi.json',
      '/healthz',
      '/readyz',
      '/.well-known/jwks.json',
      'http://localhost:9464/metrics',
      'http://localhost:9464/status',
      'http://localhost:9464/traces',
      'http://localhost:7001/v1/ledger',
      'http://localhost:7002/',
      '/v1/products/prd_lamp',
    ]);
  });

  it('leads nowhere that does not run', () => {
    const bare: Overview = {
      ...overview,
      grpcAddress: undefined,
      adminUrl: undefined,
      cardProcessorUrl: '',
      mailSinkUrl: undefined,
    };
    const html = page(bare, ready, []);
    expect(html).to.not.match(/undefined|null|NaN/);
    for (const link of links(html)) expect(link).to.match(/^\/[^/]?/);
  });

  it('runs no script and asks nobody else for anything', () => {
    const html = page(overview, ready, [lamp]);
    expect(html).to.not.match(
      /<script|<iframe|<object|<embed|<link|<base|javascript:|@import|url\(|\son\w+=/i,
    );
    for (const [, source] of html.matchAll(/src="([^"]*)"/g)) expect(source).to.match(/^\/[^/]/);
  });

  it('escapes every text that it is given', () => {
    const html = page(
      {
        ...overview,
        version: attack,
        grpcAddress: attack,
        adminUrl: attack,
        cardProcessorUrl: attack,
        mailSinkUrl: attack,
        services: [{ name: attack, summary: attack, implements: [] }],
      },
      { ready: true, services: [{ name: attack, serving: false, criticality: 'optional', problem: attack }] },
      [{ id: attack, name: attack, price: attack, picturePath: attack }],
    );
    expect(html).to.not.match(/<script|<img src=x|onerror=alert\(1\)>/);
    // What is left of each attack is text: no quote or bracket of it is one of the page.
    expect(html).to.include('&#34;&#62;&#60;script&#62;alert(&#39;&#38;&#39;)');
    const honest = page(overview, ready, [lamp]);
    const tags = (text: string) => new Set([...text.matchAll(/<([a-z0-9]+)/g)].map((match) => match[1]));
    expect([...tags(html)].sort()).to.deep.equal([...tags(honest)].sort());
  });

  it('is a whole document in UTF-8', () => {
    const html = page(overview, ready, [lamp]);
    expect(html).to.match(
      /^<!doctype html>\n<html lang="en">[\s\S]*<meta charset="utf-8">[\s\S]*<\/html>\n$/,
    );
    for (const tag of ['main', 'header', 'ul', 'table', 'section', 'li', 'tr', 'td', 'th', 'a', 'pre', 'p'])
      expect(html.match(new RegExp(`<${tag}[ >]`, 'g'))?.length, tag).to.equal(
        html.match(new RegExp(`</${tag}>`, 'g'))?.length,
      );
  });
});
