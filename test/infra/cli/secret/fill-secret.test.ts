import { beforeEach, describe, expect, test, vi } from 'vitest';
import { AwsServices } from './aws-services.ts';
import { run, values } from './filling.ts';

let aws: AwsServices;
beforeEach(async () => {
  aws = new AwsServices();
  for (const [name, value] of Object.entries(await aws.start())) vi.stubEnv(name, value);
  return async () => {
    vi.unstubAllEnvs();
    await aws.stop();
  };
});

const enterEverywhere = Object.fromEntries(Object.keys(values).map((name) => [name, ''])) as typeof values;

describe('a new secret', () => {
  test('is filled with the answers, beside what it holds already, and then taken up', async () => {
    aws.fields = { UNKNOWN: 'of somebody else' };
    const before = aws.fields;
    aws.answer = { watches: 1, endpoints: 2, waiting: [] };
    const { isReady, lines, questions } = await run(values);
    expect(aws.fields).toEqual({ ...before, ...values });
    expect(aws.operations).toEqual(['GetSecretValue', 'GetSecretValue', 'PutSecretValue', 'Invoke']);
    expect(isReady).toBe(true);
    expect(questions).toEqual([
      'CRYPTSHARE_CLIENT_ID, client id that is registered on the Cryptshare Server:',
      'CRM_SECRET, signing secret of the webhook crm (Enter makes one):',
      'OPS_URL, address of the webhook ops:',
    ]);
    expect(lines).toEqual([
      'secret NotifierSecret: filled CRYPTSHARE_CLIENT_ID, CRM_SECRET, OPS_URL; functions take it up within five minutes',
      'declared: 1 watch, 2 webhooks ready',
    ]);
  });

  test('gets a signing secret that is shown once, when nobody brings one along', async () => {
    const { lines } = await run({ ...values, CRM_SECRET: '' });
    const shown = lines.filter((line) => line.includes('whsec_'));
    expect(shown).toEqual([
      `CRM_SECRET, new signing secret of the webhook crm, shown this once: ${aws.fields.CRM_SECRET}`,
    ]);
    const { lines: later } = await run(enterEverywhere);
    expect(later.join()).not.toContain('whsec_');
  });

  test('shows no signing secret that could not be stored', async () => {
    aws.refusal = { of: 'PutSecretValue', name: 'AccessDeniedException', message: 'no' };
    const { lines, problem } = await run({ ...values, CRM_SECRET: '' });
    expect(`${lines.join()}${problem}`).not.toContain('whsec_');
    expect(problem).toMatch(/^could not write the secret NotifierSecret: AccessDeniedException: no: have that/);
  });

  test('is asked for until an answer can be used, which is never repeated', async () => {
    const { lines } = await run({ ...values, OPS_URL: ['', 'http://wrong.example.com', values.OPS_URL] });
    expect(lines.slice(0, 2)).toEqual([
      'OPS_URL: expected a URL such as https://example.com/webhooks',
      'OPS_URL: expected https:',
    ]);
    expect(aws.fields.OPS_URL).toBe(values.OPS_URL);
  });

  test('gets values without the spaces that come with copying', async () => {
    await run({ ...values, OPS_URL: ` ${values.OPS_URL}\t` });
    expect(aws.fields.OPS_URL).toBe(values.OPS_URL);
  });
});

describe('a filled secret', () => {
  beforeEach(() => {
    aws.fields = values;
  });

  test('stays as it is where Enter is pressed; nothing is written, all is taken up', async () => {
    const { lines, questions } = await run(enterEverywhere);
    expect(aws.operations).toEqual(['GetSecretValue', 'GetSecretValue', 'Invoke']);
    expect(lines[0]).toBe('secret NotifierSecret: has everything already, nothing was written');
    expect(questions.map((question) => question.slice(question.lastIndexOf('(')))).toEqual([
      '(Enter keeps it):',
      '(Enter keeps it, new makes another):',
      '(Enter keeps it):',
    ]);
  });

  test('gets another signing secret on request', async () => {
    const { lines } = await run({ ...enterEverywhere, CRM_SECRET: 'new' });
    expect(aws.fields).toEqual({
      ...aws.fields,
      ...values,
      CRM_SECRET: expect.not.stringContaining(values.CRM_SECRET),
    });
    expect(lines).toContain(
      `CRM_SECRET, new signing secret of the webhook crm, shown this once: ${aws.fields.CRM_SECRET}`,
    );
  });

  test('has what cannot be used asked for again', async () => {
    aws.fields = { ...values, OPS_URL: 'http://old.example.com' };
    const { questions } = await run({ ...enterEverywhere, OPS_URL: ['', values.OPS_URL] });
    expect(questions.at(-1)).toBe('OPS_URL, address of the webhook ops:');
    expect(aws.fields.OPS_URL).toBe(values.OPS_URL);
  });

  test('keeps what others write while questions are answered', async () => {
    aws.onOperation = (operation, count) => {
      if (operation === 'GetSecretValue' && count === 2) aws.fields = { ...aws.fields, LATER: 'of somebody else' };
    };
    await run({ ...enterEverywhere, CRYPTSHARE_CLIENT_ID: 'b'.repeat(50) });
    expect(aws.fields).toMatchObject({ LATER: 'of somebody else', CRYPTSHARE_CLIENT_ID: 'b'.repeat(50) });
  });

  test('is left alone when others have taken away meanwhile what was to be kept', async () => {
    aws.onOperation = (operation, count) => {
      if (operation === 'GetSecretValue' && count === 2) aws.fields = {};
    };
    const { problem } = await run({ ...enterEverywhere, CRYPTSHARE_CLIENT_ID: 'b'.repeat(50) });
    expect(problem).toBe('the secret NotifierSecret was changed in between: run this again');
    expect(aws.operations).not.toContain('PutSecretValue');
  });
});

test('of two that make a signing secret at the same time, the first counts, and only that is shown', async () => {
  aws.onOperation = (operation, count) => {
    if (operation === 'GetSecretValue' && count === 2) aws.fields = { CRM_SECRET: values.CRM_SECRET };
  };
  const { lines } = await run({ ...values, CRM_SECRET: '' });
  expect(aws.fields.CRM_SECRET).toBe(values.CRM_SECRET);
  expect(lines.join()).not.toContain('whsec_');
});

describe('the environment', () => {
  test('answers in place of a person', async () => {
    const { OPS_URL: _, ...withoutAddress } = values;
    const { questions } = await run({ OPS_URL: values.OPS_URL }, withoutAddress);
    expect(questions).toEqual(['OPS_URL, address of the webhook ops:']);
    expect(aws.fields).toMatchObject(values);
  });

  test('has an empty variable mean what Enter means', async () => {
    await run(undefined, { ...values, CRM_SECRET: '' });
    const made = aws.fields.CRM_SECRET;
    expect(made).toMatch(/^whsec_/);
    await run(undefined, { CRM_SECRET: '', OPS_URL: '' });
    expect(aws.fields.CRM_SECRET).toBe(made);
  });

  test('is refused with everything that is wrong or missing by name, and nothing is written', async () => {
    const { problem } = await run(undefined, { CRYPTSHARE_CLIENT_ID: 'short', OPS_URL: values.OPS_URL });
    expect(problem).toBe(
      [
        'the environment cannot be used:',
        '  CRYPTSHARE_CLIENT_ID: expected 50 to 4000 letters and digits, got 5 characters: set the variable to the client id that is registered on the Cryptshare Server',
        '  CRM_SECRET: expected in the environment, as there is no terminal to ask on: the signing secret of the webhook crm',
      ].join('\n'),
    );
    expect(aws.operations).toEqual(['GetSecretValue']);
  });

  test('need not repeat what the secret holds', async () => {
    aws.fields = values;
    expect(await run(undefined)).toMatchObject({ isReady: true });
  });
});
