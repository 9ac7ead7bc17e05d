// reviews: what buyers said. Version v1 has the words; v2 adds the stars that ratings knows.
import { call } from './call.ts';
import { productOf } from './products.ts';
import { Refusal, serve, version } from './service.ts';

const ratings = process.env.RATINGS_URL ?? 'http://ratings:8080';

serve('reviews', {
  'GET /reviews/:id': async ({ params }) => {
    const product = productOf(params.id);
    if (!product) throw new Refusal(404, `no product ${params.id}`);
    const reviews = [{ by: 'Ada', says: `This ${product.name} holds the thread.` }];
    if (version === 'v1') return { body: { id: product.id, reviews } };
    const reply = await call(`${ratings}/ratings/${product.id}`);
    return { body: { id: product.id, reviews, stars: reply.body.stars }, servedBy: reply.servedBy };
  },
});
