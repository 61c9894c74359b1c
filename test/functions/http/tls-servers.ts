import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { generate, type SelfsignedOptions } from 'selfsigned';

/** A kind of problem with TLS: the server that has it, and what a client trusts. */
interface WatchProblem {
  readonly options?: https.ServerOptions;
  /** In place of an HTTPS server. */
  readonly server?: net.Server;
  /** Certificate to trust in PEM; that of the private authority where nothing is said. */
  readonly trusted?: string | undefined;
}

export type ProblemName = keyof Awaited<ReturnType<typeof problems>>;

type Extensions = NonNullable<SelfsignedOptions['extensions']>;

const day = 86_400_000;

/** A certificate for localhost, by a private authority if one is given. */
async function issued(options: Partial<SelfsignedOptions> = {}, host = 'localhost') {
  const { private: key, cert } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 2, value: host }] },
    ],
    ...options,
  });
  return { key, cert };
}

const authority: Extensions = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, critical: true },
];

async function problems() {
  const root = await issued({ extensions: authority }, 'Root');
  const middle = await issued({ extensions: authority, ca: root }, 'Middle');
  const good = await issued({ ca: root });
  const inTime = (from: number, to: number) => ({
    notBeforeDate: new Date(Date.now() + from * day),
    notAfterDate: new Date(Date.now() + to * day),
  });
  const belowMiddle = await issued({ ca: middle });
  const wantsClients = { ...good, ca: root.cert, requestCert: true, rejectUnauthorized: true };
  const oldOnes = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const forClients: Extensions = [
    { name: 'extKeyUsage', clientAuth: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
  ];
  return {
    wrongHost: { options: await issued({ ca: root }, 'other.example.com') },
    expired: { options: await issued({ ca: root, ...inTime(-9, -1) }) },
    notYetValid: { options: await issued({ ca: root, ...inTime(9, 19) }) },
    selfSigned: { options: await issued(), trusted: undefined },
    privateAuthority: { options: good, trusted: undefined },
    privateChain: { options: { ...good, cert: `${good.cert}\n${root.cert}` }, trusted: undefined },
    unknownIntermediate: {
      options: { ...belowMiddle, cert: `${belowMiddle.cert}\n${middle.cert}` },
      trusted: undefined,
    },
    missingIntermediate: { options: belowMiddle },
    weakSignature: { options: await issued({ ca: root, algorithm: 'sha1' }) },
    forClientsAlone: { options: await issued({ ca: root, extensions: forClients }) },
    oldVersion: { options: { ...good, ...oldOnes } },
    clientWantedIn12: { options: { ...wantsClients, maxVersion: 'TLSv1.2' } },
    clientWantedIn13: { options: { ...wantsClients, minVersion: 'TLSv1.3' } },
    noSharedCipher: { options: { ...good, maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' } },
    plainHttp: { server: http.createServer((_, response) => response.end()) },
    anotherProtocol: { server: net.createServer((socket) => socket.write('220 mail.example.com ESMTP\r\n')) },
  } satisfies Record<string, WatchProblem>;
}

/** Servers on this machine, each with a problem of its own with TLS. */
export class TlsServers {
  /** Certificate of the private authority that has issued theirs. */
  readonly authority: string;
  private readonly running: Map<ProblemName, { readonly server: net.Server; readonly trusted: string | undefined }>;
  private readonly sockets: Set<net.Socket>;

  private constructor(authority: string, running: TlsServers['running'], sockets: Set<net.Socket>) {
    this.authority = authority;
    this.running = running;
    this.sockets = sockets;
  }

  static async start(): Promise<TlsServers> {
    const all = await problems();
    const root = all.clientWantedIn13.options.ca;
    const sockets = new Set<net.Socket>();
    const running: TlsServers['running'] = new Map();
    for (const [name, problem] of Object.entries(all) as [ProblemName, WatchProblem][]) {
      const server = problem.server ?? https.createServer(problem.options!, (_, response) => response.end());
      server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      running.set(name, { server, trusted: 'trusted' in problem ? problem.trusted : root });
    }
    return new TlsServers(root, running, sockets);
  }

  /** @returns where it listens, and the certificate in PEM that a client trusts beside, or instead of, public ones */
  of(name: ProblemName): { readonly url: string; readonly ca: string | undefined } {
    const { server, trusted } = this.running.get(name)!;
    return { url: `https://localhost:${(server.address() as AddressInfo).port}`, ca: trusted };
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all([...this.running.values()].map(({ server }) => once(server.close(), 'close')));
  }
}
