import type { Template } from 'aws-cdk-lib/assertions';
import { TemplateValues } from './template-values.ts';

/** A metric of CloudWatch as one text: namespace, name, and dimensions with their values. */
const nameOf = (namespace: string, metric: string, dimensions: readonly (readonly [string, string])[]): string =>
  [namespace, metric, ...dimensions.map(([name, value]) => `${name}=${value}`)].join(' ');

interface EmbeddedMetrics {
  readonly _aws?: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
  readonly [field: string]: unknown;
}

/** The metrics that CloudWatch finds in a log, in the embedded metric format. */
export function metricsIn(log: string): string[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{'));
  return lines.flatMap((text) => {
    const line = JSON.parse(text) as EmbeddedMetrics;
    return (line._aws?.CloudWatchMetrics ?? []).flatMap(({ Namespace, Dimensions, Metrics }) =>
      Metrics.flatMap(({ Name }) =>
        Dimensions.map((names) =>
          nameOf(
            Namespace,
            Name,
            names.map((name) => [name, String(line[name])] as const),
          ),
        ),
      ),
    );
  });
}

interface AlarmMetric {
  readonly Namespace: unknown;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
}

/** The metrics of the notifier's own that alarms of a template look at. */
export function metricsOfAlarms(template: Template): string[] {
  const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
  const metrics = alarms.flatMap(({ Properties }): AlarmMetric[] => [
    ...(Properties.MetricName ? [Properties] : []),
    ...(Properties.Metrics ?? []).flatMap(({ MetricStat }: { MetricStat?: { Metric: AlarmMetric } }) =>
      MetricStat ? [MetricStat.Metric] : [],
    ),
  ]);
  const values = new TemplateValues();
  return metrics
    .map((metric) => ({ ...metric, namespace: values.text(metric.Namespace) }))
    .filter(({ namespace }) => !namespace.startsWith('AWS/'))
    .map(({ namespace, MetricName, Dimensions = [] }) =>
      nameOf(
        namespace,
        MetricName,
        Dimensions.map(({ Name, Value }) => [Name, Value] as const),
      ),
    );
}
