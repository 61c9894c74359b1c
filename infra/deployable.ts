import { type Config, ConfigError, loadConfig, millisecondsOf } from './config.ts';

export function loadDeployableConfig(file: string): Config {
  const config = loadConfig(file);
  const problems: string[] = [];
  if (millisecondsOf(config.schedule.every) % 60_000 !== 0) problems.push('x');
  if (problems.length > 0) throw new ConfigError(file, problems);
  return config;
}
