import { once } from 'node:events';
import net from 'node:net';
import { expect, it } from 'vitest';
import { serveMetrics } from '#infra/local/monitoring/metrics-server.ts';

it('answers one request of a connection with metrics, for a reader that reads nothing would fill the memory', async () => {
  let made = 0;
  const metrics = {
    contentType: 'text/plain',
    async text() {
      made += 1;
      return 'up 1\n';
    },
  };
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  const served = await serveMetrics(metrics, { host: '127.0.0.1', port });
  const socket = net.connect(port, '127.0.0.1');
  socket.write('GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(500));
  let answered = '';
  for await (const chunk of socket) {
    answered += chunk;
    if (answered.match(/HTTP\/1\.1 /g)?.length === 500) break;
  }
  await served.close();
  expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answered.match(/up 1/g)).toHaveLength(1);
  expect(made).toBe(1);
});
