import { CommanderError } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseOptions } from '#infra/local/options.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Parses a command line; `said` is what is printed about it. */
function parse(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  let said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
  try {
    return { options: parseOptions(args, environment), said };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: error.exitCode, said };
  }
}

const config = ['--config', 'notifier.config.json'];

describe('parseOptions', () => {
  it('keeps the data of a configuration in the folder data', () => {
    expect(parse(config).options).toMatchObject({ config: 'notifier.config.json', data: 'data' });
  });

  it('reads --aws-endpoint also from NOTIFIER_AWS_ENDPOINT', () => {
    expect(parse([]).options?.awsEndpoints).toEqual({});
    vi.stubEnv('NOTIFIER_AWS_ENDPOINT', 'dynamodb=http://127.0.0.1:8000');
    expect(parse([]).options?.awsEndpoints).toEqual({ dynamodb: 'http://127.0.0.1:8000' });
    const sns = { sns: 'http://127.0.0.1:1' };
    expect(parse(['--aws-endpoint', 'sns=http://127.0.0.1:1']).options?.awsEndpoints).toEqual(sns);
  });

  it.each([
    [['--colour'], "unknown option '--colour'"],
    [['--data', 'somewhere'], "'--data <folder>' needs '--config <file>'"],
    // Such as an unset variable of a script leaves.
    [[...config, '--data', ''], 'Expected a folder.'],
    [['--verbose', '--json'], "'--verbose' cannot be used with option '--json'"],
    [['--aws-endpoint', 'moto'], 'Expected an address such as'],
    [[...config, '--aws-endpoint', 'dynamodb=http://127.0.0.1:8000'], 'needs one address for all services'],
  ])('refuses the wrong command line %j ', (args, message) => {
    const { exitCode, said } = parse(args);
    expect(exitCode).toBe(1);
    expect(said).toContain(message);
  });

  it.each<[given: string, args: string[], environment: NodeJS.ProcessEnv, line: string]>([
    ['--config F', ['F'], { npm_config_config: 'true' }, 'npm start -- --config F'],
    ['--config=F --json', [], { npm_config_config: 'F', npm_config_json: 'true' }, 'npm start -- --config F'],
    [
      '--allow-private-webhooks --config F --data D',
      ['F', 'D'],
      { npm_config_config: 'true', npm_config_data: 'true', npm_config_allow_private_webhooks: 'true' },
      'npm start -- --config F --data D --allow-private-webhooks',
    ],
  ])(
    'prints the intended line when npm has taken options without a -- before them: %s',
    (_, args, environment, line) => {
      const { exitCode, said } = parse(args, environment);
      expect(exitCode).toBe(1);
      expect(said).toContain('npm took --');
      expect(said).toContain(`${line}\n`);
    },
  );
});
