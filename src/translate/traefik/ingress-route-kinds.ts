import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { translateIngressRoute } from './ingress-route.ts';
import { translateIngressRouteTcp, translateIngressRouteUdp } from './ingress-route-tcp.ts';

type Translate = (object: KubeObject, context: TranslateContext, report: Report) => readonly Part[];

const closedWords = 'nothing of this object has held before, so until it is corrected its routes answer 503';

/** What of it can be read answers 503, rather than that a wider rule takes its requests past what it asks for. */
function ofGroups(kind: string, translate: Translate): readonly KindTranslator[] {
  return ['traefik.io', 'traefik.containo.us'].map(group => ({
    kind: `${kind}.${group}`,
    translate,
    closedWords,
    closed: (object, context, from) =>
      translate(object, context, new Report(from)).map(part =>
        part.kind === 'ingress' ? { ...part, ingress: { ...part.ingress, refused: true } } : part,
      ),
  }));
}

/** IngressRoutes of all protocols. */
export const ingressRouteKinds: readonly KindTranslator[] = [
  ...ofGroups('IngressRoute', translateIngressRoute),
  ...ofGroups('IngressRouteTCP', translateIngressRouteTcp),
  ...ofGroups('IngressRouteUDP', translateIngressRouteUdp),
];
