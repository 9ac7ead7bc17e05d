// The rows of the chaos suite: what is done, for how long, and what clients may see of it.
import type { Bed, Undo } from './bed.ts';
import type { Expectation, Limits } from './expectation.ts';
import { noMemoryGroup } from './memory-group.ts';

/** One row. */
export interface Fault {
  /** As it is named on the command line. */
  readonly name: string;
  /** In the table. */
  readonly what: string;
  /** In the table: what was promised. */
  readonly promise: string;
  /** Whether the short form has it. */
  readonly short: boolean;
  /** From doing it to undoing it. */
  readonly holdMs: number;
  /** How long clients are watched afterwards. */
  readonly settleMs: number;
  readonly expected: Expectation;
  /** Why this machine cannot do it; undefined where it can. */
  impossible?(): string | undefined;
  /** What must be so before the clients are watched. */
  prepare?(bed: Bed): Promise<Undo>;
  /** Does it. */
  begin(bed: Bed): Promise<Undo>;
  /** What else must hold at the end; throws when it does not. */
  check?(bed: Bed): Promise<void>;
}

// Machines that run tests are busy: a time without an answer that is shorter than this says nothing about a mesh.
const unnoticedGapMs = 3_000;
const nothing: Limits = { errors: 0, gapMs: unnoticedGapMs };
/** Connections of a killed process: the two servers share the four of each kind in some way. */
const itsConnections: Limits = { errors: 4, gapMs: 8_000, recoveredMs: 3_000 };
/** Calls that had reached the app, or may have: they are not repeated. */
const underWay: Limits = { errors: 3, gapMs: unnoticedGapMs, recoveredMs: 2_000 };

export const FAULTS: readonly Fault[] = [
  {
    name: 'server-proxy-killed',
    what: 'the proxy of one of two servers is killed',
    promise: 'only its own connections, and POST and gRPC calls that had reached its app; GET goes elsewhere',
    ...{ short: true, holdMs: 0, settleMs: 8_000 },
    expected: {
      WebSockets: itsConnections,
      TCP: itsConnections,
      POST: underWay,
      gRPC: underWay,
      others: nothing,
    },
    begin: bed => bed.kill('server proxy'),
  },
  {
    name: 'server-proxy-paused',
    what: 'the proxy of one of two servers stands still for 4 s',
    promise: 'no error; what it had waits',
    ...{ short: false, holdMs: 4_000, settleMs: 6_000 },
    expected: { others: { errors: 0, gapMs: 7_000 } },
    begin: bed => bed.pause('server proxy'),
  },
  {
    name: 'server-proxy-slow',
    what: 'the proxy of one of two servers runs for a fifth of the time, 6 s',
    promise: 'no error',
    ...{ short: false, holdMs: 6_000, settleMs: 4_000 },
    expected: { others: nothing },
    begin: bed => bed.slow('server proxy'),
  },
  {
    name: 'client-proxy-killed',
    what: "the client's own proxy is killed",
    promise: 'what was under way, and calls until it is up again: nobody else could carry them',
    ...{ short: true, holdMs: 0, settleMs: 15_000 },
    expected: { others: { errors: 300, gapMs: 12_000, recoveredMs: 10_000 } },
    begin: bed => bed.kill('client proxy'),
  },
  {
    name: 'client-proxy-paused',
    what: "the client's own proxy stands still for 3 s",
    promise: 'no error; everything waits',
    ...{ short: false, holdMs: 3_000, settleMs: 6_000 },
    expected: { others: { errors: 0, gapMs: 6_000 } },
    begin: bed => bed.pause('client proxy'),
  },
  {
    name: 'client-proxy-slow',
    what: "the client's own proxy runs for a fifth of the time, 6 s",
    promise: 'no error',
    ...{ short: false, holdMs: 6_000, settleMs: 4_000 },
    expected: { others: nothing },
    begin: bed => bed.slow('client proxy'),
  },
  {
    name: 'app-killed',
    what: 'one of two servers is killed',
    promise: 'only its own connections, and POST and gRPC calls that had reached it; GET goes elsewhere',
    ...{ short: true, holdMs: 0, settleMs: 8_000 },
    expected: {
      WebSockets: itsConnections,
      TCP: itsConnections,
      POST: underWay,
      gRPC: underWay,
      others: nothing,
    },
    begin: bed => bed.kill('server'),
  },
  {
    name: 'app-paused',
    what: 'one of two servers stands still for 4 s',
    promise: 'no error; what it had waits',
    ...{ short: true, holdMs: 4_000, settleMs: 6_000 },
    expected: { others: { errors: 0, gapMs: 7_000 } },
    begin: bed => bed.pause('server'),
  },
  {
    name: 'app-slow',
    what: 'one of two servers runs for a fifth of the time, 6 s',
    promise: 'no error',
    ...{ short: false, holdMs: 6_000, settleMs: 4_000 },
    expected: { others: nothing },
    begin: bed => bed.slow('server'),
  },
  {
    name: 'control-plane-killed',
    what: 'the control plane is killed',
    promise: 'nothing',
    ...{ short: true, holdMs: 0, settleMs: 8_000 },
    expected: { others: nothing },
    begin: bed => bed.kill('control plane'),
  },
  {
    name: 'control-plane-paused',
    what: 'the control plane stands still for 10 s',
    promise: 'nothing',
    ...{ short: false, holdMs: 10_000, settleMs: 5_000 },
    expected: { others: nothing },
    begin: bed => bed.pause('control plane'),
  },
  {
    name: 'control-plane-cut-off',
    what: 'no packet reaches the control plane, and a proxy of a server is killed meanwhile, 12 s',
    promise: 'only what that proxy had; the new one comes with its first word from the control plane',
    ...{ short: false, holdMs: 12_000, settleMs: 15_000 },
    expected: {
      WebSockets: itsConnections,
      TCP: itsConnections,
      POST: underWay,
      gRPC: underWay,
      others: nothing,
    },
    async begin(bed) {
      const back = await bed.partition('control plane');
      await bed.kill('server proxy');
      return back;
    },
  },
  {
    name: 'node-agent-paused',
    what: "the node's agent stands still for 8 s: it is API server, kubelet and name server in one",
    promise: 'nothing but that names are looked up later',
    ...{ short: true, holdMs: 8_000, settleMs: 6_000 },
    expected: { 'new connections': { errors: 50, gapMs: 14_000, recoveredMs: 6_000 }, others: nothing },
    begin: bed => bed.pause('agent'),
  },
  {
    name: 'dns-away',
    what: 'the name server does not answer for 8 s',
    promise: 'nothing but that names are looked up later: connections that are open, and proxies, need none',
    ...{ short: false, holdMs: 8_000, settleMs: 6_000 },
    expected: { 'new connections': { errors: 50, gapMs: 14_000, recoveredMs: 6_000 }, others: nothing },
    begin: async bed =>
      bed.rules(['udp', 'tcp'].map(protocol => ['INPUT', '-p', protocol, '--dport', '53', '-j', 'DROP'])),
  },
  {
    name: 'server-unplugged',
    what: 'the link of one of two servers goes down for 6 s',
    promise: 'no error; what was on its way to it waits',
    ...{ short: true, holdMs: 6_000, settleMs: 10_000 },
    expected: { others: { errors: 0, gapMs: 14_000 } },
    begin: bed => bed.unplug('server'),
  },
  {
    name: 'client-unplugged',
    what: "the client's link goes down for 4 s",
    promise: 'calls that begin meanwhile may fail at once; open connections go on',
    ...{ short: false, holdMs: 4_000, settleMs: 10_000 },
    expected: {
      WebSockets: { errors: 0, gapMs: 12_000 },
      TCP: { errors: 0, gapMs: 12_000 },
      others: { errors: 150, gapMs: 12_000, recoveredMs: 6_000 },
    },
    begin: bed => bed.unplug('client proxy'),
  },
  {
    name: 'server-node-gone',
    what: 'all packets from and to one of two servers are lost for 45 s',
    promise: 'what waits for it ends when its silence is noticed; everything else goes to the other',
    ...{ short: false, holdMs: 45_000, settleMs: 15_000 },
    expected: {
      WebSockets: { errors: 8, gapMs: 50_000 },
      TCP: { errors: 8, gapMs: 50_000 },
      others: { errors: 60, gapMs: 6_000 },
    },
    begin: bed => bed.partition('server'),
  },
  {
    name: 'packets-lost',
    what: 'one packet of twenty is lost, 10 s',
    promise: 'no error',
    ...{ short: false, holdMs: 10_000, settleMs: 6_000 },
    expected: { others: { errors: 0, gapMs: 8_000 } },
    begin: async bed =>
      bed.rules([['FORWARD', '-m', 'statistic', '--mode', 'random', '--probability', '0.05', '-j', 'DROP']]),
  },
  {
    name: 'link-slow',
    what: 'the link of one of two servers carries 64 kbit/s, 10 s',
    promise: 'no error; what goes through it is late',
    ...{ short: false, holdMs: 10_000, settleMs: 6_000 },
    expected: { others: { errors: 0, gapMs: 8_000 } },
    begin: bed => bed.throttle('server', 64_000),
  },
  {
    name: 'disk-full',
    what: "the disk of the client's proxy is full, and one of two servers is killed, which it would write down, 8 s",
    promise: 'what the server that is killed had; that nothing can be kept is said once in the log',
    ...{ short: false, holdMs: 8_000, settleMs: 6_000 },
    expected: {
      WebSockets: itsConnections,
      TCP: itsConnections,
      POST: underWay,
      gRPC: underWay,
      others: nothing,
    },
    async begin(bed) {
      const back = await bed.fillDisk('client proxy');
      await bed.kill('server');
      return back;
    },
    async check(bed) {
      if (!bed.sandbox.logs('shop', 'client', 'weft-proxy').includes('the last resources cannot be kept'))
        throw new Error('the log of the proxy says nothing of its disk');
    },
  },
  {
    name: 'memory-runs-out',
    what: 'the proxy of one of two servers may have 96 MiB, and 4,000 strangers each send it a part of a request, 8 s',
    promise:
      'it is not killed, so no connection breaks; strangers wait or are refused, and so may be calls that came to it',
    ...{ short: false, holdMs: 8_000, settleMs: 12_000 },
    expected: {
      POST: { errors: 6, gapMs: 10_000 },
      gRPC: { errors: 6, gapMs: 10_000 },
      others: { errors: 0, gapMs: 10_000 },
    },
    impossible: noMemoryGroup,
    async prepare(bed) {
      const remove = await bed.restartWithMemory('server proxy', 96 * 2 ** 20);
      return async () => {
        await bed.kill('server proxy');
        await remove();
      };
    },
    begin: bed => bed.crowd('server proxy', 8080, 4_000, 16_000),
    async check(bed) {
      const looked = await bed.metric('server proxy', 'weft_memory_collections_total');
      if (looked === 0) throw new Error('its memory was never short, so that this row says nothing');
    },
  },
  {
    name: 'descriptors-run-out',
    what: 'the proxy of one of two servers may have 256 files open, and 400 strangers connect to it, 6 s',
    promise:
      'nothing: strangers are reset while half of the descriptors are in use, which log and metric say',
    ...{ short: true, holdMs: 6_000, settleMs: 4_000 },
    expected: { others: nothing },
    async prepare(bed) {
      await bed.restartWithDescriptors('server proxy', 256);
      return async () => void (await bed.kill('server proxy'));
    },
    begin: bed => bed.crowd('server proxy', 7000, 400),
    async check(bed) {
      const refused = await bed.metric('server proxy', 'weft_descriptors_refused_total');
      if (refused < 200)
        throw new Error(`only ${refused} of 400 connections were refused for want of descriptors`);
      const { namespace, name } = await bed.pod('server proxy');
      if (!bed.sandbox.logs(namespace, name, 'weft-proxy').includes('half of the file descriptors'))
        throw new Error('the log of the proxy says nothing of descriptors');
    },
  },
  {
    name: 'log-reader-killed',
    what: 'what reads the logs of the proxy of one of two servers dies, then the control plane, of which there is something to say',
    promise: 'nothing; what the proxy has to say is lost',
    ...{ short: false, holdMs: 5_000, settleMs: 5_000 },
    expected: { others: nothing },
    // Its next run has a log again.
    prepare: async bed => async () => void (await bed.kill('server proxy')),
    async begin(bed) {
      await bed.signalLogReader('server proxy', 'SIGKILL');
      return bed.kill('control plane');
    },
    async check(bed) {
      const lost = await bed.metric('server proxy', 'weft_internal_errors_total');
      if (lost === 0) throw new Error('the proxy has written nothing, so that this row says nothing');
    },
  },
];
