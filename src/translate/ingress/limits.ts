import type { AnswerRate, ClientLimit, EdgePolicy } from '../../model/index.ts';
import { given, some } from '../given.ts';
import type { Annotations } from './annotations.ts';
import type { IngressDefaults } from './ingress-model.ts';
import type { SettingsContext } from './settings.ts';

/** Rates of ingress-nginx: a burst of five times the rate, none of it delayed. */
export function readLimits(
  annotations: Annotations,
  { namespace, name, defaults }: SettingsContext,
): Pick<EdgePolicy, 'clientLimits' | 'clientConnections' | 'answerRate'> {
  const multiplier = annotations.count('limit-burst-multiplier') ?? 5;
  const except = annotations.cidrs('limit-allowlist') ?? annotations.cidrs('limit-whitelist');
  const key = { kind: 'address' } as const;
  const rates = (
    [
      ['limit-rps', 1],
      ['limit-rpm', 60],
    ] as const
  ).flatMap(([annotation, seconds]): readonly ClientLimit[] => {
    const count = annotations.count(annotation);
    if (count === undefined || count === 0) return [];
    return [
      {
        zone: `${namespace}/${name}/${annotation}`,
        key,
        perSecond: count / seconds,
        burst: count * multiplier,
        delay: false,
        status: defaults.limitStatus,
        ...given({ except }),
      },
    ];
  });
  const max = annotations.count('limit-connections');
  const connections =
    max === undefined || max === 0
      ? undefined
      : {
          zone: `${namespace}/${name}/limit-connections`,
          key,
          max,
          status: defaults.limitConnectionsStatus,
          ...given({ except }),
        };
  return given({
    clientLimits: some(rates),
    clientConnections: connections && [connections],
    answerRate: answerRateOf(annotations, defaults),
  });
}

/** KiB and KiB per second; 0 for no rate. */
function answerRateOf(annotations: Annotations, defaults: IngressDefaults): AnswerRate | undefined {
  const rate = annotations.count('limit-rate') ?? defaults.answerRate;
  const after = annotations.count('limit-rate-after') ?? defaults.answerRateAfter;
  return rate === 0 ? undefined : { bytesPerSecond: rate * 1024, afterBytes: after * 1024 };
}
