import { beforeEach, describe, expect, test, vi } from 'vitest';
import { AwsServices } from './aws-services.ts';
import { fill, type Name, values } from './filling.ts';

let aws: AwsServices;
beforeEach(async () => {
  aws = new AwsServices();
  for (const [name, value] of Object.entries(await aws.start())) vi.stubEnv(name, value);
  return async () => {
    vi.unstubAllEnvs();
    await aws.stop();
  };
});

const enterEverywhere: Record<Name, string> = { CRYPTSHARE_CLIENT_ID: '', CRM_SECRET: '', OPS_URL: '' };

describe('secret fill with a new secret', () => {
  test('stores the answers beside what it holds already, and has it taken up', async () => {
    aws.fields = { UNKNOWN: 'of another tool' };
    const before = aws.fields;
    aws.answer = { watches: 1, endpoints: 2, waiting: [] };
    const { code, lines, questions } = await fill(values);
    expect(aws.fields).toEqual({ ...before, ...values });
    expect(aws.operations).toEqual(['GetSecretValue', 'GetSecretValue', 'PutSecretValue', 'Invoke']);
    expect(code).toBe(0);
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

  test('makes a signing secret that it shows once, if the operator brings none', async () => {
    const { lines } = await fill({ ...values, CRM_SECRET: '' });
    const shown = lines.filter((line) => line.includes('whsec_'));
    expect(shown).toEqual([
      `CRM_SECRET, new signing secret of the webhook crm, shown this once: ${aws.fields.CRM_SECRET}`,
    ]);
    const { lines: later } = await fill(enterEverywhere);
    expect(later.join()).not.toContain('whsec_');
  });

  test('shows no signing secret that could not be stored', async () => {
    aws.refusal = { of: 'PutSecretValue', name: 'AccessDeniedException', message: 'no' };
    const { stdout, stderr } = await fill({ ...values, CRM_SECRET: '' });
    expect(stdout + stderr).not.toContain('whsec_');
    expect(stderr).toMatch(/^cannot write the secret NotifierSecret: AccessDeniedException: no: have that/);
  });

  test('asks until an answer can be used, and repeats no answer', async () => {
    const { stderr } = await fill({ ...values, OPS_URL: ['', 'http://wrong.example.com', values.OPS_URL] });
    expect(stderr).toBe('OPS_URL: expected a URL such as https://example.com/webhooks\nOPS_URL: expected https:\n');
    expect(aws.fields.OPS_URL).toBe(values.OPS_URL);
  });

  test('drops the spaces that come with copying', async () => {
    await fill({ ...values, OPS_URL: ` ${values.OPS_URL}\t` });
    expect(aws.fields.OPS_URL).toBe(values.OPS_URL);
  });
});

describe('secret fill with a filled secret', () => {
  beforeEach(() => {
    aws.fields = values;
  });

  test('writes nothing where Enter is pressed, and has it taken up', async () => {
    const { lines, questions } = await fill(enterEverywhere);
    expect(aws.operations).toEqual(['GetSecretValue', 'GetSecretValue', 'Invoke']);
    expect(lines[0]).toBe('secret NotifierSecret: has everything already, nothing was written');
    expect(questions.map((question) => question.slice(question.lastIndexOf('(')))).toEqual([
      '(Enter keeps it):',
      '(Enter keeps it, new makes another):',
      '(Enter keeps it):',
    ]);
  });

  test('makes another signing secret on request', async () => {
    const { lines } = await fill({ ...enterEverywhere, CRM_SECRET: 'new' });
    expect(aws.fields).toEqual({
      ...aws.fields,
      ...values,
      CRM_SECRET: expect.not.stringContaining(values.CRM_SECRET),
    });
    expect(lines).toContain(
      `CRM_SECRET, new signing secret of the webhook crm, shown this once: ${aws.fields.CRM_SECRET}`,
    );
  });

  test('asks again for a value that cannot be used', async () => {
    aws.fields = { ...values, OPS_URL: 'http://old.example.com' };
    const { questions } = await fill({ ...enterEverywhere, OPS_URL: ['', values.OPS_URL] });
    expect(questions.at(-1)).toBe('OPS_URL, address of the webhook ops:');
    expect(aws.fields.OPS_URL).toBe(values.OPS_URL);
  });

  test('keeps what other operators write while questions are answered', async () => {
    aws.onOperation = (operation, count) => {
      if (operation === 'GetSecretValue' && count === 2) aws.fields = { ...aws.fields, LATER: 'of another tool' };
    };
    await fill({ ...enterEverywhere, CRYPTSHARE_CLIENT_ID: 'b'.repeat(50) });
    expect(aws.fields).toMatchObject({ LATER: 'of another tool', CRYPTSHARE_CLIENT_ID: 'b'.repeat(50) });
  });

  test('writes nothing if another operator has removed a value that was to be kept', async () => {
    aws.onOperation = (operation, count) => {
      if (operation === 'GetSecretValue' && count === 2) aws.fields = {};
    };
    const { code, stderr } = await fill({ ...enterEverywhere, CRYPTSHARE_CLIENT_ID: 'b'.repeat(50) });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'the secret NotifierSecret was changed in between: run this again\n',
    });
    expect(aws.operations).not.toContain('PutSecretValue');
  });
});

test('secret fill keeps a signing secret that another operator made at the same time, and shows none', async () => {
  aws.onOperation = (operation, count) => {
    if (operation === 'GetSecretValue' && count === 2) aws.fields = { CRM_SECRET: values.CRM_SECRET };
  };
  const { lines } = await fill({ ...values, CRM_SECRET: '' });
  expect(aws.fields.CRM_SECRET).toBe(values.CRM_SECRET);
  expect(lines.join()).not.toContain('whsec_');
});

describe('secret fill with variables', () => {
  test('asks only for what no variable gives', async () => {
    const { OPS_URL: _, ...withoutAddress } = values;
    const { questions } = await fill({ OPS_URL: values.OPS_URL }, { environment: withoutAddress });
    expect(questions).toEqual(['OPS_URL, address of the webhook ops:']);
    expect(aws.fields).toMatchObject(values);
  });

  test('takes an empty variable as Enter', async () => {
    await fill(undefined, { environment: { ...values, CRM_SECRET: '' } });
    const made = aws.fields.CRM_SECRET;
    expect(made).toMatch(/^whsec_/);
    await fill(undefined, { environment: { CRM_SECRET: '', OPS_URL: '' } });
    expect(aws.fields.CRM_SECRET).toBe(made);
  });

  test('names everything that is wrong or missing, and writes nothing', async () => {
    const environment = { CRYPTSHARE_CLIENT_ID: 'short', OPS_URL: values.OPS_URL };
    const { code, stderr } = await fill(undefined, { environment });
    expect(code).toBe(1);
    expect(stderr).toBe(
      [
        'the environment cannot be used:',
        '  CRYPTSHARE_CLIENT_ID: expected 50 to 4000 letters and digits, got 5 characters: set the variable to the client id that is registered on the Cryptshare Server',
        '  CRM_SECRET: expected in the environment, as there is no terminal to ask on: the signing secret of the webhook crm',
        '',
      ].join('\n'),
    );
    expect(aws.operations).toEqual(['GetSecretValue']);
  });

  test('keeps what the secret holds', async () => {
    aws.fields = values;
    expect(await fill(undefined)).toMatchObject({ code: 0 });
  });

  test('prints an object a line with --json, a signing secret made just now included', async () => {
    aws.answer = { watches: 1, endpoints: 2, waiting: [] };
    const { lines } = await fill(undefined, { environment: { ...values, CRM_SECRET: '' }, args: ['--json'] });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { secret: 'NotifierSecret', filled: Object.keys(values), made: { CRM_SECRET: aws.fields.CRM_SECRET } },
      aws.answer,
    ]);
  });
});
