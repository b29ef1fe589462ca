// The peer: npm's oidc-provider, one RS256 key made at start, one confidential client. It does what is measured of
// oneaccess (the click, client_credentials, refresh, introspection) and nothing else is on. One process with everything
// in memory; with --workers N and --redis URL, N processes behind one port, with everything in Redis.
// When ready it prints one JSON line that `load --peer` reads; warnings go to standard error.

import cluster from 'node:cluster';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { Memory } from './memory.mjs';
import { Redis } from './redis.mjs';

console.info = console.error;
const { default: Provider } = await import('oidc-provider');

const SCOPE = 'openid library.ebooks';
const PATRON = { card: 'peer-reader', pin: '2468' };

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'client-id': { type: 'string', default: 'bench' },
    'client-secret': { type: 'string' },
    'redirect-uri': { type: 'string', default: 'http://127.0.0.1:9/callback' },
    'post-logout-redirect-uri': { type: 'string' },
    workers: { type: 'string', default: '1' },
    redis: { type: 'string' },
  },
});
const workers = Number(options.workers);
if (workers > 1 && !options.redis) throw new Error('several workers need --redis: in memory each would be alone');
if (options.redis) await Redis.connect(options.redis);

// What all workers share: the port, the client's secret, the key, the cookie key.
const shared = process.env.PEER_SHARED ? JSON.parse(process.env.PEER_SHARED) : makeShared();
const server = createServer();
if (cluster.isPrimary && workers > 1) await fork();
const port = process.env.PEER_PORT ?? options.port;
await new Promise((listening) => server.listen(Number(port), '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = makeProvider();
const answer = provider.callback();
server.on('request', (request, response) => {
  const interaction = /^\/interaction\/[\w-]+$/.test(request.url);
  (interaction ? signIn : answer)(request, response);
});

if (cluster.isPrimary) console.log(described(issuer));
else process.send('ready');

function makeShared() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: randomBytes(8).toString('hex') };
  const secret = options['client-secret'] ?? randomBytes(32).toString('hex');
  return { key, secret, cookie: randomBytes(32).toString('hex') };
}

// The primary asks for a free port, gives it back, and lets the workers share it; it serves nothing itself.
async function fork() {
  await new Promise((listening) => server.listen(Number(options.port), '127.0.0.1', listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  const env = { PEER_SHARED: JSON.stringify(shared), PEER_PORT: String(port) };
  const ready = Array.from({ length: workers }, () => new Promise((heard) => cluster.fork(env).once('message', heard)));
  await Promise.all(ready);
  console.log(described(`http://127.0.0.1:${port}`));
  process.on('SIGTERM', () => process.exit(0));
  await new Promise(() => {});
}

function described(issuer) {
  return JSON.stringify({
    issuer,
    client_id: options['client-id'],
    client_secret: shared.secret,
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uri: options['redirect-uri'],
    scope: SCOPE,
    patrons: { reader: PATRON },
    pid: process.pid,
  });
}

function makeProvider() {
  const logout = options['post-logout-redirect-uri'];
  return new Provider(issuer, {
    adapter: options.redis ? Redis : Memory,
    cookies: { keys: [shared.cookie] },
    clients: [{
      client_id: options['client-id'],
      client_secret: shared.secret,
      redirect_uris: [options['redirect-uri']],
      post_logout_redirect_uris: logout ? [logout] : [],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
    }],
    jwks: { keys: [shared.key] },
    scopes: SCOPE.split(' '),
    claims: { openid: ['sub'], 'library.ebooks': ['audience_band', 'patron_type'] },
    pkce: { required: () => true },
    issueRefreshToken: () => true,
    rotateRefreshToken: () => true,
    ttl: { AccessToken: 300, ClientCredentials: 300, RefreshToken: 86400, AuthorizationCode: 60, IdToken: 300, Session: 86400, Grant: 86400, Interaction: 600 },
    features: { devInteractions: { enabled: false }, userinfo: { enabled: true },
      clientCredentials: { enabled: true }, introspection: { enabled: true } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, audience_band: 'young-adult', patron_type: 'student' }),
    }),
    loadExistingGrant,
  });
}

// Nothing personal is released, so consent is granted on the first visit of a session.
async function loadExistingGrant({ oidc: { session, client } }) {
  const known = session.grantIdFor(client.clientId);
  const kept = known && await provider.Grant.find(known);
  if (kept) return kept;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(SCOPE);
  await grant.save();
  return grant;
}

// The least sign-in that a script or a person can fill in; the form has the ids and names of oneaccess's own.
async function signIn(request, response) {
  try {
    if (request.method !== 'POST') {
      await provider.interactionDetails(request, response);
      return page(response, 200, '');
    }
    let body = '';
    for await (const part of request) body += part;
    const typed = new URLSearchParams(body);
    if (typed.has('deny')) {
      return await provider.interactionFinished(request, response, { error: 'access_denied' });
    }
    if (!typed.get('card') || typed.get('pin') !== PATRON.pin) return page(response, 401, '<p>Try again.</p>');
    return await provider.interactionFinished(request, response, { login: { accountId: typed.get('card') } });
  } catch (fault) {
    console.error(fault);
    return page(response, 400, '<p>This sign-in is over.</p>');
  }
}

function page(response, status, message) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1>${message}
<form id="sign-in" method="post"><label>Card <input name="card"></label> <label>PIN <input name="pin" type="password">
</label> <button id="sign-in-submit">Sign in</button> <button name="deny" value="1">No</button></form></html>`);
}
