// What of an installation is about what is beyond the cluster: machines that join, and services of Consul.
import { revisionNames } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { labelsOf, pair } from './gateway-rights.ts';
import { mapContainer, whereListed } from './helm-marker.ts';
import type { Manifest } from './objects.ts';
import type { InstallOptions } from './options.ts';
import type { Rule } from './rbac.ts';

type Json = Record<string, unknown>;

/** Options of this file. */
export interface BeyondOptions {
  /** Whether machines that join a WorkloadGroup get a WorkloadEntry, for which the control plane gets the right. */
  readonly machines: boolean;
  /** URL of Consul's HTTP API; '' for none. What follows is for it alone, '' for what weft-injector takes then. */
  readonly consul: string;
  readonly consulDatacenter: string;
  readonly consulTag: string;
  readonly consulNamespace: string;
  readonly consulDomain: string;
  /** Secrets in the namespace of the control plane: with a token under `token`, and with authorities (PEM) under `ca.crt`. */
  readonly consulTokenSecret: string;
  readonly consulCaSecret: string;
}

/** Nothing of it. */
export const NOTHING_BEYOND: BeyondOptions = {
  machines: false,
  consul: '',
  consulDatacenter: '',
  consulTag: '',
  consulNamespace: '',
  consulDomain: '',
  consulTokenSecret: '',
  consulCaSecret: '',
};

const name = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$/;

/** What the texts may be. */
export const BEYOND_PATTERNS: readonly [keyof BeyondOptions, RegExp, string][] = [
  ['consul', /^(https?:\/\/[^\s{}"'/]+\/?)?$/, 'the URL of its HTTP API, such as http://HOST:8500'],
  ['consulDatacenter', /^[a-z0-9_-]*$/, 'the name of a datacenter'],
  ['consulTag', /^[^\s{}"']*$/, 'a tag'],
  ['consulNamespace', /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$/, 'the name of a namespace'],
  ['consulDomain', /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/, 'a DNS domain'],
  ['consulTokenSecret', name, 'the name of a Secret'],
  ['consulCaSecret', name, 'the name of a Secret'],
];

/** What is wrong between them, if anything. */
export function checkBeyond(options: BeyondOptions): WeftError | undefined {
  if (options.consul !== '') return undefined;
  const [, stray] = consulTexts.find(([option]) => options[option] !== '') ?? [];
  if (stray === undefined) return undefined;
  const words = `--${stray} is of use with --consul alone; give the URL of its HTTP API, too`;
  return new WeftError('bad-configuration', words, { source: 'config' });
}

const files = { consulTokenSecret: 'token', consulCaSecret: 'ca.crt' } as const;
type FileOption = keyof typeof files;

/** Options by the flag of weft-injector, and of weft install where that is no file. */
const consulTexts = [
  ['consulDatacenter', 'consul-datacenter'],
  ['consulTag', 'consul-tag'],
  ['consulNamespace', 'consul-namespace'],
  ['consulDomain', 'consul-domain'],
  ['consulTokenSecret', 'consul-token-secret'],
  ['consulCaSecret', 'consul-ca-secret'],
] as const;

const fileFlags: Readonly<Record<FileOption, string>> = {
  consulTokenSecret: 'consul-token-file',
  consulCaSecret: 'consul-ca',
};

/** `/etc/weft-consul-token/token` */
function fileOf(option: FileOption): string {
  return `/etc/weft-${volumeOf(option)}/${files[option]}`;
}

function volumeOf(option: FileOption): string {
  return option === 'consulTokenSecret' ? 'consul-token' : 'consul-ca';
}

function isFile(option: string): option is FileOption {
  return option in files;
}

/** What the Deployment has of it. */
export function beyondParts(options: BeyondOptions): {
  readonly args: readonly string[];
  readonly volumes: readonly Json[];
  readonly volumeMounts: readonly Json[];
} {
  const args = options.machines ? ['--register-machines'] : [];
  if (options.consul === '') return { args, volumes: [], volumeMounts: [] };
  const given = consulTexts.filter(([option]) => options[option] !== '');
  const secrets = given.flatMap(([option]) => (isFile(option) ? [option] : []));
  return {
    args: [
      ...args,
      `--consul=${options.consul}`,
      ...given.map(([option, flag]) =>
        isFile(option) ? `--${fileFlags[option]}=${fileOf(option)}` : `--${flag}=${options[option]}`,
      ),
    ],
    volumes: secrets.map(option => ({ name: volumeOf(option), secret: { secretName: options[option] } })),
    volumeMounts: secrets.map(option => ({
      name: volumeOf(option),
      mountPath: `/etc/weft-${volumeOf(option)}`,
      readOnly: true,
    })),
  };
}

/** The options that the container and volumes of an installed control plane tell of. */
export function beyondOfInstalled(args: readonly string[], volumes: readonly Json[]): Partial<BeyondOptions> {
  const flag = (wanted: string): string | undefined =>
    args.find(each => each.startsWith(`--${wanted}=`))?.slice(wanted.length + 3);
  const secretOf = (option: FileOption): unknown =>
    (volumes.find(each => each.name === volumeOf(option))?.secret as Json | undefined)?.secretName;
  const texts = consulTexts.map(([option, each]) => [option, isFile(option) ? secretOf(option) : flag(each)]);
  return {
    ...(args.includes('--register-machines') && { machines: true }),
    ...(flag('consul') !== undefined && { consul: flag('consul')! }),
    ...Object.fromEntries(texts.filter(([, text]) => typeof text === 'string')),
  };
}

/** Who may write WorkloadEntries may say where the requests of a Service go: see docs/rights.md. */
export function machineRules(): readonly Rule[] {
  const group = 'networking.istio.io';
  return [
    {
      why: 'machines: the WorkloadEntry of each that joins, made, kept and taken away',
      apiGroups: [group],
      resources: ['workloadentries'],
      verbs: ['get', 'create', 'update', 'patch', 'delete'],
    },
    {
      why: 'machines: their health, in the status of their entries',
      apiGroups: [group],
      resources: ['workloadentries/status'],
      verbs: ['patch'],
    },
  ];
}

/** The right to write them, where machines join. */
export function machineRights(options: InstallOptions): readonly Manifest[] {
  if (!options.machines) return [];
  const metadata = { name: machinesName(options.revision), labels: labelsOf(options) };
  return pair('ClusterRole', metadata, options, machineRules());
}

function machinesName(revision: string): string {
  return `${revisionNames(revision).injector}-machines`;
}

/** Whether the object is one of those that machineRights writes. */
export function isMachineRight({ metadata }: Manifest, revision: string): boolean {
  return metadata.name === machinesName(revision);
}

/** The chart's Deployment, made of options that are places in values.yaml, with what is there by a condition. */
export function withBeyond(deployment: Json): Json {
  const isFlag =
    (wanted: string) =>
    (each: unknown): boolean =>
      String(each).split('=', 1)[0] === `--${wanted}`;
  const conditions: readonly (readonly [string, keyof BeyondOptions])[] = [
    ['register-machines', 'machines'],
    ['consul', 'consul'],
    ...consulTexts.map(([option, flag]) => [isFile(option) ? fileFlags[option] : flag, option] as const),
  ];
  const volumes = Object.keys(files).map(option => [volumeOf(option as FileOption), option] as const);
  const listed = (list: unknown): unknown =>
    volumes.reduce<unknown>(
      (now, [volume, option]) =>
        whereListed(now, each => (each as Json)?.name === volume, `.Values.${option}`),
      list,
    );
  const contained = mapContainer(deployment, container => ({
    ...container,
    args: conditions.reduce<unknown>(
      (now, [flag, option]) => whereListed(now, isFlag(flag), `.Values.${option}`),
      container.args,
    ),
    volumeMounts: listed(container.volumeMounts),
  }));
  const spec = contained.spec as { readonly template: { readonly spec: Json } };
  const pod = spec.template.spec;
  return {
    ...contained,
    spec: { ...spec, template: { ...spec.template, spec: { ...pod, volumes: listed(pod.volumes) } } },
  };
}

/** Places in values.yaml, for the chart. */
export function beyondPlaces(value: (path: string) => string): BeyondOptions {
  const texts = Object.keys(NOTHING_BEYOND).map(option => [option, value(option)]);
  return { ...(Object.fromEntries(texts) as unknown as BeyondOptions), machines: true };
}
