// catalog: names, with the price that offers knows (gRPC) and the count that stock has (plain TCP, the server speaks first).
import { GrpcClient } from './grpc.ts';
import { productOf, products } from './products.ts';
import { Refusal, serve } from './service.ts';
import { StockClient } from './stock-client.ts';

const [stockHost = 'stock', stockPort = '9000'] = (process.env.STOCK_ADDRESS ?? 'stock:9000').split(':');
const stock = new StockClient(stockHost, Number(stockPort));
const offers = new GrpcClient(process.env.OFFERS_ADDRESS ?? 'offers:9090');

serve('catalog', {
  'GET /products': () => ({ body: { products } }),
  'GET /products/:id': async ({ params }) => {
    const product = productOf(params.id);
    if (!product) throw new Refusal(404, `no product ${params.id}`);
    const [left, offer] = await Promise.all([
      stock.count(product.id),
      offers.call('shop.Offers/Price', { product: product.id }),
    ]);
    return {
      body: { product: { ...product, cents: offer.message.cents, inStock: left.count } },
      servedBy: [left.servedBy, ...offer.servedBy],
    };
  },
});
