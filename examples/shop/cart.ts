// cart: what people are about to buy, in memory. It remembers every order id and how often it came, and prints each, so
// that an order which somebody repeats on the way here is found out.
import { Refusal, serve } from './service.ts';

interface Order {
  readonly id: string;
  readonly user: string;
  readonly product: string;
}

const remembered = 100_000;
const carts = new Map<string, string[]>();
const times = new Map<string, number>();

function take(posted: unknown): Order {
  const { id, user, product } = (posted ?? {}) as Partial<Record<keyof Order, unknown>>;
  if (typeof id === 'string' && typeof user === 'string' && typeof product === 'string') {
    return { id, user, product };
  }
  throw new Refusal(400, 'an order needs the strings id, user and product');
}

serve('cart', {
  'POST /items': async call => {
    const order = take(await call.json());
    const seen = (times.get(order.id) ?? 0) + 1;
    times.set(order.id, seen);
    if (times.size > remembered) times.delete(times.keys().next().value!);
    const items = [...(carts.get(order.user) ?? []), order.product].slice(-10);
    carts.set(order.user, items);
    console.log(`order ${order.id}`);
    return { status: 201, body: { id: order.id, seen, items } };
  },
  'GET /carts/:user': ({ params }) => ({ body: { user: params.user, items: carts.get(params.user!) ?? [] } }),
  'GET /orders': () => ({
    body: { orders: times.size, repeated: [...times].filter(([, seen]) => seen > 1).map(([id]) => id) },
  }),
});
