// A school's sign-in by npm's oidc-provider: one client, two pupils, a form of its own and no consent. When it is ready
// it prints its issuer. Told UPSTREAM_ISS=no, it does not name itself in its answers.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

console.info = console.error;
console.warn = console.error;
const { default: Provider } = await import('oidc-provider');

const PUPILS = {
  pupil1: { password: 'birch-leaf', email: 'pupil1@maple.example' },
  pupil2: { password: 'willow-leaf', email: 'pupil2@maple.example' },
};
const SCOPE = 'openid email';

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: randomBytes(8).toString('hex') };

const provider = new Provider(issuer, {
  cookies: { keys: [randomBytes(32).toString('hex')] },
  clients: [{
    client_id: process.env.UPSTREAM_CLIENT_ID,
    client_secret: process.env.UPSTREAM_CLIENT_SECRET,
    redirect_uris: [process.env.UPSTREAM_REDIRECT_URI],
    post_logout_redirect_uris: [process.env.UPSTREAM_POST_LOGOUT_REDIRECT_URI].filter(Boolean),
    grant_types: ['authorization_code'],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  }],
  jwks: { keys: [key] },
  conformIdTokenClaims: false,
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => PUPILS[id] && {
    accountId: id,
    claims: () => ({ sub: id, email: PUPILS[id].email, email_verified: true }),
  },
  async loadExistingGrant({ oidc: { session, client } }) {
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(SCOPE);
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();
server.on('request', (request, response) => {
  (/^\/interaction\/[\w-]+$/.test(request.url) ? signIn : answer)(request, response);
});
console.log(issuer);

async function signIn(request, response) {
  try {
    if (request.method !== 'POST') {
      await provider.interactionDetails(request, response);
      return page(response, 200);
    }
    let body = '';
    for await (const part of request) body += part;
    const typed = new URLSearchParams(body);
    if (typed.has('deny')) return await provider.interactionFinished(request, response, { error: 'access_denied' });
    const name = typed.get('username');
    if (PUPILS[name]?.password !== typed.get('password')) return page(response, 401);
    return await provider.interactionFinished(request, response, { login: { accountId: name } });
  } catch (fault) {
    console.error(fault);
    return page(response, 400);
  }
}

function page(response, status) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<!doctype html><html lang="en"><title>School sign-in</title><h1>School sign-in</h1>
<form id="school" method="post"><label>Name <input id="username" name="username"></label>
<label>Password <input id="password" name="password" type="password"></label>
<button id="in">Sign in</button> <button id="deny" name="deny" value="1">No</button></form></html>`);
}
