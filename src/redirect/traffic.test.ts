// Real connections through real rules: two network namespaces, a "proxy" that runs as uid 1337 and reports the original
// destination, an "app" beside it, and a peer outside. Each case says who answers whom.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apply } from './apply.ts';
import type { BackendName } from './backend.ts';
import type { Family } from './cidr.ts';
import type { RedirectOptions } from './options.ts';
import { PROBE_PORT, plan } from './plan.ts';
import type { Answer } from './testing/agent.ts';
import { type Agent, cannotRun, podAndPeer } from './testing/namespace.ts';
import { undo } from './undo.ts';

const nobody = 65_534;
const proxyUid = 1337;

/** Addresses by what they are. */
const addresses = {
  ipv4: {
    pod: '10.77.0.2',
    peer: '10.77.0.1',
    outside: '10.78.0.1',
    service: '10.96.0.10',
    loopback: '127.0.0.1',
    loopback2: '127.7.7.7',
    inboundSource: '127.0.0.6',
    probeSource: '127.0.0.7',
  },
  ipv6: {
    pod: 'fd77::2',
    peer: 'fd77::1',
    outside: 'fd78::1',
    service: 'fd96::10',
    loopback: '::1',
    loopback2: '::1',
    inboundSource: '::6',
    probeSource: '::7',
  },
} as const;
type Place = keyof (typeof addresses)['ipv4'];
/** `user` and `group` have only that of the proxy. */
type Actor = 'app' | 'proxy' | 'user' | 'group' | 'root' | 'peer';

/** Who answers, in words: `outbound` and `inbound` are the proxy's redirected listeners; the others answer for themselves. */
type Way = 'outbound' | 'inbound' | 'app' | 'proxy' | 'peer' | 'refused';

/** [who calls, where to, port, who answers, from which address] */
type Case = readonly [actor: Actor, to: Place, port: number, way: Way, from?: Place];

const everything: readonly Case[] = [
  // What the app sends.
  ['app', 'peer', 80, 'outbound'],
  ['app', 'outside', 80, 'outbound'],
  ['app', 'service', 9999, 'outbound'],
  ['root', 'peer', 80, 'outbound'],
  ['app', 'peer', 53, 'peer'],
  // (a) The inbound proxy hands on to the app, from its own loopback address.
  ['proxy', 'pod', 8080, 'app', 'inboundSource'],
  ['proxy', 'pod', 8080, 'app', 'probeSource'],
  // (b) The proxy calls its own pod, because a Service answered with it.
  ['proxy', 'pod', 8080, 'inbound'],
  ['proxy', 'pod', 9999, 'inbound'],
  ['proxy', 'pod', 15_020, 'proxy'],
  ['proxy', 'pod', PROBE_PORT, 'inbound'],
  // (c) The proxy and its group call others.
  ['proxy', 'peer', 80, 'peer'],
  ['proxy', 'loopback', 8080, 'app'],
  ['proxy', 'loopback2', 8080, 'app'],
  ['user', 'peer', 80, 'peer'],
  ['group', 'peer', 80, 'peer'],
  // (d) The app calls itself.
  ['app', 'pod', 8080, 'app'],
  ['app', 'loopback', 8080, 'app'],
  ['app', 'loopback', 15_000, 'proxy'],
  ['app', 'pod', 9999, 'refused'],
  // What comes from outside: a kubelet's probe, a peer, Prometheus, somebody who tries the admin port.
  ['peer', 'pod', 8080, 'inbound'],
  ['peer', 'pod', 9999, 'inbound'],
  ['peer', 'pod', PROBE_PORT, 'inbound'],
  ['peer', 'pod', 15_020, 'proxy'],
  ['peer', 'pod', 15_000, 'refused'],
];

// (e) Skips.
const skips: RedirectOptions = {
  skipInboundPorts: [8080],
  skipOutboundPorts: ['3306-3307'],
  skipOutboundCidrs: ['10.78.0.0/16', 'fd78::/16'],
};
const withSkips: readonly Case[] = [
  ['app', 'outside', 80, 'peer'],
  ['app', 'peer', 3306, 'peer'],
  ['app', 'peer', 80, 'outbound'],
  ['peer', 'pod', 8080, 'app'],
  ['peer', 'pod', 8081, 'inbound'],
  ['proxy', 'pod', 8080, 'app'],
  ['proxy', 'pod', 8081, 'inbound'],
];

// A user whose traffic is left alone on its way out; in, nothing changes.
const skippedUser: RedirectOptions = { skipOutboundUids: [nobody] };
const withSkippedUser: readonly Case[] = [
  ['app', 'outside', 80, 'peer'],
  ['root', 'peer', 80, 'outbound'],
  ['peer', 'pod', 8080, 'inbound'],
];

// (e) Only what is named.
const only: RedirectOptions = {
  onlyInboundPorts: [8080],
  onlyOutboundPorts: [3306, 53],
  onlyOutboundCidrs: ['10.78.0.0/16', 'fd78::/16'],
};
const withOnly: readonly Case[] = [
  ['app', 'outside', 80, 'outbound'],
  ['app', 'peer', 3306, 'outbound'],
  ['app', 'peer', 53, 'outbound'],
  ['app', 'peer', 80, 'peer'],
  ['peer', 'pod', 8080, 'inbound'],
  ['peer', 'pod', 8081, 'app'],
  ['proxy', 'pod', 8081, 'app'],
  ['proxy', 'pod', PROBE_PORT, 'inbound'],
];

const untouched: readonly Case[] = [
  ['app', 'peer', 80, 'peer'],
  ['peer', 'pod', 8080, 'app'],
  ['proxy', 'pod', PROBE_PORT, 'refused'],
];

const skip = cannotRun();

describe('traffic', { skip, timeout: 60_000 }, () => {
  const agents = {} as Record<Actor, Agent>;
  let world: Awaited<ReturnType<typeof podAndPeer>>;

  before(async () => {
    world = await podAndPeer();
    agents.app = await world.pod.agent('app', nobody, nobody);
    agents.proxy = await world.pod.agent('proxy', proxyUid, proxyUid);
    agents.user = await world.pod.agent('user', proxyUid, nobody);
    agents.group = await world.pod.agent('group', nobody, proxyUid);
    agents.root = await world.pod.agent('root', 0, 0);
    agents.peer = await world.peer.agent('peer', 0, 0);
    for (const [any, loopback] of [
      ['0.0.0.0', '127.0.0.1'],
      ['::', '::1'],
    ] as const) {
      // As DESIGN.md has it, and REDIRECT allows: outbound on loopback only.
      await agents.proxy.listen(loopback, 15_001);
      await agents.proxy.listen(any, 15_006);
      await agents.proxy.listen(any, 15_020);
      await agents.proxy.listen(loopback, 15_000);
      for (const port of [8080, 8081]) await agents.app.listen(any, port);
      for (const port of [80, 53, 3306]) await agents.peer.listen(any, port);
      await agents.peer.listen(any, 53, 'listen-udp');
      await agents.app.listen(any, 8080, 'listen-udp');
    }
  });

  after(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  async function expectCase(family: Family, [actor, to, port, way, from]: Case): Promise<void> {
    const known = addresses[family];
    const target = known[to];
    const answer = await agents[actor].connect(target, port, from && known[from]);
    const destination = family === 'ipv6' ? `[${target}]:${port}` : `${target}:${port}`;
    assert.deepEqual(brief(answer, way), expected(way, port, destination), JSON.stringify(answer));
    if (from && !('error' in answer)) assert.equal(answer.remoteAddress, known[from]);
  }

  function suite(
    title: string,
    cases: readonly Case[],
    prepare: (backend: BackendName) => Promise<unknown>,
  ): void {
    for (const backend of ['nft', 'legacy'] as const) {
      describe(`${title} (${backend})`, () => {
        before(() => prepare(backend));
        after(() => undo({ run: world.pod.run }));
        for (const family of ['ipv4', 'ipv6'] as const) {
          for (const one of cases) {
            const [actor, to, port, way, from] = one;
            const source = from ? ` from its ${from}` : '';
            test(`${family}: ${actor}${source} → ${to}:${port} is answered: ${way}`, () =>
              expectCase(family, one));
          }
        }
      });
    }
  }

  const applied = (options: RedirectOptions) => (backend: BackendName) => {
    return apply(plan(options).plan!, { run: world.pod.run, backend });
  };
  suite('with every option at its default', everything, applied({}));
  describe('udp', () => {
    before(() => apply(plan().plan!, { run: world.pod.run }));
    after(() => undo({ run: world.pod.run }));
    for (const family of ['ipv4', 'ipv6'] as const) {
      test(`${family}: datagrams are left alone both ways`, async () => {
        const { peer, pod } = addresses[family];
        const out = (await agents.app.order({ do: 'send-udp', host: peer, port: 53 })) as Answer;
        assert.deepEqual(brief(out, 'peer'), { who: 'peer', port: 53 });
        const back = (await agents.peer.order({ do: 'send-udp', host: pod, port: 8080 })) as Answer;
        assert.deepEqual(brief(back, 'app'), { who: 'app', port: 8080 });
      });
    }
  });
  suite('with skips', withSkips, applied(skips));
  suite('with a skipped user', withSkippedUser, applied(skippedUser));
  suite('with only what is named', withOnly, applied(only));
  suite('after undo', untouched, async backend => {
    await applied({})(backend);
    await undo({ run: world.pod.run });
  });
});

/** The answer, as far as the expected way makes a statement about it. */
function brief(answer: Answer, way: Way): unknown {
  if ('error' in answer) return { error: answer.error };
  const { who, port, originalDestination } = answer;
  return way === 'outbound' || way === 'inbound' ? { who, port, originalDestination } : { who, port };
}

function expected(way: Way, port: number, destination: string): unknown {
  if (way === 'refused') return { error: 'ECONNREFUSED' };
  if (way === 'outbound') return { who: 'proxy', port: 15_001, originalDestination: destination };
  if (way === 'inbound') return { who: 'proxy', port: 15_006, originalDestination: destination };
  return { who: way, port };
}
