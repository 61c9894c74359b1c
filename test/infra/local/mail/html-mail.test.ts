import { describe, expect, it } from 'vitest';
import type { Message } from '#functions/notices/message.ts';
import { htmlMail } from '#infra/local/mail/html-mail.ts';
import { dayBefore, german, messageFor, richDay } from '#test/functions/notices/digests.ts';
import {
  expectHarmless,
  hostileMessagesOf,
  hostileTexts,
  ofAnyMessage,
  textsOf,
} from '#test/functions/notices/hostile-notices.ts';

/** Elements that a mail has of its own, and their attributes. */
const elements = new Set(
  'html head meta title style body table tbody tr td h1 h2 p div span strong br !doctype'.split(' '),
);
const tag = /<(?<end>\/?)(?<name>[^\s<>/]+)(?<attributes>(?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>/g;
/** Attributes that lead somewhere, or load something. */
const active = /\s(?:href|src|on\w+|background|action|srcset)=|url\(|javascript/i;

const decoded = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

/** The texts of a page, without its own elements. @throws for any other element or attribute */
function textsIn(page: string): string[] {
  const strange = [...page.matchAll(tag)].filter(
    ({ groups }) => !elements.has(groups!.name!.toLowerCase()) || active.test(groups!.attributes!),
  );
  expect(strange.map(([text]) => text)).toEqual([]);
  const rest = page.replace(/<style>.*?<\/style>/s, '').replaceAll(tag, '\n');
  // What is no element of its own is escaped.
  expect(rest).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
  return rest
    .split('\n')
    .map((text) => decoded(text.trim()))
    .filter((text) => text !== '');
}

/** Names that a message may have: addresses of mailboxes. */
const own = /\b(?:alice|bob)@example\.com|reset@evil\.example/g;

const whole = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

describe('htmlMail', () => {
  it('has nothing but its own elements, no link and nothing to load, and all texts, for any message', () => {
    ofAnyMessage((message: Message) => {
      const shown = new Set(textsIn(htmlMail(message)).map(whole));
      const texts = textsOf(message).map(whole);
      expect(texts.filter((text) => text !== '' && !shown.has(text))).toEqual([]);
    });
  });

  it.each(hostileTexts)('shows %j as text that leads nowhere', (hostile) => {
    for (const message of hostileMessagesOf(hostile, 'it fails'))
      for (const text of textsIn(htmlMail(message))) expectHarmless(text.replaceAll(own, ''));
  });

  it('says its language, and can be read in the light and in the dark', () => {
    const page = htmlMail(messageFor(richDay, german, { before: dayBefore }));
    expect(page).toMatch(/^<!doctype html>\n<html lang="de">/);
    expect(page).toContain('<meta name="color-scheme" content="light dark">');
    expect(page).toContain('@media (prefers-color-scheme: dark)');
    // A class without a colour for the dark would keep that for the light.
    for (const [, name] of page.matchAll(/class="(\w+)"/g)) expect(page).toContain(`  .${name} {`);
  });

  it('is small enough that no client cuts it', () => {
    const many = Array.from({ length: 3 }, () => richDay).flat();
    // Gmail cuts at 102 KB.
    expect(Buffer.byteLength(htmlMail(messageFor(many, german, { before: dayBefore })))).toBeLessThan(102_000);
  });
});
