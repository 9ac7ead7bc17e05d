// ratings: how many stars a product has. Called by reviews v2.
import { productOf } from './products.ts';
import { Refusal, serve } from './service.ts';

serve('ratings', {
  'GET /ratings/:id': ({ params }) => {
    const product = productOf(params.id);
    if (!product) throw new Refusal(404, `no product ${params.id}`);
    return { body: { id: product.id, stars: product.stars } };
  },
});
