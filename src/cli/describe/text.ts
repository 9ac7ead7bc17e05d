// Descriptions in plain words.
import { formatRef, type ObjectRef } from '../../model/index.ts';
import { retryWords, timeWords } from '../proxy-config/words.ts';
import type { ProxyState } from '../proxy-status/proxy-state.ts';
import { plainText, type Screen, shortTime } from '../table.ts';
import { droppedLines } from './dropped-context.ts';
import type {
  Description,
  Membership,
  NamespaceDescription,
  PodDescription,
  PolicyFact,
  RuleFact,
  ServiceDescription,
  ServicePortFact,
  Share,
} from './facts.ts';
import { modeWords } from './policies.ts';

type Colour = keyof typeof colours;
const colours = { red: 31, yellow: 33, green: 32 } as const;

/** What `weft describe` prints. */
export function descriptionText(description: Description, screen: Screen): string {
  const paint = (text: string, colour: Colour): string =>
    screen.colours ? `\x1b[${colours[colour]}m${text}\x1b[0m` : text;
  const blocks = blocksOf(description, paint);
  const found = description.findings.map(({ severity, code, object, path, reason, remedy }) => {
    const where = [object && formatRef(object), path].filter(Boolean).join(' ');
    const sign = { error: paint('✗', 'red'), warning: paint('!', 'yellow'), info: 'i' }[severity];
    return `  ${sign} ${plainText(`${where}: ${reason} (${code})`)}\n      remedy: ${plainText(remedy)}`;
  });
  const wrong = found.length === 0 ? ['nothing is wrong with these objects'] : ['what is wrong', ...found];
  return [...blocks, wrong].map(lines => lines.join('\n')).join('\n\n');
}

type Paint = (text: string, colour: Colour) => string;

function blocksOf(description: Description, paint: Paint): string[][] {
  switch (description.kind) {
    case 'pod':
      return podBlocks(description, paint);
    case 'service':
      return serviceBlocks(description, paint);
    case 'namespace':
      return namespaceBlocks(description, paint);
  }
}

/** Whose it is by its labels, and what to do where it still has another. */
function controlPlaneLine({ controlPlane, servedBy }: Membership, paint: Paint): string[] {
  if (controlPlane === undefined) return [];
  const until =
    servedBy === undefined
      ? ''
      : `; its proxy is still with ${paint(servedBy, 'yellow')}, until it is restarted`;
  return [`  belongs to   ${plainText(controlPlane)}${until}`];
}

function podBlocks(description: PodDescription, paint: Paint): string[][] {
  const { pod, owner, identity, ready, node, membership, ports, otherPorts, rules, policies } = description;
  const { meshed, why } = membership;
  const of = owner.kind === 'Pod' ? '' : `, of ${owner.kind} ${owner.name}`;
  const head = [
    `${formatRef(pod)}${of}${node === undefined ? '' : `, on node ${node}`}`,
    `  in the mesh  ${meshed ? paint('yes', 'green') : paint('no', 'red')}: ${plainText(why)}`,
    ...controlPlaneLine(membership, paint),
    `  ready        ${ready ? 'yes' : paint('no', 'red')}`,
    ...(meshed ? [`  identity     ${identity}`] : []),
    ...proxyLines(description, paint),
  ];
  const portLines = ports.map(({ number, protocol, how, mtls, decidedBy, seen, services }) => {
    const to = services.length === 0 ? 'no Service sends to it' : `for ${services.join(', ')}`;
    const mode = !meshed
      ? 'plaintext, for there is no proxy'
      : seen
        ? `${modeWords(mtls)}${by(decidedBy)}`
        : 'whatever comes, past the proxy, as annotations of the pod say';
    return `  ${number}  ${protocol} (${how}); ${to}\n      lets in ${mode}`;
  });
  const others = otherPorts
    ? [`  any other port lets in ${modeWords(otherPorts.mtls)}${by(otherPorts.decidedBy)}`]
    : [];
  return [
    head,
    [
      'ports',
      ...(portLines.length > 0 ? portLines : ['  none is declared, and no Service sends to it']),
      ...others,
    ],
    rules.length === 0
      ? ['no rule sends requests to it: no Service has it behind it, or it is not ready']
      : ['rules that send requests to it', ...rules.flatMap(each => ruleLines(each, paint))],
    policyLines(policies),
  ];
}

function by(object: ObjectRef | undefined): string {
  return object ? ` (${formatRef(object)})` : ' (the default)';
}

function proxyLines({ proxy, proxyUnknown }: PodDescription, paint: Paint): string[] {
  if (proxyUnknown !== undefined)
    return [`  proxy        nothing is known of it now: ${plainText(proxyUnknown)}`];
  if (proxy === undefined) return [];
  const words = proxyWords(proxy);
  const troubles = proxy.troubles.map(({ severity, message, remedy }) => {
    const sign = severity === 'error' ? paint('✗', 'red') : paint('!', 'yellow');
    return `      ${sign} ${plainText(message)}\n          next: ${remedy}`;
  });
  const dropped = droppedLines(proxy.droppedContext ?? [], 'its app', paint('!', 'yellow'));
  return [`  proxy        ${words}`, ...troubles, ...dropped.map(line => `      ${line}`)];
}

function proxyWords(proxy: ProxyState): string {
  const {
    version,
    connected,
    controlPlane,
    configurationAgeSeconds: age,
    certificateExpiresSeconds: left,
    nacks,
  } = proxy;
  return [
    `version ${version}`,
    connected === 'in-process'
      ? 'reads its configuration from files'
      : connected
        ? `connected to ${controlPlane ?? 'the control plane'}`
        : connected === false && 'not connected to the control plane',
    age !== undefined && (age === 0 ? 'configuration current' : `configuration ${shortTime(age)} old`),
    nacks !== undefined && nacks > 0 && `${nacks} resources refused`,
    left !== undefined && (left > 0 ? `certificate for ${shortTime(left)} more` : 'no valid certificate'),
  ]
    .filter(each => typeof each === 'string')
    .join(', ');
}

function ruleLines(rule: RuleFact, paint: Paint): string[] {
  const { host, place, object, path, match, action, shares, timeoutMs, retry, besides } = rule;
  const from = object
    ? `${formatRef(object)}${path === undefined ? '' : ` ${path}`}`
    : 'the default of the mesh';
  const limits =
    action === 'sends' ? [`time limit ${timeWords(timeoutMs)}, retries ${retryWords(retry)}`] : [];
  return [
    `  ${host}  rule ${place}: ${match}`,
    `      ${plainText(from)} ${action}${shares.length === 0 ? '' : ' to'}`,
    ...shares.map(each => `        ${shareText(each, paint)}`),
    ...[...limits, ...besides].map(each => `      ${plainText(each)}`),
  ];
}

function shareText({ cluster, percent, ready, total, why, here }: Share, paint: Paint): string {
  const state = why ?? `${ready} of ${total} endpoints ready`;
  return `${percent} %  ${cluster}  ${ready === 0 ? paint(plainText(state), 'red') : plainText(state)}${here ? ', this pod among them' : ''}`;
}

function policyLines(policies: readonly PolicyFact[]): string[] {
  if (policies.length === 0) return ['no policy holds for it: the defaults of the mesh do'];
  const lines = policies.map(({ object, says, without }) =>
    plainText(
      `  ${formatRef(object)}: ${says}${without === undefined ? '' : `, without effect here: ${without}`}`,
    ),
  );
  return ['policies that hold for it', ...lines];
}

function serviceBlocks(description: ServiceDescription, paint: Paint): string[][] {
  const { service, host, type, caller, ports, subsets, workloads, policies, droppedContext } = description;
  const pods = workloads.map(({ name, pods: all, ready, meshed }) => {
    const proxies = meshed === all ? 'all with a proxy' : paint(`${meshed} of them with a proxy`, 'yellow');
    return `  ${name}: ${ready} of ${all} pods ready, ${proxies}`;
  });
  const parts = subsets.map(({ name, labels, pods: count, object }) => {
    const size = count === 0 ? paint('no pod has them', 'red') : `${count} pods`;
    return `  ${name}: ${labels || 'all pods'}, ${size} (${formatRef(object)})`;
  });
  return [
    [`${formatRef(service)}, ${host}`, `  ${type}; as ${caller} meets it`],
    [
      'behind it',
      ...(pods.length > 0 ? pods : [paint('  no pod of the mesh’s cluster', 'yellow')]),
      ...droppedLines(droppedContext ?? [], 'its app', paint('!', 'yellow')).map(line => `  ${line}`),
    ],
    ...ports.map(each => servicePortLines(each, paint)),
    ...(parts.length > 0 ? [['subsets', ...parts]] : []),
    policyLines(policies),
  ];
}

function servicePortLines(port: ServicePortFact, paint: Paint): string[] {
  const { number, name, protocol, how, ready, total, meshed, accepts, rules, leftOut, settings } = port;
  const endpoints = `${ready} of ${total} endpoints ready, ${meshed} with a proxy`;
  return [
    `port ${number}${name === '' ? '' : ` (${name})`}: ${protocol} (${how})`,
    `  ${ready === 0 ? paint(endpoints, 'red') : endpoints}`,
    ...accepts.map(({ mtls, pods, past, decidedBy }) =>
      past
        ? `  ${pods} are called past their proxy, as annotations of the pods say`
        : `  ${pods} let in ${modeWords(mtls)}${by(decidedBy)}`,
    ),
    ...rules.flatMap(each => ruleLines(each, paint)),
    ...leftOut.map(({ object, path, why }) =>
      plainText(`  not for this caller: ${formatRef(object)} ${path}: ${why}`),
    ),
    ...settings.map(({ name: what, value, from }) => {
      const who = from.length === 0 ? '' : ` (${from.map(each => formatRef(each)).join(', ')})`;
      return `  ${`${what}:`.padEnd(19)} ${value}${who}`;
    }),
  ];
}

function namespaceBlocks(description: NamespaceDescription, paint: Paint): string[][] {
  const { name, membership, workloads, mtls, services, policies } = description;
  const rows = workloads.map(({ kind, name: workload, pods, ready, meshed, why }) => {
    const proxies =
      meshed === pods
        ? 'with a proxy'
        : paint(meshed === 0 ? 'without a proxy' : `${meshed} with a proxy`, 'yellow');
    return plainTextKeeping(`  ${kind} ${workload}: ${ready} of ${pods} pods ready, ${proxies}`, why);
  });
  return [
    [
      `Namespace ${name}`,
      `  in the mesh  ${membership.meshed ? paint('yes', 'green') : paint('no', 'red')}: ${membership.why}`,
      ...controlPlaneLine(membership, paint),
      `  lets in      ${modeWords(mtls.mode)}${by(mtls.decidedBy)}, where nothing says otherwise of single workloads`,
      `  Services     ${services.length === 0 ? 'none' : services.join(', ')}`,
    ],
    ['workloads', ...(rows.length > 0 ? rows : ['  none'])],
    policyLines(policies),
  ];
}

function plainTextKeeping(shown: string, why: string | undefined): string {
  return why === undefined ? shown : `${shown} (${plainText(why)})`;
}
