import { CommanderError } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseOptions } from '#infra/local/options.ts';

afterEach(() => vi.restoreAllMocks());

/** Reads a command line, and what is said about it. */
function parsed(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
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

test('a configuration file is run with the data in the folder data', () => {
  expect(parsed(['--config', 'notifier.config.json']).options).toMatchObject({
    config: 'notifier.config.json',
    data: 'data',
  });
});

test('an empty name of the data folder, such as an unset variable leaves, is refused', () => {
  const { exitCode, said } = parsed(['--config', 'notifier.config.json', '--data', '']);
  expect(exitCode).toBe(1);
  expect(said).toContain('Expected a folder.');
});

describe('options that npm has kept to itself, for want of a -- before them,', () => {
  test.each<[what: string, args: string[], environment: NodeJS.ProcessEnv, line: string]>([
    ['--config F', ['F'], { npm_config_config: 'true' }, 'npm start -- --config F'],
    ['--config=F --json', [], { npm_config_config: 'F', npm_config_json: 'true' }, 'npm start -- --config F'],
    [
      '--allow-private-webhooks --config F --data D',
      ['F', 'D'],
      { npm_config_config: 'true', npm_config_data: 'true', npm_config_allow_private_webhooks: 'true' },
      'npm start -- --config F --data D --allow-private-webhooks',
    ],
    ['--notify-existing', [], { npm_config_notify_existing: 'true' }, 'npm start -- --notify-existing'],
  ])('are told with the line that was meant: %s', (_, args, environment, line) => {
    const { exitCode, said } = parsed(args, environment);
    expect(exitCode).toBe(1);
    expect(said).toContain('npm took --');
    expect(said).toContain(`${line}\n`);
  });
});
