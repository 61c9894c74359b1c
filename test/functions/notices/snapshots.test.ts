import { describe, expect, it } from 'vitest';
import type { Digest } from '#functions/notices/digest.ts';
import { messageOf } from '#functions/notices/message.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import { htmlMail } from '#infra/local/mail/html-mail.ts';
import { dayBefore, digestFor, english, german, manyExpiries, operatorEvents, richDay } from './digests.ts';

const digests: Readonly<Record<string, Digest>> = {
  'rich-day': digestFor(richDay, { before: dayBefore }),
  'empty-day': digestFor([]),
  'single-failure': digestFor(richDay.slice(0, 1)),
  'many-expiries': digestFor(manyExpiries),
  ...Object.fromEntries(
    Object.entries(operatorEvents).map(([name, event]) => [name.replaceAll(/[._, ]+/g, '-'), digestFor([event])]),
  ),
};

const indented = (json: string) => `${JSON.stringify(JSON.parse(json), null, 2)}\n`;

/** Renew them by `npx vitest run test/functions/notices/snapshots.test.ts -u`, and read what has changed. */
describe.each(Object.entries(digests))('the digest %s', (name, digest) => {
  it.each([english, german])('reads as its snapshots say in $language', async (addressee) => {
    const message = messageOf(digest, addressee);
    const file = (ending: string) => `snapshots/${name}.${addressee.language}.${ending}`;
    await expect(`${snsSubject(message)}\n\n${textOf(message)}`).toMatchFileSnapshot(file('txt'));
    await expect(indented(slackMessage(message))).toMatchFileSnapshot(file('slack.json'));
    await expect(indented(teamsMessage(message))).toMatchFileSnapshot(file('teams.json'));
    await expect(htmlMail(message)).toMatchFileSnapshot(file('html'));
  });
});
