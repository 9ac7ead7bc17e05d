// offers: what a product costs today, over gRPC. Called by catalog. Health, faults and counts are asked over HTTP, as everywhere.
import { FaultSwitch } from './fault.ts';
import { serveGrpc } from './grpc.ts';
import { productOf } from './products.ts';
import { Refusal, serve } from './service.ts';

const NOT_FOUND = 5;

const fault = new FaultSwitch();
const grpc = serveGrpc(
  'offers',
  {
    'shop.Offers/Price': ({ product: id }) => {
      const product = productOf(typeof id === 'string' ? id : undefined);
      if (!product) throw new Refusal(NOT_FOUND, `no product ${String(id)}`);
      return { id: product.id, cents: product.cents };
    },
  },
  Number(process.env.GRPC_PORT ?? 9090),
  fault,
);

serve('offers', {}, { fault, grpc });
