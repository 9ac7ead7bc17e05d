// What the chart's value `deployGateways` changes: an argument of the control plane, and the rights that go with it, in each
// namespace that is named or in the whole cluster, as `weft install --deploy-gateways` gives them; and the rights of
// the values that name namespaces of Secrets.
import { revisionNames } from '../../config/index.ts';
import { deployRights, grantedRights, type NamespaceGrant } from './gateway-rights.ts';
import { mapContainer, whereListed } from './helm-marker.ts';
import { REVISION } from './helm-revision.ts';
import type { Manifest } from './objects.ts';
import { DEPLOY_GATEWAYS, type InstallOptions, NAMED_NAMESPACES } from './options.ts';

const given = '.Values.deployGateways';

/** Whether the object is one of those that gatewayRights writes. */
export function isGatewayRight({ metadata }: Manifest): boolean {
  return metadata.name === `${revisionNames(REVISION).injector}-gateways`;
}

/** The Deployment with its argument in a condition. */
export function withGateways(deployment: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return mapContainer(deployment, container => ({
    ...container,
    args: whereListed(container.args, each => String(each).startsWith('--deploy-gateways='), given),
  }));
}

/** One template for all of the rights. What is no list of namespaces is refused before anything is installed. */
export function gatewayRights(options: InstallOptions, yaml: (object: unknown) => string): string {
  const documents = (deployGateways: string, namespace: string): readonly string[] =>
    deployRights({ ...options, namespace, deployGateways }).map(each => `---\n${yaml(each).trimEnd()}`);
  const { pattern, what } = DEPLOY_GATEWAYS;
  const why = `deployGateways is not ${what}; docs/gateway.md has an example`;
  return [
    // Values of an older chart (`helm upgrade --reuse-values`) have none.
    `{{- if ${given} }}`,
    `{{- if not (regexMatch "${pattern.source}" ${given}) }}`,
    `{{- fail "${why}" }}`,
    '{{- end }}',
    `{{- if eq ${given} "all" }}`,
    ...documents('all', options.namespace),
    '{{- else }}',
    `{{- range splitList "," ${given} }}`,
    // Inside of a range `.` is the entry, and `$` what `.` is outside.
    ...documents('{{ . }}', options.namespace.replace('.Release', '$.Release')),
    '{{- end }}',
    '{{- end }}',
    '{{- end }}',
    '',
  ].join('\n');
}

/** The rights of a grant, in each namespace of its value. */
export function grantTemplate(
  grant: NamespaceGrant,
  options: InstallOptions,
  yaml: (object: unknown) => string,
): string {
  const { pattern, refused, what } = NAMED_NAMESPACES;
  const value = `.Values.${grant.option}`;
  const why = `{{- fail "${grant.option} is not ${what}" }}`;
  const inside = {
    ...options,
    namespace: options.namespace.replace('.Release', '$.Release'),
    [grant.option]: '{{ . }}',
  };
  return [
    `{{- if ${value} }}`,
    ...[`{{- if not (regexMatch "${pattern.source}" ${value}) }}`, why, '{{- end }}'],
    ...[`{{- if regexMatch "${refused.source}" ${value} }}`, why, '{{- end }}'],
    `{{- range splitList "," ${value} }}`,
    ...grantedRights(grant, inside).map(each => `---\n${yaml(each).trimEnd()}`),
    '{{- end }}',
    '{{- end }}',
    '',
  ].join('\n');
}
