import { ANNOTATIONS } from '../../config/names.ts';
import { type MachineCheck, type MachineGroup, type MachineProbe, parseSpiffe } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { isRange } from './stream-route.ts';

/** networking.istio.io WorkloadGroup, v1alpha3, v1beta1 and v1: what the entries of machines that join are made from. */
export const workloadGroupTranslator: KindTranslator = {
  kind: 'WorkloadGroup.networking.istio.io',
  translate: translateWorkloadGroup,
};

function translateWorkloadGroup(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, namespace = '', uid = '', annotations = {}, creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const metadata = spec.object('metadata');
  const template = spec.object('template');
  if (!template)
    report.error('field-invalid', 'spec.template', 'spec.template is missing; say what its machines are');
  const ranges = rangesOf(annotations[ANNOTATIONS.machineAddresses], report);
  const probe = spec.object('probe');
  const policy: MachineGroup = {
    namespace,
    name,
    uid,
    apiVersion: object.apiVersion,
    labels: metadata?.strings('labels') ?? {},
    annotations: metadata?.strings('annotations') ?? {},
    template: templateOf(template, { namespace, trustDomain: context.trustDomain }, report),
    ...given({ addresses: ranges, probe: probe && probeOf(probe, report) }),
    from: report.object,
  };
  metadata?.rest();
  spec.rest();
  return [{ kind: 'policy', of: 'machineGroups', policy, createdAt: creationTimestamp }];
}

function templateOf(
  template: Fields | undefined,
  { namespace, trustDomain }: { readonly namespace: string; readonly trustDomain: string },
  report: Report,
): MachineGroup['template'] {
  const serviceAccount = template?.text('serviceAccount') || 'default';
  if (template && !parseSpiffe(`spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`)) {
    const path = template.at('serviceAccount');
    report.error('field-invalid', path, `${path}: '${serviceAccount}' is no name of a ServiceAccount`);
  }
  const ports = template?.object('ports');
  const numbers = (ports?.names() ?? []).flatMap(each => {
    const number = ports!.port(each);
    return number === undefined ? [] : [[each, number] as const];
  });
  const optional = given({
    weight: template?.number('weight') || undefined,
    locality: template?.text('locality') || undefined,
    network: template?.text('network') || undefined,
  });
  const labels = template?.strings('labels') ?? {};
  template?.unsupported('address', 'each machine says its own address');
  template?.rest();
  return { serviceAccount, labels, ports: Object.fromEntries(numbers), ...optional };
}

function rangesOf(text: string | undefined, report: Report): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const ranges = text
    .split(',')
    .map(each => each.trim())
    .filter(Boolean);
  const wrong = ranges.length === 0 ? text : ranges.find(each => !isRange(each));
  if (wrong !== undefined) {
    const path = `metadata.annotations['${ANNOTATIONS.machineAddresses}']`;
    report.error('field-invalid', path, `${path}: '${wrong}' is no address or range such as 10.0.0.0/8`);
  }
  return ranges;
}

/** Seconds, as Kubernetes has them; 0 means what stands for nothing. */
function secondsOf(probe: Fields, name: string, otherwise: number): number {
  return (probe.number(name, { max: 86_400 }) || otherwise) * 1000;
}

function probeOf(probe: Fields, report: Report): MachineProbe | undefined {
  const check = checkOf(probe, report);
  const read = {
    initialDelayMs: secondsOf(probe, 'initialDelaySeconds', 0),
    timeoutMs: secondsOf(probe, 'timeoutSeconds', 1),
    periodMs: secondsOf(probe, 'periodSeconds', 10),
    successThreshold: probe.number('successThreshold', { max: 1_000 }) || 1,
    failureThreshold: probe.number('failureThreshold', { max: 1_000 }) || 3,
  };
  probe.rest();
  return check && { ...read, check };
}

const WAYS = ['httpGet', 'tcpSocket', 'exec', 'grpc'] as const;

function checkOf(probe: Fields, report: Report): MachineCheck | undefined {
  const ways = WAYS.filter(each => probe.has(each));
  const [way] = ways;
  const fields = way && probe.object(way);
  if (way === undefined || ways.length > 1) {
    for (const each of ways) probe.pass(each);
    const said = ways.length === 0 ? 'says none' : `says ${ways.join(' and ')}`;
    report.error('field-invalid', probe.path, `${probe.path} ${said}; give one of ${WAYS.join(', ')}`);
    return undefined;
  }
  if (!fields) return undefined;
  const check = way === 'exec' ? execOf(fields, report) : networkCheckOf(way, fields, report);
  fields.rest();
  return check;
}

function execOf(fields: Fields, report: Report): MachineCheck {
  const command = fields.texts('command');
  if (command.length === 0)
    report.error('field-invalid', fields.at('command'), `${fields.at('command')} is empty; say what to run`);
  return { kind: 'exec', command };
}

function networkCheckOf(way: 'httpGet' | 'tcpSocket' | 'grpc', fields: Fields, report: Report): MachineCheck {
  const port = fields.port('port');
  if (port === undefined && !fields.has('port'))
    report.error('field-invalid', fields.at('port'), `${fields.at('port')} is missing`);
  const at = { port: port ?? 0 };
  if (way === 'grpc')
    return { kind: 'grpc', ...at, ...given({ service: fields.text('service') || undefined }) };
  const host = given({ host: fields.text('host') || undefined });
  if (way === 'tcpSocket') return { kind: 'tcp', ...at, ...host };
  const headers = fields.objects('httpHeaders').map(each => {
    const header = { name: each.text('name') ?? '', value: each.text('value') ?? '' };
    each.rest();
    return header;
  });
  const path = fields.text('path') || '/';
  return {
    kind: 'http',
    ...at,
    ...host,
    path,
    scheme: fields.choice('scheme', ['HTTP', 'HTTPS']) ?? 'HTTP',
    headers,
  };
}
