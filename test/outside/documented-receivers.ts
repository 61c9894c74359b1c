import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { block } from '#test/docs/document-blocks.ts';
import { type Receiver, secret } from '#test/docs/receiver-contract.ts';
import { pythonCommand } from './implementations.ts';
import { cache, run, type Started, start } from './tool.ts';

/** A receiver of the documentation that runs as a process of its own. */
export interface DocumentedReceiver extends Receiver {
  readonly url: URL;
  stop(): Promise<void>;
}

/** What a reader has to write in Python: stores what is applied, and fails where a file wants it. */
const pythonTransfers = `import json, os

def apply(event):
    if os.path.exists("fail"):
        os.remove("fail")
        raise RuntimeError("the database is down")
    with open("applied", "a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\\n")
`;

const pythonMain = `import receiver

server = receiver.ThreadingHTTPServer(("127.0.0.1", 0), receiver.Receiver)
print("port", server.server_address[1], flush=True)
server.serve_forever()
`;

/** The same in Go. */
const goTransfers = `package main

import (
	"encoding/json"
	"errors"
	"os"
)

func apply(e event) error {
	if os.Remove("fail") == nil {
		return errors.New("the database is down")
	}
	file, err := os.OpenFile("applied", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	return json.NewEncoder(file).Encode(map[string]any{"id": e.ID, "data": map[string]string{"state": e.Data.State}})
}
`;

/** @throws NotHere where Python or the library is missing */
export async function startPythonReceiver(): Promise<DocumentedReceiver> {
  const folder = emptyFolder('python-receiver');
  writeFileSync(`${folder}/receiver.py`, block('python'));
  writeFileSync(`${folder}/transfers.py`, pythonTransfers);
  writeFileSync(`${folder}/main.py`, pythonMain);
  const python = pythonCommand('python3');
  return receiverOf(folder, await start(python, ['main.py'], /^port (\d+)$/, { WEBHOOK_SECRET: secret }, folder));
}

/** @throws NotHere where Go or the library is missing */
export async function startGoReceiver(): Promise<DocumentedReceiver> {
  const folder = emptyFolder('go-receiver');
  // A receiver is meant for its network; a test's is not.
  const port = await freePort();
  const main = block('go', '// main.go').replace('":8080"', `"127.0.0.1:${port}"`);
  if (!main.includes(`"127.0.0.1:${port}"`)) throw new Error('expected the Go receiver to listen on ":8080"');
  writeFileSync(`${folder}/main.go`, main.replace('log.Fatal(http.L', `println("port ${port}")\n\tlog.Fatal(http.L`));
  writeFileSync(`${folder}/inbox.go`, block('go', '// inbox.go'));
  writeFileSync(`${folder}/transfers.go`, goTransfers);
  cpSync('test/outside/go', folder, { recursive: true });
  run('go', ['build', '-o', 'receiver', '.'], 'needs Go 1.24 or later and its module proxy', folder);
  const started = await start(`${folder}/receiver`, [], /^port (\d+)$/, { WEBHOOK_SECRET: secret }, folder);
  return receiverOf(folder, started);
}

function emptyFolder(name: string): string {
  const folder = resolve(cache, `${name}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function receiverOf(folder: string, { url, stop }: Started): DocumentedReceiver {
  writeFileSync(`${folder}/applied`, '');
  return {
    url: new URL(`${url}/webhooks`),
    stop,
    async post(headers, body) {
      try {
        const response = await fetch(`${url}/webhooks`, { method: 'POST', headers, body: new Uint8Array(body) });
        await response.arrayBuffer();
        return response.status;
      } catch {
        return 502;
      }
    },
    applied: () =>
      readFileSync(`${folder}/applied`, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    failOnce: () => writeFileSync(`${folder}/fail`, ''),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}
