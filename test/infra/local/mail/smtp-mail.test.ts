import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import { afterEach, describe, expect, it } from 'vitest';
import { smtpMail } from '#infra/local/mail/smtp-mail.ts';
import { addressesOf, clientOf, closeAll, from, mail, mailServer, replies, speaking } from './mail-servers.ts';

afterEach(closeAll);

/** Headers of the mails that the notifier sends. */
const expectedHeaders = [
  'list-id',
  'content-language',
  'auto-submitted',
  'x-auto-response-suppress',
  'from',
  'to',
  'subject',
  'message-id',
  'date',
  'mime-version',
  'content-type',
];

/** Source of a mail. */
const sourceOf = (...what: Parameters<typeof mail>): Promise<Buffer> =>
  new MailComposer({ ...smtpMail(mail(...what), from), disableFileAccess: true, disableUrlAccess: true })
    .compile()
    .build();

/** The mail as a server has got it. */
async function received(...what: Parameters<typeof mail>) {
  const { port, seen, parsed } = await mailServer();
  expect(await clientOf(`smtp://127.0.0.1:${port}`).send(mail(...what))).toMatchObject({ status: 250 });
  return { mail: (await parsed())[0]!, envelope: seen.envelopes[0]! };
}

describe('smtpMail', () => {
  it('brings subject and text in all scripts to the reader, as text and as HTML', async () => {
    const subject = '2 Übertragungen gescheitert – 転送失敗 🚨';
    const got = await received({ subject, headline: 'Größe: 10 µm, "übel"', language: 'de' });
    expect(got.mail.subject).toBe(subject);
    expect(got.mail.text).toContain('Größe: 10 µm, "übel"');
    expect(got.mail.html).toContain('Größe: 10 µm');
    expect(got.mail.headers.get('content-language')).toBe('de');
    expect(addressesOf(got.mail.to)).toEqual(['reader@example.com']);
    expect(got.mail.from!.value).toEqual([{ name: 'Transfer Notifier', address: from }]);
    expect(got.envelope).toEqual({ from, to: ['reader@example.com'] });
  });

  it('says that no person has written the mail, and to which list of the reader it belongs', async () => {
    const { mail: got } = await received();
    expect(got.headers.get('auto-submitted')).toBe('auto-generated');
    expect(got.headers.get('x-auto-response-suppress')).toBe('All');
    expect(got.headerLines.find(({ key }) => key === 'list-id')?.line).toMatch(
      /: <ops\.transfer-notifier\.example\.com>$/,
    );
    expect(got.date).toBeInstanceOf(Date);
    expect(got.headerLines.map(({ key }) => key)).toEqual(expectedHeaders);
  });

  it('gives a repetition the same Message-ID', async () => {
    const ids = [await sourceOf(), await sourceOf({ subject: 'again' }), await sourceOf({}, { id: 'dig_2' })].map(
      (source) => /^Message-ID: (.*)\r$/m.exec(source.toString())?.[1],
    );
    expect(ids).toEqual([
      '<dig_0123456789abcdef@example.com>',
      '<dig_0123456789abcdef@example.com>',
      '<dig_2@example.com>',
    ]);
  });

  it('names domains in ASCII', () => {
    const { messageId, headers } = smtpMail(mail(), 'notifier@müller.example');
    expect(messageId).toBe('<dig_0123456789abcdef@xn--mller-kva.example>');
    expect(headers).toMatchObject({ 'List-Id': '<ops.transfer-notifier.xn--mller-kva.example>' });
  });

  it.each([
    'hello\r\nBcc: evil@example.com',
    'hello\nBcc: evil@example.com\n\n<script>',
    'hello\rBcc: evil@example.com',
    'hello\u2028Bcc: evil@example.com',
    '=?utf-8?Q?hello=0D=0ABcc:_evil@example.com?=',
  ])('has no header and no recipient of its subject (%j)', async (subject) => {
    const got = await received({ subject, headline: subject });
    expect(got.mail.headerLines.map(({ key }) => key)).toEqual(expectedHeaders);
    expect(got.envelope.to).toEqual(['reader@example.com']);
    expect(got.mail.subject).not.toMatch(/[\r\n\u2028]/);
  });

  it('has the same headers, whatever a message says', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc
        .array(fc.constantFrom('\r', '\n', ': ', 'Bcc', '=?', '?=', '.', '<', '"', 'ä', '\u0000', '🚨'))
        .map((all) => all.join('')),
    );
    await fc.assert(
      fc.asyncProperty(text, text, async (subject, headline) => {
        const got = await simpleParser(await sourceOf({ subject: `1${subject}`, headline }));
        expect(got.headerLines.map(({ key }) => key)).toEqual(expectedHeaders);
        expect(addressesOf(got.to)).toEqual(['reader@example.com']);
        expect(got.attachments).toEqual([]);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('does not end at a dot alone in a line', async () => {
    const { mail: got } = await received({ footer: ['first', '.', 'last'] });
    expect(got.text).toContain('first\n.\nlast');
  });
});

describe('SmtpClient', () => {
  it.each([
    'reader@example.com\r\nRCPT TO:<evil@example.com>',
    'reader@example.com> NOTIFY=NEVER',
    'reader@example.com, evil@example.com',
    '"reader, evil"@example.com',
    'Reader <reader@example.com>',
  ])('sends nothing to what is no single address (%j)', async (address) => {
    const { port, seen } = await mailServer();
    const answer = await clientOf(`smtp://127.0.0.1:${port}`).send(mail({}, { address }));
    expect(answer).toMatchObject({ cause: 'mail_refused', response: expect.stringContaining('expected an e-mail') });
    expect(seen).toMatchObject({ connections: 0, sources: [] });
  });

  it('reaches a domain in another script by any server, and such a name by one that knows SMTPUTF8', async () => {
    const commands: string[] = [];
    const note = (line: string) => {
      commands.push(line);
      return '250 ok';
    };
    const { port } = await speaking('220 mail ESMTP', replies({ RCPT: note }));
    const answer = await clientOf(`smtp://127.0.0.1:${port}`).send(mail({}, { address: 'reader@müller.example' }));
    expect({ answer, commands }).toMatchObject({
      answer: { status: 250 },
      commands: ['RCPT TO:<READER@XN--MLLER-KVA.EXAMPLE>'],
    });
    const { envelope } = await received({}, { address: 'jürgen@example.com' });
    expect(envelope.to).toEqual(['jürgen@example.com']);
  });
});
