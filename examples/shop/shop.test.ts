import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Running, start } from '../testing.ts';
import { GrpcClient } from './grpc.ts';

type Json = Record<string, unknown>;
/** The address at which offers takes gRPC. */
const grpcOf = (offers: Running) => /takes gRPC at (\S+)/.exec(offers.output())![1]!;
const startOffers = () => start('shop/offers.ts', { GRPC_PORT: '0' });
const json = async (url: string, init?: RequestInit) => (await (await fetch(url, init)).json()) as Json;
const order = (body: object) => ({ method: 'POST', body: JSON.stringify(body) });

async function lines(socket: Socket, count: number): Promise<string[]> {
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.split('\r\n').length > count) break;
  }
  return text.split('\r\n').slice(0, count);
}

test('reviews v1 has words only, v2 adds the stars of ratings', async () => {
  await using ratings = await start('shop/ratings.ts');
  await using v1 = await start('shop/reviews.ts', { VERSION: 'v1' });
  await using v2 = await start('shop/reviews.ts', { VERSION: 'v2', RATINGS_URL: ratings.url });
  assert.equal((await json(`${v1.url}/reviews/p2`)).stars, undefined);
  const answer = await fetch(`${v2.url}/reviews/p2`);
  assert.equal(answer.headers.get('served-by'), 'reviews/pod-1/v2, ratings/pod-1/v1');
  assert.equal(((await answer.json()) as Json).stars, 5);
});

test('a failing callee is a 502 that names it', async () => {
  await using v2 = await start('shop/reviews.ts', { VERSION: 'v2', RATINGS_URL: 'http://127.0.0.1:1' });
  const answer = await fetch(`${v2.url}/reviews/p2`);
  assert.equal(answer.status, 502);
  assert.match(
    String(((await answer.json()) as Json).error),
    /GET http:\/\/127.0.0.1:1\/ratings\/p2: .*ECONNREFUSED/,
  );
});

test('cart keeps what was put in and finds out repeated orders', async () => {
  await using cart = await start('shop/cart.ts');
  const first = await fetch(`${cart.url}/items`, order({ id: 'o1', user: 'ada', product: 'p1' }));
  assert.equal(first.status, 201);
  await json(`${cart.url}/items`, order({ id: 'o2', user: 'ada', product: 'p2' }));
  const again = await json(`${cart.url}/items`, order({ id: 'o1', user: 'ada', product: 'p1' }));
  assert.equal(again.seen, 2);
  assert.deepEqual((await json(`${cart.url}/carts/ada`)).items, ['p1', 'p2', 'p1']);
  const told = await json(`${cart.url}/orders`);
  assert.deepEqual([told.orders, told.repeated], [2, ['o1']]);
  assert.equal((await fetch(`${cart.url}/items`, order({ id: 1 }))).status, 400);
  assert.match(cart.output(), /^order o1\norder o2\norder o1$/m);
});

test('stock greets before anything is said, counts, and says goodbye', async () => {
  await using stock = await start('shop/stock.ts', { POD_NAME: 'stock-0' });
  const socket = connect(stock.port, '127.0.0.1');
  await once(socket, 'readable');
  socket.write('COUNT p1\r\nCOUNT p9\r\nHELLO\r\nQUIT\r\n');
  assert.deepEqual(await lines(socket, 5), [
    'STOCK/1 ready stock/stock-0/v1',
    'OK p1 7',
    'ERR no product p9',
    'ERR say COUNT <product> or QUIT',
    'BYE',
  ]);
});

test('stock ends its connections with a goodbye on SIGTERM', async () => {
  await using stock = await start('shop/stock.ts');
  const socket = connect(stock.port, '127.0.0.1');
  await once(socket, 'readable');
  const said = lines(socket, 2);
  assert.equal(await stock.stop(), 0);
  assert.deepEqual(await said, ['STOCK/1 ready stock/pod-1/v1', 'BYE']);
});

test('catalog asks stock, and asks again on a new connection when one was lost', async () => {
  const connections: Socket[] = [];
  const fake: Server = createServer(socket => {
    connections.push(socket);
    socket.on('error', () => {});
    if (connections.length === 2) return void socket.destroy();
    socket.write(`STOCK/1 ready stock/s${connections.length}/v1\r\n`);
    socket.on('data', chunk => socket.write(`OK ${String(chunk).trim().split(' ')[1]} 3\r\n`));
  });
  fake.listen(0, '127.0.0.1');
  await once(fake, 'listening');
  const { port } = fake.address() as { port: number };
  try {
    await using offers = await startOffers();
    await using catalog = await start('shop/catalog.ts', {
      STOCK_ADDRESS: `127.0.0.1:${port}`,
      OFFERS_ADDRESS: grpcOf(offers),
    });
    const first = await fetch(`${catalog.url}/products/p1`);
    assert.equal(first.headers.get('served-by'), 'catalog/pod-1/v1, stock/s1/v1, offers/pod-1/v1');
    assert.equal((((await first.json()) as Json).product as Json).inStock, 3);
    connections[0]!.destroy();
    const second = await fetch(`${catalog.url}/products/p2`);
    assert.equal(second.status, 200);
    assert.equal(second.headers.get('served-by'), 'catalog/pod-1/v1, stock/s3/v1, offers/pod-1/v1');
  } finally {
    for (const socket of connections) socket.destroy();
    fake.close();
  }
});

test('storefront makes a page of catalog, reviews and cart, and passes orders on', async () => {
  await using stock = await start('shop/stock.ts');
  await using offers = await startOffers();
  await using catalog = await start('shop/catalog.ts', {
    STOCK_ADDRESS: `127.0.0.1:${stock.port}`,
    OFFERS_ADDRESS: grpcOf(offers),
  });
  await using reviews = await start('shop/reviews.ts');
  await using cart = await start('shop/cart.ts');
  await using storefront = await start('shop/storefront.ts', {
    CATALOG_URL: catalog.url,
    REVIEWS_URL: reviews.url,
    CART_URL: cart.url,
  });
  const placed = await fetch(`${storefront.url}/cart`, order({ id: 'o1', user: 'ada', product: 'p3' }));
  assert.equal(placed.status, 201);
  const page = await fetch(`${storefront.url}/products/p3?user=ada`);
  const names = page.headers.get('served-by')!.split(', ');
  assert.deepEqual(
    names.map(name => name.split('/')[0]),
    ['storefront', 'catalog', 'stock', 'offers', 'reviews', 'cart'],
  );
  const body = (await page.json()) as Json;
  assert.deepEqual(body.cart, ['p3']);
  assert.equal((body.product as Json).inStock, 21);
  assert.equal(((await json(storefront.url)).products as unknown[]).length, 5);
  await catalog.stop();
  assert.equal((await fetch(`${storefront.url}/products/p3`)).status, 502);
});

test('calls go through HTTP_PROXY when it is set', async () => {
  const seen: string[] = [];
  const proxy = createServer(socket => {
    socket.once('data', chunk => {
      seen.push(String(chunk).split('\r\n')[0]!);
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"stars":1}');
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as { port: number };
  try {
    await using v2 = await start('shop/reviews.ts', {
      VERSION: 'v2',
      RATINGS_URL: 'http://ratings.example:8080',
      HTTP_PROXY: `http://127.0.0.1:${port}`,
    });
    assert.equal((await json(`${v2.url}/reviews/p1`)).stars, 1);
    assert.deepEqual(seen, ['GET http://ratings.example:8080/ratings/p1 HTTP/1.1']);
  } finally {
    proxy.close();
  }
});

test('catalog reaches stock and offers through the proxy that HTTP_PROXY names', async () => {
  const seen: string[] = [];
  await using offers = await startOffers();
  const proxy = createServer(socket => {
    socket.once('data', chunk => {
      if (String(chunk).startsWith('PRI * HTTP/2.0')) {
        seen.push('HTTP/2');
        const upstream = connect(Number(grpcOf(offers).split(':')[1]), '127.0.0.1');
        upstream.write(chunk);
        socket.pipe(upstream).pipe(socket);
        return;
      }
      seen.push(String(chunk).split('\r\n')[0]!);
      socket.write('HTTP/1.1 200 OK\r\n\r\nSTOCK/1 ready stock/s1/v1\r\n');
      socket.on('data', () => socket.write('OK p1 9\r\n'));
    });
    socket.on('error', () => {});
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as { port: number };
  try {
    await using catalog = await start('shop/catalog.ts', { HTTP_PROXY: `http://127.0.0.1:${port}` });
    assert.equal(((await json(`${catalog.url}/products/p1`)).product as Json).inStock, 9);
    assert.deepEqual(seen.sort(), ['CONNECT stock:9000 HTTP/1.1', 'HTTP/2']);
  } finally {
    proxy.close();
  }
});

test('the visitor tells how a call went', async () => {
  await using ratings = await start('shop/ratings.ts');
  await using visitor = await start('shop/visitor.ts');
  const good = await json(`${visitor.url}/visit?url=${encodeURIComponent(`${ratings.url}/ratings/p1`)}`);
  assert.equal(good.status, 200);
  const bad = await json(`${visitor.url}/visit?url=${encodeURIComponent('http://127.0.0.1:1/')}`);
  assert.match(String(bad.error), /ECONNREFUSED/);
  assert.equal((await fetch(`${visitor.url}/visit?url=file:///`)).status, 400);
});

test('offers answers over gRPC: prices, statuses in trailers, and what its fault switch says', async () => {
  await using offers = await startOffers();
  const client = new GrpcClient(grpcOf(offers), 2_000);
  const price = (product: string) => client.call('shop.Offers/Price', { product });
  assert.deepEqual(await price('p2'), { message: { id: 'p2', cents: 1850 }, servedBy: ['offers/pod-1/v1'] });
  await assert.rejects(price('p9'), /status 5: no product p9/);
  await assert.rejects(
    client.call('shop.Offers/Nothing', {}),
    /status 12: offers has no \/shop.Offers\/Nothing/,
  );
  await json(`${offers.url}/fault`, { method: 'POST', body: JSON.stringify({ status: 14 }) });
  await assert.rejects(price('p2'), /status 14: the fault switch says so/);
  assert.equal((await json(`${offers.url}/stats`)).served, 4);
  await json(`${offers.url}/fault`, { method: 'DELETE' });
  const last = price('p1');
  await last;
  assert.equal(await offers.stop(), 0);
  await assert.rejects(price('p1'), /ECONNREFUSED/);
});
