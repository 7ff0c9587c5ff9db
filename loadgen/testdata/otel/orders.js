// A service of two: the front asks the stock service for each of its orders, and each of them makes queries. Ports are the arguments.
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { trace, SpanKind } = require('@opentelemetry/api');
const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] });
sdk.start();
const http = require('http');
const [role, port, stock] = process.argv.slice(2);
const tracer = trace.getTracer(role);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// query is what an instrumented driver makes of a query, by the old semantic conventions or by the new ones.
async function query(text, old) {
  const attributes = old
    ? { 'db.system': 'postgresql', 'db.name': 'shop', 'db.statement': text, 'net.peer.name': 'db1' }
    : { 'db.system.name': 'postgresql', 'db.namespace': 'shop', 'db.query.text': text, 'server.address': 'db1' };
  await tracer.startActiveSpan(old ? 'pg.query:SELECT shop' : 'SELECT', { kind: SpanKind.CLIENT, attributes }, async (span) => {
    await sleep(1);
    span.end();
  });
}

const get = (url) => new Promise((done, fail) => http.get(url, (res) => { res.resume(); res.on('end', done); }).on('error', fail));

const handlers = {
  async front() {
    await query('SELECT id, customer FROM orders WHERE day = 17', false);
    for (let id = 1; id <= 6; id++) await query(`SELECT name FROM customers WHERE id = ${id}`, false);
    await get(`http://127.0.0.1:${stock}/stock`);
  },
  async stock() {
    for (let id = 1; id <= 4; id++) await query(`SELECT pieces FROM stock WHERE article_id = ${id}`, true);
  },
};
http.createServer(async (req, res) => {
  await handlers[role]();
  res.end('ok\n');
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.on('SIGTERM', () => sdk.shutdown().then(() => process.exit(0)));
