// The peer: npm's oidc-provider in one process, everything in memory, one RS256 key made at start, one confidential
// client. It answers the same click as oneaccess does (authorize, token with PKCE, userinfo) and nothing else is on.
// When ready it prints one JSON line that `load --peer` reads; warnings go to standard error.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { Memory } from './memory.mjs';

console.info = console.error;
const { default: Provider } = await import('oidc-provider');

const SCOPE = 'openid library.ebooks';
const PATRON = { card: 'peer-reader', pin: '2468' };

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'client-id': { type: 'string', default: 'bench' },
    'client-secret': { type: 'string', default: randomBytes(32).toString('hex') },
    'redirect-uri': { type: 'string', default: 'http://127.0.0.1:9/callback' },
    'post-logout-redirect-uri': { type: 'string' },
  },
});

const server = createServer();
await new Promise((listening) => server.listen(Number(options.port), '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = makeProvider();
const answer = provider.callback();
server.on('request', (request, response) => {
  const interaction = /^\/interaction\/[\w-]+$/.test(request.url);
  (interaction ? signIn : answer)(request, response);
});

console.log(JSON.stringify({
  issuer,
  client_id: options['client-id'],
  client_secret: options['client-secret'],
  token_endpoint_auth_method: 'client_secret_basic',
  redirect_uri: options['redirect-uri'],
  scope: SCOPE,
  patrons: { reader: PATRON },
  pid: process.pid,
}));

function makeProvider() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: randomBytes(8).toString('hex') };
  const logout = options['post-logout-redirect-uri'];
  return new Provider(issuer, {
    adapter: Memory,
    clients: [{
      client_id: options['client-id'],
      client_secret: options['client-secret'],
      redirect_uris: [options['redirect-uri']],
      post_logout_redirect_uris: logout ? [logout] : [],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
    }],
    jwks: { keys: [key] },
    scopes: SCOPE.split(' '),
    claims: { openid: ['sub'], 'library.ebooks': ['audience_band', 'patron_type'] },
    pkce: { required: () => true },
    ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Session: 86400, Grant: 86400, Interaction: 600 },
    features: { devInteractions: { enabled: false }, userinfo: { enabled: true } },
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
