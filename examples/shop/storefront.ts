// storefront: the page of a product, made of what catalog, reviews and cart say. It has no fallback on purpose: when one of
// them fails, the page fails, so that whoever counts pages counts every loss behind them.
import { call } from './call.ts';
import { Refusal, serve } from './service.ts';

const catalog = process.env.CATALOG_URL ?? 'http://catalog:8080';
const reviews = process.env.REVIEWS_URL ?? 'http://reviews:8080';
const cart = process.env.CART_URL ?? 'http://cart:8080';

serve('storefront', {
  'GET /': async () => {
    const reply = await call(`${catalog}/products`);
    return { body: { products: reply.body.products }, servedBy: reply.servedBy };
  },
  'GET /products/:id': async ({ params, url }) => {
    const id = encodeURIComponent(params.id!);
    const user = encodeURIComponent(url.searchParams.get('user') ?? 'guest');
    const [product, said, basket] = await Promise.all([
      call(`${catalog}/products/${id}`),
      call(`${reviews}/reviews/${id}`),
      call(`${cart}/carts/${user}`),
    ]);
    return {
      body: {
        product: product.body.product,
        reviews: said.body.reviews,
        stars: said.body.stars,
        cart: basket.body.items,
      },
      servedBy: [...product.servedBy, ...said.servedBy, ...basket.servedBy],
    };
  },
  'POST /cart': async call_ => {
    const order = await call_.json();
    if (typeof order !== 'object' || order === null) throw new Refusal(400, 'an order is a JSON object');
    const reply = await call(`${cart}/items`, { method: 'POST', body: order });
    return { status: 201, body: { items: reply.body.items }, servedBy: reply.servedBy };
  },
});
