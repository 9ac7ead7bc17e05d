// What the chart's value `issuer` changes: the text of the file of `weft install --issuer`, so that one file does for both.
import { isDeepStrictEqual } from 'node:util';
import { recordOf } from '../../plain/index.ts';
import { fieldsIf, listedIf, whereListed } from './helm-marker.ts';
import { ISSUER_FILES } from './issuer.ts';
import type { InstallOptions } from './options.ts';
import { ownRules } from './rbac.ts';

/** Names a file, so that an object made of it has every part that an issuer may bring. */
export const SAMPLE_ISSUER = `certManager: { issuer: sample, rootsFile: ${ISSUER_FILES}ca.crt }\n`;

const isGiven = '.Values.issuer';
/** As JSON, since a comment names no file. */
const hasFiles = `contains "${ISSUER_FILES}" (toJson (fromYaml .Values.issuer))`;
const isCertManager = 'hasKey (fromYaml .Values.issuer) "certManager"';

/** The Deployment, made of SAMPLE_ISSUER, with the issuer's parts in conditions. */
export function withIssuer(deployment: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const spec = recordOf(deployment.spec);
  const template = recordOf(spec.template);
  const metadata = recordOf(template.metadata);
  const pod = recordOf(template.spec);
  const { 'weft.dev/issuer': _, ...annotations } = recordOf(metadata.annotations);
  // As issuerParts makes it.
  const hash = { 'weft.dev/issuer': '{{ sha256sum .Values.issuer | trunc 16 }}' };
  const [container] = pod.containers as readonly [Readonly<Record<string, unknown>>];
  const isFiles = (each: unknown): boolean => recordOf(each).name === 'issuer';
  const inContainer = {
    ...container,
    args: whereListed(container.args, each => String(each).startsWith('--issuer='), isGiven),
    volumeMounts: whereListed(container.volumeMounts, isFiles, hasFiles),
  };
  return {
    ...deployment,
    spec: {
      ...spec,
      template: {
        metadata: { ...metadata, annotations: { ...annotations, ...fieldsIf(isGiven, hash) } },
        spec: { ...pod, containers: [inContainer], volumes: whereListed(pod.volumes, isFiles, hasFiles) },
      },
    },
  };
}

/** Lines for the data of the ConfigMap; what says nothing of an issuer is refused before anything is installed. */
export function issuerSettings(): string {
  const isKnown = `or (hasKey (fromYaml .Values.issuer) "vault") (${isCertManager})`;
  const why = 'issuer has neither vault nor certManager; docs/certificates.md has an example';
  return [
    `{{- if ${isGiven} }}`,
    `{{- if not (${isKnown}) }}`,
    `{{- fail "${why}" }}`,
    '{{- end }}',
    '  issuer.yaml: {{ toJson .Values.issuer }}',
    '{{- end }}',
    '',
  ].join('\n');
}

/** The rules of the Role: those for a key of its own, or those for the issuer's, and what is common. */
export function issuerRights(options: InstallOptions): readonly unknown[] {
  const rules = (issuer: string): readonly unknown[] =>
    ownRules({ ...options, issuer }).map(({ why: _, ...rule }) => rule);
  const [own, manager] = [rules(''), rules(SAMPLE_ISSUER)];
  const without = (some: readonly unknown[], others: readonly unknown[]) =>
    some.filter(each => !others.some(other => isDeepStrictEqual(each, other)));
  return [
    ...listedIf(`not ${isGiven}`, without(own, manager)),
    ...listedIf(isCertManager, without(manager, own)),
    ...own.filter(each => manager.some(other => isDeepStrictEqual(each, other))),
  ];
}
