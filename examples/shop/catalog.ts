// catalog: names and prices, with the count that the stock service (plain TCP, the server speaks first) has.
import { productOf, products } from './products.ts';
import { Refusal, serve } from './service.ts';
import { StockClient } from './stock-client.ts';

const [stockHost = 'stock', stockPort = '9000'] = (process.env.STOCK_ADDRESS ?? 'stock:9000').split(':');
const stock = new StockClient(stockHost, Number(stockPort));

serve('catalog', {
  'GET /products': () => ({ body: { products } }),
  'GET /products/:id': async ({ params }) => {
    const product = productOf(params.id);
    if (!product) throw new Refusal(404, `no product ${params.id}`);
    const { count, servedBy } = await stock.count(product.id);
    return { body: { product: { ...product, inStock: count } }, servedBy: [servedBy] };
  },
});
