import { promises as dns } from 'node:dns';
import net from 'node:net';

// Loaded into a function's process before its bundle: example.com has addresses. Behind the public one there is a
// receiver on this machine. The query of this file's URL says its port. Everything else is as it always is.
const receiverPort = Number(new URL(import.meta.url).searchParams.get('receiver'));
const publicAddress = '93.184.215.14';
const records: Readonly<Record<string, string>> = {
  'hooks.example.com': publicAddress,
  'inside.example.com': '10.0.0.5',
};

type Lookup = (name: string, options: object, callback: Found) => void;
type Found = (error: Error | null, found: string | { address: string }[], family?: number) => void;

const { lookup: lookUp } = dns;
Object.assign(dns, {
  lookup: async (name: string, options: { all: true }) =>
    records[name] === undefined ? lookUp(name, options) : [{ address: records[name], family: 4 }],
});

const here = (address: string): string => (address === publicAddress ? '127.0.0.1' : address);
const redirected: (lookup: Lookup) => Lookup = (lookup) => (name, options, callback) =>
  lookup(name, options, (error, found, family) => {
    if (typeof found === 'string') callback(error, here(found), family);
    else
      callback(
        error,
        found?.map((one) => ({ ...one, address: here(one.address) })),
      );
  });

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (this: net.Socket, ...given: unknown[]) {
  const [options] = given.flat() as { host?: string; port?: number; lookup?: Lookup }[];
  if (options?.lookup && options.port === 443 && records[options.host ?? '']) {
    options.lookup = redirected(options.lookup);
    options.port = receiverPort;
  }
  return Reflect.apply(connect, this, given);
};
