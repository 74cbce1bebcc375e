import type { ReceivedMail } from './mailbox.js';

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}td{padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ccc}pre{white-space:pre-wrap}:root{color-scheme:light dark}';

/** All mail, newest first. Every text is escaped: it comes from outside. */
export function listPage(messages: readonly ReceivedMail[]): string {
  const rows = [...messages]
    .reverse()
    .map(
      (mail) =>
        `<tr><td>${escaped(mail.at)}</td><td>${escaped(mail.to.join(', '))}</td><td><a href="/messages/${mail.number}">${escaped(mail.subject)}</a></td></tr>`,
    )
    .join('\n');
  return layout('Mail', messages.length === 0 ? '<p>No mail yet.</p>' : `<table>${rows}</table>`);
}

/** One mail as it came. */
export function messagePage(mail: ReceivedMail): string {
  return layout(escaped(mail.subject), `<p><a href="/">All mail</a></p><pre>${escaped(mail.source)}</pre>`);
}

function layout(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${style}</style></head><body><h1>${title}</h1>${body}</body></html>\n`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
