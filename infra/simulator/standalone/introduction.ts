/** Lives that go on by themselves, in words. */
interface Lives {
  readonly what: string;
  readonly speed: number;
}

/** Address, configuration and commands for a person who watches a simulated server and plays with it. */
export const introduction = (url: string, clientId: string, lives: Lives | undefined): string => `\
Simulated Cryptshare Server: ${url}  (Ctrl-C stops it)
Its transfers, to look at and to move, and its switches are on that page.
${lives ? `Transfers of alice@example.com live ${lives.speed} times as fast as real ones (${lives.what}).` : 'It has no transfers yet; --seed 7 --speed 1000 lets some live by themselves.'}

Watch it: save this as simulator.config.json

  {
    "server": { "url": "${url}" },
    "schedule": { "every": "2s" },
    "watches": [
      { "mailbox": "alice@example.com", "follow": ["downloads", "overdue", "problems"] },
      { "mailbox": "alice@example.com", "direction": "received" }
    ]
  }

and start the notifier in a second terminal:

  export CRYPTSHARE_CLIENT_ID=${clientId}
  npm start -- --config simulator.config.json --data simulator-data

Play with it in a third one:

  server=${url}
  # send a transfer
  curl $server/control/transfers -d '{"sender":"alice@example.com","to":["bob@example.org"]}'
  # let it arrive
  curl $server/control/transfers/TRACKING-ID/state -X PUT -d '{"state":"ACTIVE"}'
  # fetch it
  curl $server/control/transfers/TRACKING-ID/downloads -d '{"mail":"bob@example.org"}'
  # make the server fail
  curl $server/control/faults -d '{"times":6,"answer":{"kind":"response","status":500}}'
  # make it slow
  curl $server/control/switches -X PATCH -d '{"latencyMs":500}'
  # see what was asked
  curl $server/control/requests
`;
