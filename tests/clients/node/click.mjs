// One click with npm's openid-client, stock: discovery, PKCE, state, nonce, code exchange, ID token checks, userinfo.
//
// Talks to the test over lines of JSON. In: {issuer, client_id, client_secret, auth_method, redirect_uri, scope}.
// Out: {authorize}. In: {callback}, where the browser came back to. Out: {claims, userinfo, scope, token_type}.
import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'
globalThis.crypto ??= webcrypto
const oidc = await import('openid-client')

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const hear = async () => JSON.parse((await lines.next()).value)
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')

try {
  const wish = await hear()
  const authentication = {
    client_secret_basic: () => oidc.ClientSecretBasic(wish.client_secret),
    client_secret_post: () => oidc.ClientSecretPost(wish.client_secret),
    none: () => oidc.None(),
  }[wish.auth_method]()
  const config = await oidc.discovery(
    new URL(wish.issuer),
    wish.client_id,
    { redirect_uris: [wish.redirect_uri] },
    authentication,
    { execute: [oidc.allowInsecureRequests] },
  )
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const authorize = oidc.buildAuthorizationUrl(config, {
    redirect_uri: wish.redirect_uri,
    scope: wish.scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  say({ authorize: authorize.href })

  const { callback } = await hear()
  const tokens = await oidc.authorizationCodeGrant(config, new URL(callback), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
  say({ claims, userinfo, scope: tokens.scope, token_type: tokens.token_type })
  process.exit(0)
} catch (error) {
  say({ error: String(error), cause: String(error?.cause?.stack ?? error?.cause ?? error?.stack) })
  process.exit(1)
}
