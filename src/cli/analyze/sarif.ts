// Findings as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), for code hosts and editors that show them beside the lines.
import { codeInfo, type Finding, type FindingSeverity } from '../../analyze/index.ts';
import { VERSION } from '../../config/index.ts';
import { formatRef } from '../../model/index.ts';

/** The parts of a SARIF log that are written here. */
export interface SarifLog {
  readonly $schema: string;
  readonly version: '2.1.0';
  readonly runs: readonly {
    readonly tool: {
      readonly driver: {
        readonly name: string;
        readonly version: string;
        readonly rules: readonly SarifRule[];
      };
    };
    readonly results: readonly SarifResult[];
    readonly columnKind: 'utf16CodeUnits';
  }[];
}

/** A reportingDescriptor. */
export interface SarifRule {
  readonly id: string;
  readonly shortDescription: { readonly text: string };
  readonly help: { readonly text: string };
}

/** A result. */
export interface SarifResult {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: 'error' | 'warning' | 'note';
  readonly message: { readonly text: string };
  readonly locations?: readonly SarifLocation[];
}

/** Where: a line of a file where there is one, and the object. */
export interface SarifLocation {
  readonly physicalLocation?: {
    readonly artifactLocation: { readonly uri: string };
    readonly region: { readonly startLine: number };
  };
  readonly logicalLocations?: readonly { readonly fullyQualifiedName: string; readonly kind: string }[];
}

const levels: Readonly<Record<FindingSeverity, SarifResult['level']>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
};

/** One run with a rule for each code that was found. */
export function sarifLog(found: readonly Finding[]): SarifLog {
  const codes = [...new Set(found.map(each => each.code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'weft analyze', version: VERSION, rules: codes.map(code => ruleOf(code, found)) },
        },
        results: found.map(each => resultOf(each, codes.indexOf(each.code))),
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
}

function ruleOf(id: string, found: readonly Finding[]): SarifRule {
  const info = codeInfo(id);
  const first = found.find(each => each.code === id)!;
  return {
    id,
    shortDescription: { text: info?.title ?? `a problem of an object: ${id}` },
    help: { text: info?.remedy ?? first.remedy },
  };
}

function resultOf(finding: Finding, ruleIndex: number): SarifResult {
  const { code, severity, reason, remedy } = finding;
  const location = locationOf(finding);
  return {
    ruleId: code,
    ruleIndex,
    level: levels[severity],
    message: { text: `${reason}. remedy: ${remedy}` },
    ...(location && { locations: [location] }),
  };
}

/** What could not be read as an object says its place at the beginning of its message. */
function locationOf({ object, path, reason }: Finding): SarifLocation | undefined {
  const place = /^(.+?):(\d+)(?=: |$)/.exec(object ? (object.origin ?? '') : reason);
  if (!object && !place) return undefined;
  const name = object && formatRef({ ...object, origin: undefined });
  return {
    ...(place && {
      physicalLocation: {
        artifactLocation: { uri: uriOf(place[1]!) },
        region: { startLine: Number(place[2]) },
      },
    }),
    ...(name !== undefined && {
      logicalLocations: [
        { fullyQualifiedName: path === undefined ? name : `${name} ${path}`, kind: 'object' },
      ],
    }),
  };
}

/** A path as a relative URI reference. */
function uriOf(path: string): string {
  return path.replace(/^\.\//, '').split('/').map(encodeURIComponent).join('/');
}
