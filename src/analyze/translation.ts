// What translation found: fields without effect, objects that are refused or lose against others.
import type { Problem } from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import type { Finding } from './finding.ts';

/** Messages of problems end with their own remedy; where they do not, these say what to do. */
const remedies: Readonly<Record<string, string>> = {
  'field-invalid': 'correct the field; until then the last good version of the object stays in use',
  'refused-by-proxies': 'correct it, or restart pods whose proxy is of another version',
  'rule-refused': 'correct what is named; the other rules of the object hold',
  'field-not-supported': 'take the field out, or do not rely on it',
  'kind-not-supported': 'take the object out, or do not rely on it',
  'policy-shadowed': 'merge the two objects, or take this one out',
  'telemetry-tag-invalid': 'correct the tag; the others hold',
  'telemetry-filter-invalid':
    'correct the expression; until then the last good version of the object stays in use',
  'telemetry-provider-invalid': 'correct the provider; the others hold',
  'telemetry-provider-unknown': 'correct the name, or add the provider to the ConfigMap istio or weft-mesh',
  'log-format-invalid': 'correct the format',
  'weights-sum': 'make the weights add up to 100',
  'weights-zero': 'give at least one target a weight above 0',
  'weight-missing': 'write the weight',
  'hosts-missing': 'name the hosts',
  'host-looks-short': 'write the host in full',
  'regex-invalid': 'correct the pattern; it is RE2, without look-around and back-references',
  'yaml-unreadable': 'correct the YAML',
  'yaml-key-twice': 'take one of the two out',
  'object-unreadable': 'correct the object',
  'foreign-annotation': "say it in Weft's words (docs/pod-annotations.md), or do not rely on it",
  'object-duplicate': 'keep one of the two',
  'file-unrendered': 'analyze what the command prints: … | weft analyze -f -',
  'file-of-tool': 'nothing, or take it out of the folder',
  'file-unreadable': 'make the file readable',
};

/** Each problem as a finding. */
export function translationFindings(context: AnalysisContext): readonly Finding[] {
  return context.problems.filter(each => !isOutside(each, context)).map(problemFinding);
}

/** A host of two words is one of the world where no Service of that name and namespace is there. */
function isOutside({ code, message }: Problem, { mesh, knowsServices }: AnalysisContext): boolean {
  const service = /for the service write (\S+)$/.exec(message)?.[1];
  return (
    code === 'host-looks-short' && knowsServices && service !== undefined && !mesh.serviceByHost.has(service)
  );
}

/** A problem of one object as a finding. */
export function problemFinding({ code, severity, object, path, message }: Problem): Finding {
  return {
    code,
    severity,
    ...(object && { object }),
    ...(path !== undefined && path !== '' && { path }),
    reason: message,
    remedy: remedies[code] ?? `see ${code} in docs/errors.md`,
  };
}
