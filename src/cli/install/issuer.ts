// Who signs instead of the control plane's own key, as an installation has it: settings, files that they name, rights.
import { createHash } from 'node:crypto';
import { type IssuerSettings, parseIssuerSettings } from '../../config/issuer-settings.ts';
import { WeftError } from '../../errors/index.ts';
import { NAMES } from './names.ts';
import type { InstallOptions } from './options.ts';
import type { Rule } from './rbac.ts';

type Json = Record<string, unknown>;

/** Where the settings are in the container, beside those of injection. */
export const ISSUER_FILE = '/etc/weft/issuer.yaml';
/** Where the keys of the Secret `weft-issuer` are, as files. */
export const ISSUER_FILES = '/etc/weft-issuer/';
/** What a pod has of itself. */
const own = '/var/run/secrets/kubernetes.io/serviceaccount/';

/** What is wrong with the settings, if anything. Files may be the keys of the Secret alone: nothing else is in the container. */
export function checkIssuer(text: string): WeftError | undefined {
  if (text === '') return undefined;
  const settings = parseIssuerSettings(text, '--issuer');
  if (settings instanceof WeftError) return settings;
  const wrong = filesOf(settings).find(file => !file.startsWith(ISSUER_FILES) && !file.startsWith(own));
  if (wrong === undefined) return undefined;
  const key = wrong.slice(wrong.lastIndexOf('/') + 1);
  const words = `--issuer names the file ${wrong}, which is not in the container of the control plane; write ${ISSUER_FILES}${key} and make it a key of the Secret ${NAMES.issuer}`;
  return new WeftError('issuer-settings', words, { source: 'config' });
}

/** What the Deployment has of it; empty where the control plane signs itself. */
export function issuerParts({ issuer }: InstallOptions): {
  readonly args: readonly string[];
  readonly annotations: Json;
  readonly volumes: readonly Json[];
  readonly volumeMounts: readonly Json[];
} {
  if (issuer === '') return { args: [], annotations: {}, volumes: [], volumeMounts: [] };
  const settings = parseIssuerSettings(issuer, '--issuer');
  const hasFiles = !(settings instanceof WeftError) && filesOf(settings).some(each => !each.startsWith(own));
  return {
    args: [`--issuer=${ISSUER_FILE}`],
    // The settings are read at the start, so that others need new pods.
    annotations: { 'weft.dev/issuer': createHash('sha256').update(issuer).digest('hex').slice(0, 16) },
    volumes: hasFiles ? [{ name: 'issuer', secret: { secretName: NAMES.issuer } }] : [],
    volumeMounts: hasFiles ? [{ name: 'issuer', mountPath: ISSUER_FILES.slice(0, -1), readOnly: true }] : [],
  };
}

/** In the namespace of the control plane, in place of those for a key of its own. */
export function issuerRules({ issuer }: InstallOptions): readonly Rule[] {
  const settings = parseIssuerSettings(issuer, '--issuer');
  if (settings instanceof WeftError || settings.kind !== 'certManager') return [];
  return [
    {
      why: 'identity: cert-manager signs what a CertificateRequest asks for; those left behind are found and deleted',
      apiGroups: ['cert-manager.io'],
      resources: ['certificaterequests'],
      verbs: ['create', 'get', 'list', 'delete'],
    },
  ];
}

/** Every file that they name. */
function filesOf(settings: IssuerSettings): readonly string[] {
  const { trustAlso } = settings;
  const files = settings.kind === 'vault' ? [settings.caFile, settings.auth.tokenFile] : [settings.rootsFile];
  return [...files, trustAlso].filter(each => each !== undefined);
}
