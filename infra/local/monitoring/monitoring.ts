import { type ProxySettings, proxySettingsIn } from '#functions/http/proxy.ts';
import type { ShardPoll } from '#functions/poll/poll-shard.ts';
import type { Config } from '#infra/config/config.ts';
import { listenAsSet } from '#infra/local/process/listening.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { Heartbeat } from './heartbeat.ts';
import { NotifierMetrics, tickJudge } from './metrics.ts';
import { serveMetrics } from './metrics-server.ts';
import type { ReadPath } from './state-gauges.ts';

export type Monitoring = Awaited<ReturnType<typeof startMonitoring>>;

/**
 * Starts what lets others see whether the notifier works: metrics, and the heartbeat of the configuration.
 *
 * @param read asks the operator API for what is stored
 * @throws ListenError, ConfigError if metrics cannot be served where the configuration says
 */
export async function startMonitoring(config: Config, read: ReadPath, warning: (text: string) => void) {
  const readers = config.notify.readers.filter(({ email }) => email !== undefined).map(({ name }) => name);
  const metrics = new NotifierMetrics(manifest.version, readers, read);
  const { listen } = config.metrics ?? {};
  const served =
    listen === undefined
      ? undefined
      : await listenAsSet('metrics.listen', listen, (address) => serveMetrics(metrics, address));
  const proxies: ProxySettings = proxySettingsIn(process.env);
  const heartbeat =
    config.heartbeat &&
    new Heartbeat(config.heartbeat.url, {
      proxies,
      warning,
      steady: () => performance.now(),
      onCall: (isTaken) => metrics.heartbeat(isTaken),
    });
  const isWell = tickJudge(read);
  return {
    metrics,
    /** Address of the metrics without a token, if the configuration has one. */
    url: served?.url,
    async onTick(tick: ShardPoll): Promise<void> {
      const well = await isWell(tick);
      metrics.ticked(well);
      if (well) heartbeat?.beat();
    },
    async close(): Promise<void> {
      heartbeat?.close();
      metrics.close();
      await served?.close();
    },
  };
}
