import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flag } from '../../errors/index.ts';
import { type InternalError, onInternalError } from '../../errors/index.ts';
import type { TcpKeepalive } from '../../model/index.ts';
import { UNKNOWN_PEER } from '../../telemetry/index.ts';
import { systemClock, TimerWheel } from '../../time/index.ts';
import { MeshTls } from '../../tls/index.ts';
import type { Wire } from '../../wire/index.ts';
import { keepAliveOf } from '../../wire/socket-options.ts';
import { CLOSED_PORT } from '../../wire/testing/ports.ts';
import { tcpServer } from '../testing/clients.ts';
import { Connector, type LookUp } from './connector.ts';

/** How opening a connection to a name ends, with a resolver that answers so. */
function open(
  lookUp: LookUp,
  port: number,
  allAddresses: boolean,
  onWire?: (wire: Wire) => void,
  keepalive?: TcpKeepalive,
): Promise<string> {
  const connector = new Connector({
    timers: new TimerWheel(systemClock),
    tls: new MeshTls(),
    self: () => UNKNOWN_PEER,
    address: '',
    nowMs: () => systemClock.monotonic(),
    lookUp,
  });
  return new Promise(resolve => {
    connector.open(
      {
        endpoint: { address: 'ext.example.com', port, tls: 'plaintext', peer: UNKNOWN_PEER, allAddresses },
        speaks: ['http1'],
        serverName: 'ext.example.com',
        timeoutMs: 5_000,
        localAddress: '',
        ...(keepalive && { keepalive }),
      },
      wire => {
        try {
          onWire?.(wire);
        } finally {
          resolve('connected');
        }
        wire.destroy();
      },
      (flag: Flag, detail: string) => resolve(`${flag} ${detail}`),
    );
  });
}

const failures: readonly { readonly what: string; readonly lookUp: LookUp; readonly words: RegExp }[] = [
  {
    what: 'a resolver that is away (EAI_AGAIN)',
    lookUp: (_name, answer) =>
      void setImmediate(answer, Object.assign(new Error('x'), { code: 'EAI_AGAIN' }), undefined),
    words: /^DF the name ext\.example\.com cannot be resolved \(EAI_AGAIN\)$/,
  },
  {
    what: 'an error with an empty list',
    lookUp: (_name, answer) =>
      void setImmediate(answer, Object.assign(new Error('x'), { code: 'ENOTFOUND' }), []),
    words: /^DF .*\(ENOTFOUND\)$/,
  },
  {
    what: 'an answer without addresses',
    lookUp: (_name, answer) => void setImmediate(answer, null, []),
    words: /^DF .*\(it has no address\)$/,
  },
  {
    what: 'an answer without a list',
    lookUp: (_name, answer) => void setImmediate(answer, null, undefined),
    words: /^DF .*\(it has no address\)$/,
  },
  {
    what: 'a name that is refused at once',
    lookUp: () => {
      throw new TypeError('not a name');
    },
    words: /^DF .*\(not a name\)$/,
  },
  {
    what: 'an address where nobody listens',
    lookUp: (_name, answer) => void setImmediate(answer, null, [{ address: '127.0.0.1' }]),
    words: /^UF .*connection refused/,
  },
  {
    what: 'an answer that is no address',
    lookUp: (_name, answer) => void setImmediate(answer, null, [{ address: 'nonsense' }]),
    words: /^UF .*EINVAL/,
  },
];

for (const { what, lookUp, words } of failures) {
  for (const allAddresses of [false, true]) {
    test(`${what} is a failure in words (${allAddresses ? 'DNS_ROUND_ROBIN' : 'DNS'})`, async () => {
      assert.match(await open(lookUp, CLOSED_PORT, allAddresses), words);
    });
  }
}

test('keepalive of TCP is on where it is asked for, in whole seconds, and nowhere else', async t => {
  const server = await tcpServer(() => {});
  t.after(() => server.close());
  const lookUp: LookUp = (_name, answer) => void setImmediate(answer, null, [{ address: '127.0.0.1' }]);
  const seen: ReturnType<typeof keepAliveOf>[] = [];
  const look = (wire: Wire): void => void seen.push(keepAliveOf(wire.native.fd));
  assert.equal(await open(lookUp, server.port, false, look), 'connected');
  const keepalive = { timeMs: 61_400, intervalMs: 200, probes: 4 };
  assert.equal(await open(lookUp, server.port, false, look, keepalive), 'connected');
  assert.equal(seen[0]?.on, false);
  assert.deepEqual(seen[1], { on: true, idleSeconds: 61, intervalSeconds: 1, probes: 4 });
});

test('an error of weft itself while a name is resolved or a connection handed over is told and closes it', async t => {
  const told: InternalError[] = [];
  onInternalError(error => told.push(error));
  t.after(() => onInternalError(undefined));
  const broken = [
    {
      get address(): string {
        throw new Error('injected');
      },
    },
  ];
  assert.match(
    await open((_n, answer) => void setImmediate(answer, null, broken), 1, false),
    /internal error of weft/,
  );
  const server = await tcpServer(() => {});
  t.after(() => server.close());
  const handed: Wire[] = [];
  const address: LookUp = (_name, answer) => void setImmediate(answer, null, [{ address: '127.0.0.1' }]);
  await open(address, server.port, false, wire => {
    handed.push(wire);
    throw new Error('injected');
  });
  assert.equal(handed[0]!.closed, true);
  assert.deepEqual(
    told.map(({ where }) => where),
    ['dns', 'dial'],
  );
});
