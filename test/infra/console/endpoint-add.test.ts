import { beforeEach, describe, expect, it } from 'vitest';
import { type ConsoleWorld, startConsoleWorld, textIn } from './console-world.ts';
import { askAt, confirm, formIn } from './forms.ts';

let world: ConsoleWorld;
beforeEach(async () => {
  world = await startConsoleWorld({ mayChange: true });
  await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
  // As without --allow-private-webhooks.
  Object.assign(world.operatorDeps.webhooks, { allowPrivate: false });
  return () => world.close();
});

/** What a person fills in; the path of the address is a secret. */
const audit = { name: 'audit', url: 'https://audit.example.com/hooks/s3cret' };

describe('a webhook added in the console', () => {
  it('adds a webhook, and shows its secret once: in no address, and on no later page', async () => {
    const typed = { ...audit, types: 'transfer.failed', direction: 'received' };
    const { sent, form } = await confirm(world.console, { form: '/endpoint/add', typed });
    expect(sent.status).toBe(200);
    const [secret] = /whsec_[\w+/=]+/.exec(sent.body)!;
    expect(sent.body).toContain('href="/endpoint/test?name=audit"');
    const later = [
      await world.console.ask('/endpoint?name=audit'),
      await world.console.ask(form.action, { form: form.fields }),
    ];
    expect(later.map(({ status }) => status)).toEqual([200, 409]);
    for (const { body } of later) expect(body).not.toContain(secret.slice(6));
    expect(textIn(later[0]!.body)).toContain('transfer.failed');
    expect(textIn((await world.console.ask('/webhooks')).body)).toContain('audit');
  });

  it('has the address of a new webhook, which may be a secret, in no address of its own', async () => {
    const place = { form: '/endpoint/add', typed: audit };
    const form = formIn((await world.console.ask(place.form)).body)!;
    const asked = await askAt(world.console, place);
    const question = formIn(asked.body)!;
    expect([form.action, question.action]).toEqual(['/endpoint/add', '/endpoint/add']);
    expect(textIn(asked.body)).toContain('posted to https://audit.example.com/hooks/s3cret');
    const again = await world.console.ask(question.action, { form: { ...question.fields, step: 'edit' } });
    expect(again.body).toContain('value="https://audit.example.com/hooks/s3cret"');
    for (const { headers, body } of [asked, again]) {
      expect(headers.location).toBeUndefined();
      expect(body.match(/(?:href|action)="[^"]*s3cret/g)).toBeNull();
    }
    const { body } = await world.console.ask(`/endpoint/add?${new URLSearchParams(audit)}`);
    expect(formIn(body)!.fields).toMatchObject({ name: '', url: '' });
  });

  it.each(['ask', 'edit', undefined])(
    'takes no form for a new webhook from elsewhere, on the step %s as well',
    async (step) => {
      const { fields } = formIn((await world.console.ask('/endpoint/add')).body)!;
      const form = { form: fields.form!, ...audit, ...(step && { step }) };
      for (const sent of [form, { ...form, csrf: '0'.repeat(32) }])
        expect((await world.console.ask('/endpoint/add', { form: sent })).status).toBe(403);
      const headers = { origin: 'https://evil.example' };
      const own = { ...form, csrf: fields.csrf! };
      expect((await world.console.ask('/endpoint/add', { form: own, headers })).status).toBe(403);
    },
  );

  it.each([
    { ...audit, url: ' ' },
    { ...audit, name: ' ' },
  ])('asks for a new webhook again after %j, and keeps what was filled in', async (typed) => {
    const { status: code, body } = await askAt(world.console, { form: '/endpoint/add', typed });
    expect([code, textIn(body).includes('Fill in a name and an address')]).toEqual([400, true]);
    expect(formIn(body)!.fields).toMatchObject(typed);
  });

  it.each([
    ['a name that is taken', { name: 'crm' }, 409, 'there is an endpoint crm already'],
    ['a name that is none', { name: 'No Name' }, 400, 'name'],
    ['an address that is none of the web', { url: 'ftp://audit.example.com' }, 400, 'https:'],
    [
      'an address of a private network',
      { url: 'https://10.0.0.7/hooks' },
      400,
      'expected an address on the public internet',
    ],
    ['a type that there is not', { types: 'transfer.eaten' }, 400, 'types.0: expected one of'],
  ])('tells why the operator API refuses %s, on the form that was filled in', async (_what, wrong, status, said) => {
    const typed = { ...audit, mailboxes: 'alice@example.com', direction: 'sent', ...wrong };
    const { sent } = await confirm(world.console, { form: '/endpoint/add', typed });
    expect(sent.status).toBe(status);
    expect(/role="alert".*?<\/div>/s.exec(sent.body)![0]).toContain(said);
    const form = formIn(sent.body)!;
    expect(form.fields).toMatchObject({ ...typed, step: 'ask' });
    expect(sent.body).toMatch(/<input id="field-url"[^>]* required/);
    const mended = { form: { ...form.fields, ...audit, name: `mended-${status}`, types: '' } };
    expect((await world.console.ask(form.action, mended)).status).toBe(200);
  });
});
