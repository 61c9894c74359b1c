import { Gauge, type Registry } from 'prom-client';
import type { Answers } from '#infra/api/answers.ts';

type Endpoints = Answers['listEndpoints'];

/** Label of all readers by e-mail together: such a name may be that of a person. It can be no endpoint's name. */
export const readersTogether = '(readers)';

/** Milliseconds for which a reading is used: counting reads rows, however often metrics are requested. */
const readingMs = 10_000;

const statuses = ['active', 'paused', 'disabled'] as const;

/** Reads what a path of the operator API answers. @throws if it answers no such thing */
export type ReadPath = <T>(path: string) => Promise<T>;

/** Gauges of the stored watches, endpoints and deliveries. They are absent while these cannot be read. */
export class StateGauges {
  private readonly read: ReadPath;
  private readonly steady: () => number;
  private readonly watches: Gauge<'state'>;
  private readonly endpoints: Gauge<'status'>;
  private readonly failing: Gauge<'endpoint'>;
  private readonly open: Gauge<'endpoint'>;
  private readonly deliveries: Gauge<'state'>;
  private readonly overdue: Gauge<never>;
  private reading: { readonly ended: Promise<void>; readonly begunAt: number } | undefined;

  /** @param steady milliseconds of a clock that is never set */
  constructor(registry: Registry, read: ReadPath, steady: () => number) {
    this.read = read;
    this.steady = steady;
    const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
      new Gauge({ name: `transfer_notifier_${name}`, help, labelNames, registers: [registry] });
    this.watches = gauge('watches', 'Watches by state; operators were told of the failing ones.', 'state');
    this.endpoints = gauge('endpoints', 'Endpoints by status, readers among them.', 'status');
    this.failing = gauge('endpoint_failing', '1 while operators know the endpoint as failing.', 'endpoint');
    this.open = gauge('endpoint_circuit_breaker_open', '1 while the circuit breaker allows no attempt.', 'endpoint');
    this.deliveries = gauge('deliveries_waiting', 'Deliveries without an end; counting stops at 1,000.', 'state');
    this.overdue = gauge('oldest_overdue_seconds', 'Time since the oldest overdue delivery became due.');
    this.forget();
  }

  /** Reads the state, unless that was done a moment ago. */
  async refresh(): Promise<void> {
    const now = this.steady();
    if (this.reading === undefined || now - this.reading.begunAt >= readingMs) {
      const ended = this.readState().catch(() => this.forget());
      this.reading = { begunAt: now, ended };
    }
    await this.reading.ended;
  }

  private async readState(): Promise<void> {
    const [{ watches, deliveries, ...counted }, endpoints] = await Promise.all([
      this.read<Answers['showStatus']>('/status'),
      this.readEndpoints(),
    ]);
    this.forget();
    const { all, failing, disabled } = watches;
    for (const [state, count] of Object.entries({ enabled: all - disabled, failing, disabled }))
      this.watches.set({ state }, count);
    for (const status of statuses) this.endpoints.set({ status }, counted.endpoints[status]);
    this.deliveries.set({ state: 'pending' }, deliveries.waiting.count);
    this.deliveries.set({ state: 'held' }, deliveries.held.count);
    this.overdue.set(deliveries.oldestOverdueMs / 1000);
    const byLabel = Map.groupBy(endpoints, ({ name, format }) => (format === 'email' ? readersTogether : name));
    for (const [endpoint, group] of byLabel) {
      this.failing.set({ endpoint }, Number(group.some(({ health }) => health)));
      this.open.set({ endpoint }, Number(group.some(({ circuitBreaker }) => circuitBreaker?.state === 'open')));
    }
  }

  private async readEndpoints(): Promise<Endpoints['items'][number][]> {
    const items = [];
    let next: string | undefined = '';
    while (next !== undefined) {
      const cursor: string = next && `&cursor=${encodeURIComponent(next)}`;
      const page: Endpoints = await this.read(`/endpoints?limit=100${cursor}`);
      items.push(...page.items);
      next = page.next;
    }
    return items;
  }

  /** Makes the gauges absent: an old value would be believed. */
  private forget(): void {
    for (const gauge of [this.watches, this.endpoints, this.failing, this.open, this.deliveries]) gauge.reset();
    this.overdue.remove();
  }
}
