// Many clicks with npm's openid-client, stock: discovered once, its keys cached as it does by default.
//
// Talks to the test over lines of JSON. In: {issuer, client_id, client_secret, redirect_uri, scope}. Then, again and
// again, in: {begin}, out: {authorize}; in: {callback}, out: {id_token} or {refused}.
import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'
globalThis.crypto ??= webcrypto
const oidc = await import('openid-client')

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const hear = async () => {
  const { value, done } = await lines.next()
  if (done) process.exit(0)
  return JSON.parse(value)
}
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')

const wish = await hear()
const config = await oidc.discovery(
  new URL(wish.issuer),
  wish.client_id,
  {},
  oidc.ClientSecretBasic(wish.client_secret),
  { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] },
)
for (;;) {
  await hear()
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  const expectedNonce = oidc.randomNonce()
  const authorize = oidc.buildAuthorizationUrl(config, {
    redirect_uri: wish.redirect_uri,
    scope: wish.scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  })
  say({ authorize: authorize.href })
  const { callback } = await hear()
  try {
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
    const tokens = await oidc.authorizationCodeGrant(config, new URL(callback), checks)
    say({ id_token: tokens.id_token })
  } catch (error) {
    say({ refused: `${error}: ${error?.cause?.stack ?? error?.cause ?? error?.stack}` })
  }
}
